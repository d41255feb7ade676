package legacy

import (
	"math"
	"time"
)

// What one unit of work takes on a small server of today, in nanoseconds, rounded
// up. They decide what is refused, so they are constants and not measured.
const (
	nsMD5    = 150 // a block of 64 bytes
	nsSHA1   = 150
	nsSHA256 = 250
	nsSHA512 = 500 // a block of 128 bytes
	nsArgon2 = 1400
	nsScrypt = 800   // for each of N·r·p
	nsBcrypt = 90000 // for each of 2^cost
)

// usualLen is the length of a password up to which Cost holds.
const usualLen = 128

// spend multiplies without overflow.
func spend(ns int, factors ...int64) time.Duration {
	total := float64(ns)
	for _, f := range factors {
		total *= float64(f)
	}
	return time.Duration(min(total, math.MaxInt64/2))
}

// pbkdf2Cost is that of rounds for a key of n bytes by a hash of size bytes.
func pbkdf2Cost(k kind, rounds int64, n int) Cost {
	blocks := (n + k.size - 1) / k.size
	return Cost{Time: spend(2*k.ns, rounds, int64(blocks))} // an HMAC is two blocks, its key kept
}

func scryptCost(n, r, p int64) Cost {
	return Cost{Time: spend(nsScrypt, n, r, p), Memory: int64(spend(128, n, r)) + int64(spend(128, r, p))}
}

func argon2Cost(memory, passes int64) Cost {
	return Cost{Time: spend(nsArgon2, memory, passes), Memory: memory << 10}
}

// Argon2Cost is that of argon2 with so many KiB and passes.
func Argon2Cost(memory, passes uint32) Cost { return argon2Cost(int64(memory), int64(passes)) }

func bcryptCost(log int) Cost { return Cost{Time: spend(nsBcrypt, 1<<log)} }
