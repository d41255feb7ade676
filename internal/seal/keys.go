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
	// MaxPayload is the largest payload, in bytes, whose signed token is still
	// accepted by [Keys.Verify]: a browser keeps cookies up to 4096 bytes.
	MaxPayload = (maxToken - 1 - macText) / 4 * 3
	maxToken   = 4096
	macText    = 43 // 32 bytes in base64url without padding
)

// base64url without padding (RFC 4648, 5), refusing stray trailing bits (3.5):
// otherwise one token could be written in several ways.
var text = base64.RawURLEncoding.Strict()

// Keys derive one sub-key per purpose from the application's secret: the first
// secret makes MACs and tokens, the older ones still verify them. Zero Keys
// verify nothing, and panic when asked to sign, for want of a key.
type Keys struct {
	roots []root // newest first; never written after NewKeys
}

// NewKeys takes the application's secret and, after it, the ones it replaced. Each
// has at least 32 bytes and none occurs twice. Every mistake is reported at once,
// by position; no secret is shown.
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
// Different lists of parts never collide by concatenation. Compare two MACs with
// crypto/hmac.Equal.
func (k *Keys) MAC(purpose string, parts ...string) []byte {
	return sum(k.roots[0]("twofold/mac/"+purpose), encode(nil, parts...))
}

// MACer returns a function that does what MAC does for one purpose. It derives the key
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

// MACs is MAC under every key, newest first: what to look for while keys rotate.
func (k *Keys) MACs(purpose string, parts ...string) [][]byte {
	msg := encode(nil, parts...)
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = sum(derive("twofold/mac/"+purpose), msg)
	}
	return out
}

// MACKeys returns the keys under which MAC and MACs make the MACs of a purpose, newest
// first. They go where such MACs must be checked without the application's secret: into
// an encrypted export. They are as secret as what they protect.
func (k *Keys) MACKeys(purpose string) [][]byte {
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = derive("twofold/mac/" + purpose)
	}
	return out
}

// MACUnder is MAC under a key of MACKeys.
func MACUnder(key []byte, parts ...string) []byte { return sum(key, encode(nil, parts...)) }

// Sign returns payload as a token that only [Keys.Verify] with the same purpose
// accepts: base64url(payload) "." base64url(HMAC-SHA256). The payload can be read
// by anyone who holds the token. Payloads over [MaxPayload] make a token that Verify
// refuses.
func (k *Keys) Sign(purpose string, payload []byte) string {
	return text.EncodeToString(payload) + "." + text.EncodeToString(sum(k.roots[0](signInfo(purpose)), payload))
}

// Verify returns the payload of a token that [Keys.Sign] made for the same purpose
// under any of the keys, and [ErrForged] for everything else. Each payload has
// exactly one accepted spelling per key. The caller checks expiry and use.
func (k *Keys) Verify(purpose, token string) ([]byte, error) {
	// The length comes first: nothing is decoded or hashed for a huge token. Line
	// breaks are refused because encoding/base64 skips them.
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
		// Which key matched is not secret; how far a MAC matched is, and
		// hmac.Equal does not tell.
		if hmac.Equal(mac, sum(derive(signInfo(purpose)), payload)) {
			return payload, nil
		}
	}
	return nil, ErrForged
}

// Seeds returns 32 bytes for each secret, newest first, from which a key pair of that
// purpose is made. They are as secret as the secrets.
func (k *Keys) Seeds(purpose string) [][]byte {
	out := make([][]byte, len(k.roots))
	for i, derive := range k.roots {
		out[i] = derive("twofold/seed/" + purpose)
	}
	return out
}

// String hides the keys.
func (k *Keys) String() string {
	if k == nil {
		return "<nil>"
	}
	return fmt.Sprintf("seal.Keys(%d keys, %s)", len(k.roots), redacted)
}

// Format writes String for every verb, %#v included.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue hides the keys from structured logs.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// signInfo keeps token keys apart from the keys of MAC: otherwise a stored MAC
// could be handed in as a token's signature.
func signInfo(purpose string) string { return "twofold/sign/" + purpose }

func sum(key, msg []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(msg)
	return h.Sum(nil)
}
