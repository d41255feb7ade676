package argon2id

import (
	"errors"

	"golang.org/x/crypto/argon2"
)

// A Variant is the type of Argon2, as RFC 9106 numbers it.
type Variant uint32

const (
	I  Variant = 1 // every address is independent of the password
	ID Variant = 2 // as I in the first half of the first pass, dependent after it
)

// The limits of [Pool.Sum]. Within them, every size in this package fits an int of 32 bits: memory
// is at most 1<<30 bytes, and all inputs together are smaller.
const (
	MaxMemory  = 1 << 20 // KiB
	MaxTime    = 1 << 10
	MaxThreads = 64
	MaxInput   = 1 << 16 // bytes of the password, and of the salt
	MaxTag     = 1 << 10 // bytes
)

// A Cost holds the cost parameters of a hash.
type Cost struct {
	Memory  uint32 // KiB, at least 8 for each thread
	Time    uint32 // passes
	Threads uint8  // lanes, which run at once
}

// ErrBounds is returned for a cost or a length outside the limits of [Pool.Sum].
var ErrBounds = errors.New("argon2id: cost or length out of bounds")

// Sum returns a tag of n bytes for password and salt, either of which may be empty. It is safe for
// concurrent use; each call has its own memory. The error is [ErrBounds], or reports that the
// system has no memory.
func (p *Pool) Sum(v Variant, password, salt []byte, c Cost, n int) ([]byte, error) {
	switch {
	case v != I && v != ID,
		c.Time < 1 || c.Time > MaxTime,
		c.Threads < 1 || c.Threads > MaxThreads,
		c.Memory < 8*uint32(c.Threads) || c.Memory > MaxMemory,
		n < 4 || n > MaxTag,
		len(password) > MaxInput || len(salt) > MaxInput:
		return nil, ErrBounds
	}
	if p.Fast() {
		return p.sum(job{variant: v, cost: c, password: password, salt: salt, n: n})
	}
	if v == I {
		return argon2.Key(password, salt, c.Time, c.Memory, c.Threads, uint32(n)), nil
	}
	return argon2.IDKey(password, salt, c.Time, c.Memory, c.Threads, uint32(n)), nil
}

// Fast reports whether p uses the kernel.
func (p *Pool) Fast() bool { return !p.portable && hasKernel() }

// A job is one hash with all its inputs.
type job struct {
	variant        Variant
	cost           Cost
	password, salt []byte
	secret, data   []byte // used by the test vectors of RFC 9106 only
	n              int    // bytes of the tag
}
