package keycloak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// credential is a user's credential. Two of its fields are strings that contain
// JSON.
type credential struct {
	Type    string `json:"type"`
	Label   string `json:"userLabel"`
	Created int64  `json:"createdDate"`
	Secret  string `json:"secretData"`
	Data    string `json:"credentialData"`
	Value   string `json:"value"` // a plain password, in a file written by hand
	// Temporary belongs to Value.
	Temporary bool `json:"temporary"`
}

// data is the content of credentialData, for all types.
type data struct {
	Iterations int64               `json:"hashIterations"`
	Algorithm  string              `json:"algorithm"`
	More       map[string][]string `json:"additionalParameters"`

	SubType  string `json:"subType"`
	Digits   int    `json:"digits"`
	Period   int    `json:"period"`
	Encoding string `json:"secretEncoding"`

	ID         string   `json:"credentialId"`
	Counter    int64    `json:"counter"`
	Model      string   `json:"aaguid"`
	Key        string   `json:"credentialPublicKey"`
	Transports []string `json:"transports"`
}

// secret is the content of secretData, for all types.
type secret struct {
	Value string `json:"value"`
	Salt  string `json:"salt"`
	Codes []struct {
		Number int    `json:"number"`
		Hash   string `json:"encodedHashedValue"`
	} `json:"codes"`
}

// add adds a credential to an account.
func (c credential) add(d *transfer.Draft) {
	if c.Type == "password" && c.Value != "" && c.Secret == "" {
		d.Password = &transfer.Password{Scheme: "plain", Value: c.Value}
		if c.Temporary {
			actions(d, []string{"UPDATE_PASSWORD"})
		}
		return
	}
	var v data
	var s secret
	if json.Unmarshal([]byte(c.Data), &v) != nil || c.Secret != "" && json.Unmarshal([]byte(c.Secret), &s) != nil {
		d.Refuse("a credential of type %s is not JSON", c.Type)
		return
	}
	switch c.Type {
	case "password":
		password(d, v, s)
	case "password-history":
	case "otp":
		c.otp(d, v, s)
	case "recovery-authn-codes":
		c.codes(d, v, s)
	case "webauthn":
		c.passkey(d, v, transfer.UseSecond)
	case "webauthn-passwordless":
		c.passkey(d, v, transfer.UseFirst)
	}
}

// known are the types of credentials that are read.
var known = map[string]bool{
	"password": true, "password-history": true, "otp": true, "recovery-authn-codes": true, "webauthn": true,
	"webauthn-passwordless": true,
}

// uncommon handles unsupported credentials. They may be left out only if another
// second factor is kept.
func uncommon(d *transfer.Draft, list []credential) {
	for _, c := range list {
		if kind := c.kind(); kind == "" {
			continue
		} else if d.HasSecond() {
			d.Leave("%s", kind)
		} else {
			d.Refuse("%s is the only second factor, and does not exist here", kind)
		}
	}
}

// kind returns the name of an unsupported credential, and "" for others.
func (c credential) kind() string {
	var v data
	switch {
	case !known[c.Type]:
		return "a credential of type " + c.Type
	case c.Type == "otp" && json.Unmarshal([]byte(c.Data), &v) == nil && v.SubType == "hotp":
		return "a token that counts (HOTP)"
	}
	return ""
}

// schemes maps Keycloak's algorithms to those of this module.
var schemes = map[string]string{
	"pbkdf2": "pbkdf2-sha1", "pbkdf2-sha256": "pbkdf2-sha256", "pbkdf2-sha512": "pbkdf2-sha512",
}

func password(d *transfer.Draft, v data, s secret) {
	p := &transfer.Password{Scheme: schemes[v.Algorithm], Value: s.Value}
	switch {
	case p.Scheme != "":
		p.Params = map[string]string{"rounds": strconv.FormatInt(v.Iterations, 10), "salt": s.Salt}
	case v.Algorithm == "argon2" && v.one("version", "1.3") == "1.3":
		p.Scheme = "argon2" + v.one("type", "id")
		p.Params = map[string]string{
			"m": v.one("memory", "7168"), "t": strconv.FormatInt(v.Iterations, 10), "p": v.one("parallelism",
				"1"), "salt": s.Salt,
		}
	default: // of an extension: its line may name its scheme
		p.Scheme = v.Algorithm
	}
	d.Password = p
}

// one returns the value of an additional parameter.
func (v data) one(name, otherwise string) string {
	if list := v.More[name]; len(list) == 1 {
		return list[0]
	}
	return otherwise
}

var algorithms = map[string]string{"": "", "HmacSHA1": "SHA1", "HmacSHA256": "SHA256", "HmacSHA512": "SHA512"}

func (c credential) otp(d *transfer.Draft, v data, s secret) {
	if v.SubType == "hotp" {
		return // uncommon reports it
	}
	a := transfer.Authenticator{
		Secret: []byte(s.Value), Digits: v.Digits, Period: v.Period, Name: c.Label, Created: milliseconds(c.Created),
	}
	algorithm, ok := algorithms[v.Algorithm]
	if !ok || v.SubType != "totp" {
		d.Refuse("authenticator: unknown algorithm")
	}
	a.Algorithm = algorithm
	switch strings.ToUpper(v.Encoding) {
	case "": // the text of the secret is the key
	case "BASE32":
		raw, err := transfer.DecodeBase32(s.Value)
		if err != nil {
			d.Refuse("authenticator: secret is not base32")
		}
		a.Secret = raw
	default:
		d.Refuse("authenticator: unknown encoding of the secret")
	}
	d.Authenticators = append(d.Authenticators, a)
}

// codes adds recovery codes. Keycloak accepts them in their order, Twofold in any
// order.
func (c credential) codes(d *transfer.Draft, v data, s secret) {
	if (v.Algorithm != "RS512" && v.Algorithm != "SHA-512") || v.Iterations > 1 {
		d.Leave("recovery codes that are hashed by %s", v.Algorithm)
		return
	}
	for _, code := range s.Codes {
		d.RecoveryCodes = append(d.RecoveryCodes, transfer.RecoveryCode{
			Scheme: "sha512", Value: code.Hash, Created: milliseconds(c.Created),
		})
	}
}

// passkey adds a passkey. Keycloak does not store whether it is backed up.
func (c credential) passkey(d *transfer.Draft, v data, use string) {
	id, err := flexible(v.ID)
	key, err2 := flexible(v.Key)
	if err != nil || err2 != nil || v.Counter < 0 || v.Counter > 1<<32-1 {
		d.Refuse("passkey: its id, its key or its counter cannot be read")
		return
	}
	p := transfer.Passkey{
		CredentialID: id, PublicKey: key, Counter: uint32(v.Counter), Transports: v.Transports, FlagsUnknown: true,
		UserHandle: []byte(d.ID), Name: c.Label, Use: use, Created: milliseconds(c.Created),
	}
	if model, err := hex.DecodeString(strings.ReplaceAll(v.Model, "-", "")); err == nil && len(model) == 16 {
		p.AAGUID = model
	}
	d.Passkeys = append(d.Passkeys, p)
}

// flexible decodes base64 in either alphabet, with or without padding, because
// Keycloak uses both.
func flexible(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	return base64.RawURLEncoding.DecodeString(s)
}
