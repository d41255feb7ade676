package gate

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Life is the time for which an assertion is valid.
const Life = time.Minute

// Signer signs assertions with a key that is derived from the site's key, so both
// are rotated together.
type Signer struct {
	issuer string
	keys   []ed25519.PrivateKey // newest first
	header string               // encoded header for the newest key
}

// NewSigner returns the signer of a site.
func NewSigner(issuer string, keys *seal.Keys) *Signer {
	s := &Signer{issuer: issuer}
	for _, seed := range keys.Seeds("gate assertion") {
		s.keys = append(s.keys, ed25519.NewKeyFromSeed(seed))
	}
	s.header = encode(map[string]string{"alg": "EdDSA", "typ": "JWT", "kid": thumbprint(s.keys[0])})
	return s
}

// Claims are the claims of an assertion.
type Claims struct {
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Subject  string   `json:"sub"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	Scope    string   `json:"scope,omitempty"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	ID       string   `json:"jti"`
}

// Sign returns an assertion (RFC 7519), signed with Ed25519 (RFC 8037).
func (s *Signer) Sign(c Claims, now time.Time) string {
	c.Issuer, c.IssuedAt, c.Expires, c.ID = s.issuer, now.Unix(), now.Add(Life).Unix(), storage.NewID()
	signed := s.header + "." + encode(c)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.keys[0], []byte(signed)))
}

// KeySet returns the public keys as a JSON Web Key Set (RFC 7517). It includes
// those of former keys of the site, so that older assertions can still be verified.
func (s *Signer) KeySet() []byte {
	type key struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		Use string `json:"use"`
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		X   string `json:"x"`
	}
	var set struct {
		Keys []key `json:"keys"`
	}
	for _, k := range s.keys {
		set.Keys = append(set.Keys, key{"OKP", "Ed25519", "sig", "EdDSA", thumbprint(k), public(k)})
	}
	raw, _ := json.Marshal(set) // strings can always be encoded
	return raw
}

func public(k ed25519.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
}

// thumbprint returns the ID of a key (RFC 7638, RFC 8037 appendix A.3).
func thumbprint(k ed25519.PrivateKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + public(k) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func encode(v any) string {
	raw, _ := json.Marshal(v) // strings, lists of them and numbers can always be encoded
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Describe sets the claims about a session's proofs: acr by the levels of NIST SP
// 800-63B, and amr by RFC 8176. A session of a trusted browser has proven one
// factor.
func (c *Claims) Describe(s storage.Session) {
	c.ACR = "aal1"
	if s.Level >= storage.TwoFactors {
		c.ACR = "aal2"
	}
	for _, p := range s.Proofs {
		c.AMR = append(c.AMR, reference(p)...)
	}
	if s.Level >= storage.TwoFactors {
		c.AMR = append(c.AMR, "mfa")
	}
	slices.Sort(c.AMR)
	c.AMR = slices.Compact(c.AMR)
	if !s.FreshAt.IsZero() {
		c.AuthTime = s.FreshAt.Unix()
	}
}

// reference returns the values of RFC 8176 for a proof. RFC 8176 has no value for
// an account at another site or a remembered browser.
func reference(p storage.Proof) []string {
	method, _, _ := strings.Cut(p.Method, ":")
	switch method {
	case "password", "register", "reset":
		return []string{"pwd"}
	case storage.Authenticator, storage.RecoveryCode:
		return []string{"otp"}
	case storage.Email:
		return []string{"otp"}
	case storage.SMS:
		return []string{"otp", "sms"}
	case storage.Passkey:
		if p.UserVerified {
			return []string{"pop", "user"}
		}
		return []string{"pop"}
	}
	return nil
}
