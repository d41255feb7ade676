package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
)

// minSecret is the minimum length of a secret in bytes. Random bytes of this length
// have 256 bits of entropy, hexadecimal digits still 128.
const minSecret = 32

const cure = "put at least 32 random bytes there, for example the output of: openssl rand -base64 32"

// A root derives sub-keys from one secret. It is a function so that printers,
// loggers and encoders, which read struct fields, cannot reach the key.
type root func(info string) []byte

// maxKnown bounds the number of sub-keys that a root keeps. Purposes are constants,
// so there are fewer.
const maxKnown = 256

// newRoot runs the first step of HKDF (RFC 5869, 2.2) once. The second step runs
// once for each sub-key. The sub-keys are shared: do not change them.
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
			// HKDF fails only for a length above 255 hashes (RFC 5869, 2.3) or, in
			// FIPS mode, for a key below 112 bits. Both are constants here.
			panic("seal: " + err.Error())
		}
		if count.Add(1) <= maxKnown {
			known.Store(info, key)
		}
		return key
	}, nil
}

// encode writes each part after its length in 8 bytes. So two different lists never
// yield the same bytes.
func encode(dst []byte, parts ...string) []byte {
	for _, p := range parts {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(p)))
		dst = append(dst, p...)
	}
	return dst
}

const redacted = "[redacted]"
