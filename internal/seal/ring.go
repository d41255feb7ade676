package seal

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

var (
	// ErrUnknownKey is returned if a value was sealed under a tag that the ring
	// does not have: an operator removed a key too early.
	ErrUnknownKey = errors.New("seal: the key this was sealed with is not in the ring")
	// ErrForged is returned if a value or token is damaged or forged, or belongs to
	// another purpose or owner. It does not say which.
	ErrForged = errors.New("seal: not authentic")
)

const (
	version = 1   // first byte of every sealed value
	maxTag  = 255 // a tag's length is one byte
)

// A Ring seals secrets at rest with its newest key and opens them with any of its
// keys. The zero Ring has no key: it refuses to seal, and opens nothing.
type Ring struct {
	newest string
	roots  map[string]root // by tag; never written after NewRing
}

// NewRing returns a ring of the secrets in keys, by tag. A tag has 1 to 255 bytes,
// a secret at least 32, and no two tags may share a secret. The largest tag is the
// newest. Tags are compared as numbers if all of them consist of digits, and as
// bytes otherwise. The error lists every mistake by tag. It contains no secret.
func NewRing(keys map[string]string) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no keys: give at least one, such as tag 1; " + cure)
	}
	tags := slices.SortedFunc(maps.Keys(keys), tagOrder(keys))
	r := &Ring{newest: tags[len(tags)-1], roots: make(map[string]root, len(keys))}
	bySecret := make(map[string]string, len(keys))
	var errs []error
	for _, tag := range tags {
		if len(tag) == 0 || len(tag) > maxTag {
			errs = append(errs, fmt.Errorf("seal: tag %.20q: a tag has 1 to %d bytes: choose a short one, such as 1",
				tag, maxTag))
			continue
		}
		derive, err := newRoot(keys[tag])
		if err != nil {
			errs = append(errs, fmt.Errorf("seal: the secret of tag %q %w", tag, err))
			continue
		}
		if first, dup := bySecret[keys[tag]]; dup {
			errs = append(errs, fmt.Errorf("seal: tags %q and %q have the same secret: give each its own", first, tag))
		}
		bySecret[keys[tag]] = tag
		r.roots[tag] = derive
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

// NewRingOf returns a ring of secrets without tags, oldest first. The last one
// seals, and all of them open. A secret's tag is derived from the secret, so
// removing one from the list does not change the tags of the others.
func NewRingOf(oldestFirst ...string) (*Ring, error) {
	keys := make(map[string]string, len(oldestFirst))
	newest := ""
	for _, secret := range oldestFirst {
		newest = ownTag(secret)
		keys[newest] = secret
	}
	r, err := NewRing(keys)
	if err != nil {
		return nil, err
	}
	r.newest = newest
	return r, nil
}

// Opening returns a ring that seals as r does, and also opens what other sealed.
func (r *Ring) Opening(other *Ring) *Ring {
	roots := maps.Clone(other.roots)
	maps.Copy(roots, r.roots)
	return &Ring{newest: r.newest, roots: roots}
}

// Heads returns the first bytes of sealed values, one for each key of the ring.
func (r *Ring) Heads() [][]byte {
	var out [][]byte
	for tag := range r.roots {
		out = append(out, append([]byte{version, byte(len(tag))}, tag...))
	}
	return out
}

// TagOf returns the tag of the key that sealed a value.
func TagOf(sealed []byte) string {
	if len(sealed) < 2 || sealed[0] != version || len(sealed) < 2+int(sealed[1]) {
		return ""
	}
	return string(sealed[2 : 2+int(sealed[1])])
}

// ownTag derives a tag from a secret: a letter, which distinguishes it from
// numbered tags, and 60 bits of the SHA-256. A secret of 32 random bytes cannot be
// found from its hash.
func ownTag(secret string) string {
	sum := sha256.Sum256([]byte("twofold/tag\x00" + secret))
	return "k" + base64.RawURLEncoding.EncodeToString(sum[:])[:10]
}

// tagOrder returns a comparison of tags: as numbers if all consist of digits, as
// text otherwise. A mixture would not be a consistent order.
func tagOrder(keys map[string]string) func(a, b string) int {
	for tag := range keys {
		if tag == "" || strings.Trim(tag, "0123456789") != "" {
			return strings.Compare
		}
	}
	return func(a, b string) int { // any number of digits, so without strconv
		x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y), strings.Compare(a, b))
	}
}

// Seal encrypts plain with the newest key. The result opens only for the same
// purpose and owner. Neither may be empty: with an empty owner, one user's secret
// could be copied to another user's row. The result is longer than plain by up to
// 30 bytes plus the tag. The owner is taken from the row's key, such as the IDs of
// user and factor.
func (r *Ring) Seal(purpose, owner string, plain []byte) ([]byte, error) {
	if purpose == "" || owner == "" {
		return nil, errors.New("seal: purpose and owner must not be empty")
	}
	derive, ok := r.roots[r.newest]
	if !ok {
		return nil, errors.New("seal: the ring has no keys: make it with NewRing")
	}
	aead, err := aeadOf(derive, purpose)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 2+len(r.newest)+aead.Overhead()+len(plain))
	out = append(out, version, byte(len(r.newest)))
	out = append(out, r.newest...)
	return aead.Seal(out, nil, plain, associated(r.newest, purpose, owner)), nil
}

// Open decrypts a value that Seal returned. Stale reports whether an older key
// sealed it; then seal and store it again. The error is [ErrUnknownKey] if the ring
// does not have the key that the value names, and [ErrForged] otherwise.
func (r *Ring) Open(purpose, owner string, sealed []byte) (plain []byte, stale bool, err error) {
	if len(sealed) < 2 || sealed[0] != version {
		return nil, false, ErrForged
	}
	head := 2 + int(sealed[1])
	if len(sealed) < head {
		return nil, false, ErrForged
	}
	tag, box := string(sealed[2:head]), sealed[head:]
	derive, ok := r.roots[tag]
	if !ok {
		return nil, false, ErrUnknownKey
	}
	aead, err := aeadOf(derive, purpose)
	if err != nil {
		return nil, false, ErrForged
	}
	// GCM compares its tag in constant time and returns no plaintext if it differs.
	plain, err = aead.Open(nil, nil, box, associated(tag, purpose, owner))
	if err != nil {
		return nil, false, ErrForged
	}
	return plain, tag != r.newest, nil
}

// aeadOf returns AES-256-GCM that generates its own nonce and puts it before the
// ciphertext, so that no caller can repeat a nonce (NIST SP 800-38D, 8.2.2).
func aeadOf(derive root, purpose string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive("twofold/seal/" + purpose))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// associated returns the data that GCM authenticates besides the ciphertext: the
// head of the sealed value, its purpose and its owner.
func associated(tag, purpose, owner string) []byte {
	b := make([]byte, 0, 1+3*8+len(tag)+len(purpose)+len(owner))
	return encode(append(b, version), tag, purpose, owner)
}

// String returns the tags, without the keys.
func (r *Ring) String() string {
	if r == nil {
		return "<nil>"
	}
	tags := slices.Collect(maps.Keys(r.roots))
	slices.SortFunc(tags, strings.Compare)
	return fmt.Sprintf("seal.Ring(newest %q of %q, keys %s)", r.newest, tags, redacted)
}

// Format writes String for every verb, including %#v.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue returns String, so that structured logs do not contain the keys.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
