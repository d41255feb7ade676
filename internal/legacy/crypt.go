package legacy

import (
	"crypto/md5"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/go-crypt/x/crypt"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// cryptAlpha is the alphabet of crypt(3).
const cryptAlpha = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// cryptText reports whether s consists of n characters of cryptAlpha.
func cryptText(s string, n int) bool { return len(s) == n && strings.Trim(s, cryptAlpha) == "" }

// parseSHACrypt reads $5$ and $6$, with or without rounds, and Kratos' names for
// them.
func parseSHACrypt(text string) (Hash, error) {
	text = strings.Replace(strings.Replace(text, "$sha256-crypt$", "$5$", 1), "$sha512-crypt$", "$6$", 1)
	f := strings.Split(text, "$")
	rounds, head := int64(5000), ""
	if len(f) == 5 {
		digits, named := strings.CutPrefix(f[2], "rounds=")
		n, ok := number(digits, 999999999)
		if !named || !ok || n < 1000 {
			return Hash{}, ErrMalformed
		}
		rounds = n
		head = f[2] + "$"
		f = append(f[:2], f[3:]...)
	}
	k, n := kinds[4], 43
	if f[1] == "6" {
		k, n = kinds[6], 86
	}
	if len(f) != 4 || len(f[2]) > 16 || !cryptText(f[3], n) {
		return Hash{}, ErrMalformed
	}
	// A round hashes the sum, two thirds of the salt, and nearly twice the
	// password.
	long := func(p int) time.Duration {
		return spend(k.ns, rounds, int64(1+(k.size+len(f[2])+2*p)/k.block))
	}
	return Hash{
		Scheme: k.name + "_crypt", flask: true, Cost: Cost{Time: long(usualLen / 4)}, long: long, sum: []byte(f[3]),
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			return crypt.KeySHACrypt(k.new, prepared, []byte(f[2]), int(rounds)), nil
		},
		blank: "$" + f[1] + "$" + head + f[2] + "$" + strings.Repeat(".", n),
	}, nil
}

// parseMD5Crypt reads $1$.
func parseMD5Crypt(text string) (Hash, error) {
	f, err := fields(strings.Replace(text, "$md5-crypt$", "$1$", 1), 4)
	if err != nil || len(f[2]) > 8 || !cryptText(f[3], 22) {
		return Hash{}, ErrMalformed
	}
	long := func(p int) time.Duration { return spend(nsMD5, 1000, int64(1+(16+2*p)/64)) }
	return Hash{
		Scheme: "md5_crypt", flask: true, Cost: Cost{Time: long(usualLen / 4)}, long: long, sum: []byte(f[3]),
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			return crypt.KeyMD5Crypt(prepared, []byte(f[2])), nil
		},
		blank: "$1$" + f[2] + "$" + strings.Repeat(".", 22),
	}, nil
}

// parsePHPass reads $P$ and $H$: the logarithm of the rounds, a salt of eight
// characters, and a sum of 22.
func parsePHPass(text string) (Hash, error) {
	if !cryptText(text[3:], 31) {
		return Hash{}, ErrMalformed
	}
	log := strings.IndexByte(cryptAlpha, text[3])
	if log < 7 || log > 30 {
		return Hash{}, ErrMalformed
	}
	rounds, salt := int64(1)<<log, text[4:12]
	long := func(p int) time.Duration { return spend(nsMD5, rounds, int64(1+(25+p)/64)) }
	return Hash{
		Scheme: "phpass", Cost: Cost{Time: long(usualLen / 4)}, long: long, sum: []byte(text[12:]),
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			sum := md5.Sum(append([]byte(salt), prepared...))
			for range rounds {
				sum = md5.Sum(append(sum[:], prepared...))
			}
			return lsb64(sum[:]), nil
		},
		blank: text[:12] + strings.Repeat(".", 22),
	}, nil
}

// lsb64 encodes bytes in the alphabet of crypt(3), least significant bits first.
func lsb64(raw []byte) []byte {
	var out []byte
	for i := 0; i < len(raw); i += 3 {
		v, n := 0, min(3, len(raw)-i)
		for j := range n {
			v |= int(raw[i+j]) << (8 * j)
		}
		for range n + 1 {
			out = append(out, cryptAlpha[v&63])
			v >>= 6
		}
	}
	return out
}

// parseDES reads the traditional crypt(3) of Unix: DES is run 25 times, and the key
// is seven bits of each of the first eight characters of the password.
func parseDES(text string) (Hash, error) {
	if !cryptText(text, 13) || strings.IndexByte(cryptAlpha, text[12])&3 != 0 {
		return Hash{}, ErrMalformed
	}
	salt := strings.IndexByte(cryptAlpha, text[0]) | strings.IndexByte(cryptAlpha, text[1])<<6
	return Hash{
		Scheme: "des_crypt", flask: true, Cost: Cost{Time: 200 * time.Microsecond}, sum: []byte(text[2:]),
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			var key uint64
			for i, c := range prepared[:min(len(prepared), 8)] {
				key |= uint64(c<<1) << (56 - 8*i)
			}
			return msb64(desCrypt(key, uint32(salt))), nil
		},
		blank: text[:2] + strings.Repeat(".", 11),
	}, nil
}

// msb64 encodes a block in the alphabet of crypt(3), most significant bits first.
func msb64(block uint64) []byte {
	out := make([]byte, 11)
	for i := range 10 {
		out[i] = cryptAlpha[block>>(58-6*i)&63]
	}
	out[10] = cryptAlpha[block<<2&63]
	return out
}

// desCrypt encrypts a block of zeros 25 times with DES. The expansion swaps bits i
// and i+24 if bit i of the salt is set.
func desCrypt(key uint64, salt uint32) uint64 {
	keys := desKeys(key)
	// Bit 0 of the salt belongs to the first bit of each half of the expansion.
	swap := uint64(bits.Reverse32(salt) >> 8)
	var left, right uint32
	for range 25 {
		for _, k := range keys {
			e := permute(uint64(right), 32, desE[:])
			a, b := e>>24, e&0xffffff
			t := (a ^ b) & swap
			e = ((a^t)<<24 | b ^ t) ^ k
			var s uint64
			for box := range desS {
				six := e >> (42 - 6*box) & 63
				row, column := six>>4&2|six&1, six>>1&15
				s = s<<4 | uint64(desS[box][16*row+column])
			}
			left, right = right, left^uint32(permute(s, 32, desP[:]))
		}
		left, right = right, left
	}
	// The initial permutation is left out: it does not change a block of zeros, and
	// between two runs the final permutation undoes it.
	return permute(uint64(left)<<32|uint64(right), 64, desFP[:])
}

// permute selects bits of a word of n bits. Bits are counted from 1 at the left.
func permute(in uint64, n int, table []uint8) uint64 {
	var out uint64
	for _, bit := range table {
		out = out<<1 | in>>(n-int(bit))&1
	}
	return out
}

func desKeys(key uint64) (out [16]uint64) {
	k := permute(key, 64, desPC1[:])
	c, d := uint32(k>>28), uint32(k&0xfffffff)
	for i := range out {
		n := 2
		if strings.Contains(" 0 1 8 15 ", " "+strconv.Itoa(i)+" ") {
			n = 1
		}
		c, d = (c<<n|c>>(28-n))&0xfffffff, (d<<n|d>>(28-n))&0xfffffff
		out[i] = permute(uint64(c)<<28|uint64(d), 56, desPC2[:])
	}
	return out
}
