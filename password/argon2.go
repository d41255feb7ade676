package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/internal/argon2id"
	"github.com/twofold-auth/twofold/internal/legacy"
)

const (
	argonMark    = "dHdvZm9sZA" // base64 of "twofold": the keyid of our hashes
	argonVersion = "v=19"       // 1.3, the only one in RFC 9106

	saltLen = 16 // as in RFC 9106 section 4
	tagLen  = 32

	// Upper bounds, so that an attacker who can write a hash cannot exhaust the server.
	// [argon2id.Pool.Sum] refuses only values above all of them.
	maxMemory  = 1 << 20 // KiB
	maxTime    = 20
	maxThreads = 16
)

// Strict: unused bits of the last character must be zero, so a hash has one spelling.
var b64 = base64.RawStdEncoding.Strict()

// argon is an argon2 hash in the PHC string format,
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
type argon struct {
	variant string // "argon2id" or "argon2i"
	memory  uint32 // KiB
	time    uint32
	threads uint8
	salt    []byte
	tag     []byte
}

// argonCost returns an argon with the cost in c and without salt and tag.
func argonCost(c Config) (argon, error) {
	a := argon{variant: "argon2id", memory: c.Memory, time: c.Time, threads: c.Threads}
	var errs []error
	if a.memory == 0 {
		a.memory = 19456
	} else if a.memory < 19456 || a.memory > maxMemory {
		errs = append(errs, fmt.Errorf("password: Memory is %d KiB: use 19456 to %d", a.memory, maxMemory))
	}
	if a.time == 0 {
		a.time = 2
	} else if a.time < 2 || a.time > maxTime {
		errs = append(errs, fmt.Errorf("password: Time is %d: use 2 to %d passes", a.time, maxTime))
	}
	if a.threads == 0 {
		a.threads = 1
	} else if a.threads > maxThreads {
		errs = append(errs, fmt.Errorf("password: Threads is %d: use 1 to %d", a.threads, maxThreads))
	}
	return a, errors.Join(errs...)
}

func (a argon) create(password string, memory *argon2id.Pool) (string, error) {
	a.salt = make([]byte, saltLen)
	_, _ = rand.Read(a.salt) // never fails: crypto/rand aborts the program instead
	var err error
	if a.tag, err = a.sum([]byte(normal(password)), tagLen, memory); err != nil {
		return "", err
	}
	return a.String(), nil
}

// dummy returns a hash of no password. Verifying against it costs the same as against a real one.
func (a argon) dummy() argon {
	a.salt, a.tag = make([]byte, saltLen), make([]byte, tagLen)
	_, _ = rand.Read(a.salt) // never fails: crypto/rand aborts the program instead
	_, _ = rand.Read(a.tag)
	return a
}

func (a argon) marked() bool { return true }

func (a argon) matches(password string, memory *argon2id.Pool) (bool, error) {
	tag, err := a.sum([]byte(normal(password)), len(a.tag), memory)
	return err == nil && subtle.ConstantTimeCompare(a.tag, tag) == 1, err
}

// fresh reports whether other is at least as strong as a, which has the configured cost. More
// threads than configured do not count, because they make a hash faster, not stronger.
func (a argon) fresh(other decoded) bool {
	o, ok := other.(argon)
	return ok && o.variant == a.variant && o.memory >= a.memory && o.time >= a.time &&
		len(o.salt) >= saltLen && len(o.tag) >= tagLen
}

// cost returns the cost of a hash with the parameters of a.
func (a argon) cost() legacy.Cost { return legacy.Argon2Cost(a.memory, a.time) }

// wrapping returns the cost of argon2id around a weak hash: the configured cost, or the minimum if
// Adopt would refuse a hash of the configured cost.
func (a argon) wrapping() argon2id.Cost {
	if c := a.cost(); c.Time > legacy.MaxTime/2 || c.Memory > legacy.MaxMemory {
		return argon2id.Cost{Memory: 19456, Time: 2, Threads: 1}
	}
	return argon2id.Cost{Memory: a.memory, Time: a.time, Threads: a.threads}
}

func (a argon) sum(prepared []byte, n int, memory *argon2id.Pool) ([]byte, error) {
	variant := argon2id.ID
	if a.variant == "argon2i" {
		variant = argon2id.I
	}
	return memory.Sum(variant, prepared, a.salt, argon2id.Cost{Memory: a.memory, Time: a.time, Threads: a.threads}, n)
}

// String returns the PHC string; decodeArgon accepts this spelling and no other.
func (a argon) String() string {
	return fmt.Sprintf("$%s$%s$m=%d,t=%d,p=%d,keyid=%s$%s$%s", a.variant, argonVersion,
		a.memory, a.time, a.threads, argonMark, b64.EncodeToString(a.salt), b64.EncodeToString(a.tag))
}

// decodeArgon reads a PHC string and checks every bound, so that a hash with too high a cost is
// refused before it takes a slot.
func decodeArgon(encoded string) (decoded, error) {
	f := strings.Split(encoded, "$")
	if len(f) != 6 || f[0] != "" {
		return nil, ErrMalformed
	}
	if f[2] != argonVersion {
		return nil, ErrUnknownScheme
	}
	p := strings.Split(f[3], ",")
	if len(p) != 4 || len(encoded) > 512 {
		return nil, ErrMalformed
	}
	a := argon{variant: f[1]}
	if p[3] != "keyid="+argonMark {
		return nil, ErrUnknownScheme // another system's pepper
	}
	if a.variant != "argon2id" && a.variant != "argon2i" {
		return nil, ErrUnknownScheme
	}
	m, err1 := parameter(p[0], "m=", maxMemory)
	t, err2 := parameter(p[1], "t=", maxTime)
	l, err3 := parameter(p[2], "p=", maxThreads)
	if err1 != nil || err2 != nil || err3 != nil || m < 8*l { // m >= 8p: RFC 9106, 3.1
		return nil, ErrMalformed
	}
	a.memory, a.time, a.threads = m, t, uint8(l)
	var err error
	if a.salt, err = b64.DecodeString(f[4]); err != nil || len(a.salt) < 8 || len(a.salt) > 64 {
		return nil, ErrMalformed
	}
	// A short tag could match by chance, and an empty one always would.
	if a.tag, err = b64.DecodeString(f[5]); err != nil || len(a.tag) < 16 || len(a.tag) > 64 {
		return nil, ErrMalformed
	}
	if a.String() != encoded { // line breaks in base64, zeros before a number
		return nil, ErrMalformed
	}
	return a, nil
}

// parameter reads "name=number", 1 to limit.
func parameter(s, name string, limit uint64) (uint32, error) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n < 1 || n > limit {
		return 0, ErrMalformed
	}
	return uint32(n), nil
}
