package gate

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrAssertion means that a text is not a valid assertion for this audience.
var ErrAssertion = errors.New("gate: invalid assertion")

// Assertion identifies the user of a request that the gate allowed, and how
// they signed in.
type Assertion struct {
	Subject  string    // ID of the account; it never changes and is never reused
	Email    string    // e-mail address of the account
	Groups   []string  // roles of the account
	Level    string    // acr: "aal1" for one factor, "aal2" for two
	Methods  []string  // amr: values of RFC 8176, such as "pwd", "otp", "mfa"
	AuthTime time.Time // time of the last full proof; zero if this session has none
	Scopes   []string  // scopes of the personal access token, if one was used
	ID       string    // jti
	Expires  time.Time
}

// Verifier checks assertions. Issuer and Audience are required. It fetches the
// keys when it needs them and caches them. It is safe for concurrent use and
// must not be copied after first use.
type Verifier struct {
	Issuer   string           // origin of the sign-in, such as "https://login.example.org"
	Audience string           // host of this application, such as "app.example.org"
	KeysURL  string           // Issuer + "/.well-known/jwks.json" if empty
	Client   *http.Client     // http.DefaultClient if nil
	Now      func() time.Time // time.Now if nil

	mu      sync.Mutex // guards the fields below; never held while keys are fetched
	keys    map[string]ed25519.PublicKey
	fetched time.Time // time of the newest fetch, also of a failed one
	failed  error     // error of the newest fetch

	fetching sync.Mutex // one caller fetches; those whose key is known do not wait
}

// leeway is how far the clocks of two machines may differ.
const leeway = 10 * time.Second

// refetch is the minimum time between two fetches because of an unknown key. retry is the minimum
// time after a failed fetch if there are no keys. fetchWithin is the time limit of a fetch.
const (
	refetch     = 10 * time.Second
	retry       = time.Second
	fetchWithin = 10 * time.Second
)

// maxAssertion is the maximum size of an assertion, and maxKeys that of the answer with the keys.
const (
	maxAssertion = 8 << 10
	maxKeys      = 64 << 10
)

// Verify checks an assertion and returns its content. It returns ErrAssertion if the text is
// forged, expired or for another host, and another error if the keys could not be fetched.
func (v *Verifier) Verify(ctx context.Context, text string) (Assertion, error) {
	if v.Issuer == "" || v.Audience == "" {
		return Assertion{}, errors.New("gate: a Verifier needs an Issuer and an Audience")
	}
	signed, signature, header, claims, err := split(text)
	if err != nil {
		return Assertion{}, err
	}
	// The algorithm is fixed: the header cannot select another one.
	if header.Alg != "EdDSA" {
		return Assertion{}, ErrAssertion
	}
	key, err := v.key(ctx, header.Kid)
	if err != nil {
		return Assertion{}, err
	}
	if !ed25519.Verify(key, []byte(signed), signature) {
		return Assertion{}, ErrAssertion
	}
	now := v.now()
	if claims.Iss != v.Issuer || claims.Aud != v.Audience || claims.Sub == "" ||
		now.After(time.Unix(claims.Exp, 0).Add(leeway)) || now.Before(time.Unix(claims.Iat, 0).Add(-leeway)) {
		return Assertion{}, ErrAssertion
	}
	a := Assertion{
		Subject: claims.Sub, Email: claims.Email, Groups: claims.Groups, Level: claims.Acr, Methods: claims.Amr,
		Scopes: strings.Fields(claims.Scope), ID: claims.Jti, Expires: time.Unix(claims.Exp, 0),
	}
	if claims.AuthTime > 0 {
		a.AuthTime = time.Unix(claims.AuthTime, 0)
	}
	return a, nil
}

type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

type claims struct {
	Iss      string   `json:"iss"`
	Aud      string   `json:"aud"`
	Sub      string   `json:"sub"`
	Email    string   `json:"email"`
	Groups   []string `json:"groups"`
	Acr      string   `json:"acr"`
	Amr      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	Scope    string   `json:"scope"`
	Iat      int64    `json:"iat"`
	Exp      int64    `json:"exp"`
	Jti      string   `json:"jti"`
}

// split reads the three parts of a JSON Web Signature (RFC 7515 section 7.1).
func split(text string) (signed string, signature []byte, h header, c claims, err error) {
	if len(text) > maxAssertion || strings.ContainsAny(text, "\r\n") {
		return "", nil, h, c, ErrAssertion
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", nil, h, c, ErrAssertion
	}
	var raw [3][]byte
	for i, part := range parts {
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return "", nil, h, c, ErrAssertion
		}
	}
	if json.Unmarshal(raw[0], &h) != nil || json.Unmarshal(raw[1], &c) != nil || len(raw[2]) != ed25519.SignatureSize {
		return "", nil, h, c, ErrAssertion
	}
	return parts[0] + "." + parts[1], raw[2], h, c, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// key returns the public key with the given ID. For an unknown ID the keys are fetched again,
// because they may have been rotated. Anyone can send an unknown ID, so callers with a known key do
// not wait for the fetch.
func (v *Verifier) key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if key, due, err := v.known(id); !due {
		return key, err
	}
	v.fetching.Lock()
	defer v.fetching.Unlock()
	if key, due, err := v.known(id); !due { // another caller has fetched them
		return key, err
	}
	// All callers use the keys, so the fetch continues if this caller's context ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchWithin)
	defer cancel()
	keys, err := v.fetch(ctx)
	v.mu.Lock()
	if v.fetched, v.failed = v.now(), err; err == nil {
		v.keys = keys
	}
	v.mu.Unlock()
	if err != nil {
		return nil, err
	}
	key, _, err := v.known(id)
	return key, err
}

// known returns a key that was fetched before. If due is set, the keys must be fetched again first.
func (v *Verifier) known(id string) (key ed25519.PublicKey, due bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if key, ok := v.keys[id]; ok {
		return key, false, nil
	}
	wait := refetch
	if v.keys == nil {
		wait = retry
	}
	switch {
	case v.fetched.IsZero() || v.now().Sub(v.fetched) >= wait:
		return nil, true, nil
	case v.failed != nil:
		return nil, false, v.failed
	}
	return nil, false, ErrAssertion
}

func (v *Verifier) fetch(ctx context.Context) (map[string]ed25519.PublicKey, error) {
	url, client := v.KeysURL, v.Client
	if url == "" {
		url = v.Issuer + "/.well-known/jwks.json"
	}
	if client == nil {
		client = http.DefaultClient
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("gate: cannot fetch the keys: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxKeys))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("gate: cannot fetch the keys: %s %v", resp.Status, err)
	}
	var set struct {
		Keys []struct{ Kty, Crv, Kid, X string }
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&set); err != nil {
		return nil, fmt.Errorf("gate: cannot read the keys: %w", err)
	}
	out := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if k.Kty == "OKP" && k.Crv == "Ed25519" && err == nil && len(x) == ed25519.PublicKeySize {
			out[k.Kid] = x
		}
	}
	return out, nil
}
