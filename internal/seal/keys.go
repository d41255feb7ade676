package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	// MaxPayload is the largest payload, in bytes, of a token that [Keys.Verify]
	// accepts. Browsers keep cookies of up to 4096 bytes.
	MaxPayload = (maxToken - 1 - macText) / 4 * 3
	maxToken   = 4096
	macText    = 43 // 32 bytes in base64url without padding
)

// text is base64url without padding (RFC 4648, 5) that refuses trailing bits (3.5).
// Otherwise one token could be written in several ways.
var text = base64.RawURLEncoding.Strict()

// Keys derive one sub-key per purpose from the application's secrets. The first
// secret makes MACs and tokens; the older ones still verify them. The zero Keys
// verify nothing, and panic when they are asked to sign.
type Keys struct {
	roots []root // newest first; never written after NewKeys
}

// NewKeys returns keys for the application's secret, followed by the ones that it
// replaced. Each must have at least 32 bytes, and none may occur twice. The error
// lists every mistake by position. It contains no secret.
func NewKeys(secrets ...string) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("seal: no secret: " + cure)
	}
	k := &Keys{roots: make([]root, 0, len(secrets))}
	seen := make(map[string]int, len(secrets))
	var errs []error
	for i, s := range secrets {
		derive, err := newRoot(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("seal: secret %d of %d %w", i+1, len(secrets), err))
			continue
		}
		if first, dup := seen[s]; dup {
			errs = append(errs, fmt.Errorf("seal: secrets %d and %d are the same: remove one", first, i+1))
		}
		seen[s] = i + 1
		k.roots = append(k.roots, derive)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return k, nil
}

// MAC returns the 32-byte HMAC-SHA256 of parts under the newest key. Use it to
// store a one-time code: short codes need a key that is not in the database.
// Different lists of parts never yield the same input. Compare two MACs with
// crypto/hmac.Equal.
func (k *Keys) MAC(purpose string, parts ...string) []byte {
	return sum(k.roots[0]("twofold/mac/"+purpose), encode(nil, parts...))
}

// MACer returns a function that computes MAC for one purpose. It derives the key
// once, so it is faster for many MACs. It is not safe for concurrent use.
func (k *Keys) MACer(purpose string) func(parts ...string) []byte {
	h := hmac.New(sha256.New, k.roots[0]("twofold/mac/"+purpose))
	var text []byte
	return func(parts ...string) []byte {
		h.Reset()
		text = encode(text[:0], parts...)
		h.Write(text)
		return h.Sum(nil)
	}
}

// MACs returns the MAC under every key, newest first. Look for each of them while
// keys rotate.
func (k *Keys) MACs(purpose string, parts ...string) [][]byte {
	msg := encode(nil, parts...)
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = sum(derive("twofold/mac/"+purpose), msg)
	}
	return out
}

// MACKeys returns the keys with which MAC and MACs compute the MACs of a purpose,
// newest first. An encrypted export contains them, so that another system can check
// such MACs without the application's secret. They are as secret as what they
// protect.
func (k *Keys) MACKeys(purpose string) [][]byte {
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = derive("twofold/mac/" + purpose)
	}
	return out
}

// MACUnder returns the MAC of parts under a key of MACKeys.
func MACUnder(key []byte, parts ...string) []byte { return sum(key, encode(nil, parts...)) }

// Sign returns payload as a token that only [Keys.Verify] with the same purpose
// accepts: base64url(payload) "." base64url(HMAC-SHA256). Anyone who has the token
// can read the payload. Verify refuses the token of a payload that is longer than
// [MaxPayload].
func (k *Keys) Sign(purpose string, payload []byte) string {
	return text.EncodeToString(payload) + "." + text.EncodeToString(sum(k.roots[0](signInfo(purpose)), payload))
}

// Verify returns the payload of a token that [Keys.Sign] made for the same purpose
// under any of the keys. For anything else, it returns [ErrForged]. Each payload
// has exactly one valid token per key. The caller must check expiry and single use.
func (k *Keys) Verify(purpose, token string) ([]byte, error) {
	// The length is checked first, so that a huge token is not decoded or hashed.
	// Line breaks are refused because encoding/base64 skips them.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return nil, ErrForged
	}
	body, sig, ok := strings.Cut(token, ".")
	if !ok || len(sig) != macText {
		return nil, ErrForged
	}
	mac, err := text.DecodeString(sig)
	if err != nil {
		return nil, ErrForged
	}
	payload, err := text.DecodeString(body)
	if err != nil {
		return nil, ErrForged
	}
	for _, derive := range k.roots {
		// Which key matched is not secret. How much of a MAC matched is secret, and
		// hmac.Equal does not show it.
		if hmac.Equal(mac, sum(derive(signInfo(purpose)), payload)) {
			return payload, nil
		}
	}
	return nil, ErrForged
}

// Seeds returns 32 bytes for each secret, newest first. The caller makes a key pair
// of that purpose from them. They are as secret as the secrets.
func (k *Keys) Seeds(purpose string) [][]byte {
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = derive("twofold/seed/" + purpose)
	}
	return out
}

// String returns a description without the keys.
func (k *Keys) String() string {
	if k == nil {
		return "<nil>"
	}
	return fmt.Sprintf("seal.Keys(%d keys, %s)", len(k.roots), redacted)
}

// Format writes String for every verb, including %#v.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue returns String, so that structured logs do not contain the keys.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// signInfo separates the keys of tokens from the keys of MAC. Otherwise a stored
// MAC could be used as the signature of a token.
func signInfo(purpose string) string { return "twofold/sign/" + purpose }

func sum(key, msg []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(msg)
	return h.Sum(nil)
}
