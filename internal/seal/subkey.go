package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
)

// minSecret is the least number of bytes of a secret text. 32 bytes hold 256
// bits when they are random bytes, and still 128 when they are hex digits.
const minSecret = 32

const cure = "put at least 32 random bytes there, for example the output of: openssl rand -base64 32"

// A root derives sub-keys from one secret. It is a function so that no printer,
// logger or encoder that walks struct fields can come by the key.
type root func(info string) []byte

// maxKnown bounds the sub-keys that a root keeps. Purposes are constants, so there are fewer.
const maxKnown = 256

// newRoot does HKDF's first step (RFC 5869, 2.2) once, and the second once for each
// sub-key. The keys are shared: do not change them.
func newRoot(secret string) (root, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("has %d bytes: %s", len(secret), cure)
	}
	prk, err := hkdf.Extract(sha256.New, []byte(secret), nil)
	if err != nil {
		return nil, err
	}
	var known sync.Map // by info
	var count atomic.Int32
	return func(info string) []byte {
		if key, ok := known.Load(info); ok {
			return key.([]byte)
		}
		key, err := hkdf.Expand(sha256.New, prk, info, 32)
		if err != nil {
			// Only a length above 255 hashes (RFC 5869, 2.3) or, in FIPS mode, a
			// key below 112 bits is refused; both are constants here.
			panic("seal: " + err.Error())
		}
		if count.Add(1) <= maxKnown {
			known.Store(info, key)
		}
		return key
	}, nil
}

// encode writes each part after its length in 8 bytes, which makes the result
// unambiguous: two different lists never give the same bytes.
func encode(dst []byte, parts ...string) []byte {
	for _, p := range parts {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(p)))
		dst = append(dst, p...)
	}
	return dst
}

const redacted = "[redacted]"
