package legacy

import (
	"math"
	"time"
)

// Time of one unit of work on a small server, in nanoseconds, rounded up. Hashes
// are refused by these values, so they are constants and not measured.
const (
	nsMD5    = 150 // for a block of 64 bytes
	nsSHA1   = 150
	nsSHA256 = 250
	nsSHA512 = 500 // for a block of 128 bytes
	nsArgon2 = 1400
	nsScrypt = 800   // for each unit of N·r·p
	nsBcrypt = 90000 // for each unit of 2^cost
)

// usualLen is the maximum length of a password for which Cost is correct.
const usualLen = 128

// spend returns the product of ns and the factors, without overflow.
func spend(ns int, factors ...int64) time.Duration {
	total := float64(ns)
	for _, f := range factors {
		total *= float64(f)
	}
	return time.Duration(min(total, math.MaxInt64/2))
}

// pbkdf2Cost returns the cost of PBKDF2 with a hash of kind k for a key of n bytes.
func pbkdf2Cost(k kind, rounds int64, n int) Cost {
	blocks := (n + k.size - 1) / k.size
	return Cost{Time: spend(2*k.ns, rounds, int64(blocks))} // an HMAC hashes two blocks once its key is prepared
}

func scryptCost(n, r, p int64) Cost {
	return Cost{Time: spend(nsScrypt, n, r, p), Memory: int64(spend(128, n, r)) + int64(spend(128, r, p))}
}

func argon2Cost(memory, passes int64) Cost {
	return Cost{Time: spend(nsArgon2, memory, passes), Memory: memory << 10}
}

// Argon2Cost returns the cost of argon2 with the given KiB of memory and passes.
func Argon2Cost(memory, passes uint32) Cost { return argon2Cost(int64(memory), int64(passes)) }

func bcryptCost(log int) Cost { return Cost{Time: spend(nsBcrypt, 1<<log)} }
