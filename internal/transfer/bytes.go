package transfer

import (
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strings"
)

// Base64 are bytes that are encoded as base64url without padding in the file.
type Base64 []byte

// MarshalText implements encoding.TextMarshaler.
func (b Base64) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(b)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It accepts one encoding of
// each value.
func (b *Base64) UnmarshalText(text []byte) (err error) {
	if strings.ContainsAny(string(text), "\r\n") {
		return errors.New("line break in base64url")
	}
	*b, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return errors.New("not base64url without padding")
	}
	return nil
}

// Base32 are bytes that are encoded as base32 without padding (RFC 4648) in the
// file, as authenticator apps show them. Lower case and padding are accepted.
type Base32 []byte

// MarshalText implements encoding.TextMarshaler.
func (b Base32) MarshalText() ([]byte, error) {
	return []byte(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Base32) UnmarshalText(text []byte) (err error) {
	*b, err = DecodeBase32(string(text))
	return err
}

// DecodeBase32 decodes a key as people and systems write it: in any case, with
// spaces and dashes between groups, with or without padding.
func DecodeBase32(text string) ([]byte, error) {
	text = strings.ToUpper(text)
	if strings.ContainsAny(text, " -") {
		text = strings.NewReplacer(" ", "", "-", "").Replace(text)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(text, "="))
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("not base32")
	}
	return raw, nil
}

// OmitSecrets returns a copy without secrets: the password, keys of apps, recovery
// codes, and the public keys of passkeys with their handles. left lists what was
// left out.
func (a Account) OmitSecrets() (public Account, left []string) {
	if a.Password != nil {
		a.Password, left = nil, append(left, "password")
	}
	if len(a.Authenticators) > 0 {
		a.Authenticators, left = nil, append(left, "authenticators")
	}
	if len(a.RecoveryCodes) > 0 {
		a.RecoveryCodes, left = nil, append(left, "recovery_codes")
	}
	if len(a.Passkeys) > 0 {
		a.Passkeys, left = nil, append(left, "passkeys")
	}
	return a, left
}
