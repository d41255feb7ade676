package legacy

import (
	"crypto/pbkdf2"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// Lengths of bcrypt's text and of the input that it uses, in bytes.
const (
	bcryptLen   = 60
	bcryptBytes = 72
	bcryptAlpha = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// parseBcrypt accepts $2a$, $2b$ and $2y$, which are equivalent for input without
// NUL of up to 72 bytes. x/crypto ignores everything after the 60th byte and
// detects invalid characters late, so both are checked here.
func parseBcrypt(text string) (Hash, error) {
	if len(text) != bcryptLen || text[3] != '$' || text[6] != '$' {
		return Hash{}, ErrMalformed
	}
	if !strings.Contains("aby", text[2:3]) {
		return Hash{}, ErrUnknown // $2x$ marks hashes of a broken implementation
	}
	if text[4] < '0' || text[4] > '9' || text[5] < '0' || text[5] > '9' {
		return Hash{}, ErrMalformed
	}
	cost := 10*int(text[4]-'0') + int(text[5]-'0')
	if cost < bcrypt.MinCost || cost > bcrypt.MaxCost || strings.Trim(text[7:], bcryptAlpha) != "" {
		return Hash{}, ErrMalformed
	}
	return Hash{Scheme: "bcrypt", flask: true, Cost: bcryptCost(cost), match: func(prepared []byte) bool {
		// Longer input was truncated when the hash was made. The 88 characters of
		// Flask-Security always are.
		return bcrypt.CompareHashAndPassword([]byte(text), prepared[:min(len(prepared), bcryptBytes)]) == nil
	}}, nil
}

// parseArgon2 reads a PHC string of argon2id or argon2i, version 1.3.
func parseArgon2(text string) (Hash, error) {
	f, err := fields(text, 6)
	if err != nil {
		return Hash{}, err
	}
	if f[1] != "argon2id" && f[1] != "argon2i" || f[2] != "v=19" {
		return Hash{}, ErrUnknown
	}
	parts := strings.Split(f[3], ",")
	if len(parts) > 3 {
		return Hash{}, ErrUnknown // keyid or data: a secret of another system
	}
	a, err := argon2Parts(f[1], f[3], f[4], f[5])
	if err != nil {
		return Hash{}, err
	}
	return Hash{
		Scheme: f[1], flask: true, Cost: Argon2Cost(a.cost.Memory, a.cost.Time), sum: a.sum, derive: a.derive,
		blank: fmt.Sprintf("$%s$v=19$%s$%s$%s", f[1], f[3], encode(a.salt), zeros(a.sum)),
	}, nil
}

// argon2Hash is an argon2 hash in parts.
type argon2Hash struct {
	variant   argon2id.Variant
	cost      argon2id.Cost
	salt, sum []byte
}

func (a argon2Hash) derive(prepared []byte, m *argon2id.Pool) ([]byte, error) {
	return m.Sum(a.variant, prepared, a.salt, a.cost, len(a.sum))
}

func argon2Parts(variant, cost, salt, sum string) (argon2Hash, error) {
	a := argon2Hash{variant: argon2id.ID}
	if variant == "argon2i" {
		a.variant = argon2id.I
	}
	n, ok := parameters(cost, "m", "t", "p")
	if !ok || n[0] > argon2id.MaxMemory || n[1] > argon2id.MaxTime || n[2] > 16 || n[0] < 8*n[2] {
		return a, ErrMalformed
	}
	a.cost = argon2id.Cost{Memory: uint32(n[0]), Time: uint32(n[1]), Threads: uint8(n[2])}
	if strings.Contains(salt+sum, "=") { // a PHC string has only one encoding
		return a, ErrMalformed
	}
	var err error
	if a.salt, err = bytesOf(salt); err != nil || len(a.salt) < 8 || len(a.salt) > 64 {
		return a, ErrMalformed
	}
	// A short tag could match by chance, and an empty one always matches.
	if a.sum, err = bytesOf(sum); err != nil || len(a.sum) < 16 || len(a.sum) > 64 {
		return a, ErrMalformed
	}
	return a, nil
}

// parsePBKDF2 reads the form of passlib and the one with i= and l=.
func parsePBKDF2(text string) (Hash, error) {
	f, err := fields(text, 5)
	if err != nil {
		return Hash{}, err
	}
	name := strings.TrimPrefix(strings.TrimPrefix(f[1], "pbkdf2"), "-")
	if f[1] == "pbkdf2" {
		name = "sha1"
	}
	k, known := kindOf(name)
	if !known || k.size < 20 {
		return Hash{}, ErrUnknown
	}
	rounds, ok := number(f[2], 1<<40)
	passlib := ok
	var length int64
	if !ok {
		n, ok := parameters(f[2], "i", "l")
		if !ok {
			return Hash{}, ErrMalformed
		}
		rounds, length = n[0], n[1]
	}
	if passlib { // passlib's alphabet has a dot instead of the plus sign
		f[3], f[4] = strings.ReplaceAll(f[3], ".", "+"), strings.ReplaceAll(f[4], ".", "+")
	}
	salt, err1 := bytesOf(f[3])
	sum, err2 := bytesOf(f[4])
	if err1 != nil || err2 != nil || len(salt) == 0 || !passlib && length != int64(len(sum)) {
		return Hash{}, ErrMalformed
	}
	h := newPBKDF2(k, rounds, salt, sum)
	if h.flask = passlib; passlib {
		h.blank = fmt.Sprintf("$%s$%d$%s$%s", f[1], rounds, strings.ReplaceAll(encode(salt), "+", "."), zeros(sum))
	}
	return h, nil
}

// newPBKDF2 returns a hash of PBKDF2, for all formats.
func newPBKDF2(k kind, rounds int64, salt, sum []byte) Hash {
	return Hash{
		Scheme: "pbkdf2-" + k.name, Cost: pbkdf2Cost(k, rounds, len(sum)), sum: sum,
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			return pbkdf2.Key(k.new, string(prepared), salt, int(rounds), len(sum))
		},
		blank: fmt.Sprintf("$pbkdf2-%s$i=%d,l=%d$%s$%s", k.name, rounds, len(sum), encode(salt), zeros(sum)),
	}
}

// parseScrypt reads a PHC string. Kratos writes N, and passlib its logarithm. No N
// in use is below 64, and no logarithm is that large.
func parseScrypt(text string) (Hash, error) {
	f, err := fields(text, 5)
	if err != nil {
		return Hash{}, err
	}
	n, ok := parameters(f[2], "ln", "r", "p")
	if !ok {
		return Hash{}, ErrMalformed
	}
	if n[0] < 63 {
		n[0] = 1 << n[0]
	}
	salt, err1 := bytesOf(f[3])
	sum, err2 := bytesOf(f[4])
	if err1 != nil || err2 != nil || len(salt) == 0 {
		return Hash{}, ErrMalformed
	}
	return newScrypt(n[0], n[1], n[2], salt, sum)
}

// newScrypt returns a hash of scrypt, for all formats.
func newScrypt(n, r, p int64, salt, sum []byte) (Hash, error) {
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 {
		return Hash{}, ErrMalformed
	}
	h := Hash{Scheme: "scrypt", Cost: scryptCost(n, r, p), sum: sum}
	if h.Cost.Memory > MaxMemory || h.Cost.Time > MaxTime {
		return h, nil // Parse refuses it by its cost
	}
	h.derive = func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
		return scrypt.Key(prepared, salt, int(n), int(r), int(p), len(sum))
	}
	h.blank = fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s",
		bits.TrailingZeros64(uint64(n)), r, p, encode(salt), zeros(sum))
	return h, nil
}

// parseASPNET reads a hash of ASP.NET Core Identity. Version 2 has fixed
// parameters; version 3 contains them.
func parseASPNET(text string) (Hash, error) {
	raw, err := bytesOf(strings.TrimPrefix(text, "$aspnet$"))
	if err != nil || len(raw) < 1 {
		return Hash{}, ErrMalformed
	}
	var h Hash
	switch {
	case raw[0] == 0 && len(raw) == 1+16+32:
		k, _ := kindOf("sha1")
		h = newPBKDF2(k, 1000, raw[1:17], raw[17:])
		h.Scheme = "aspnet-v2"
	case raw[0] == 1 && len(raw) > 13:
		number := func(at int) int64 {
			return int64(raw[at])<<24 | int64(raw[at+1])<<16 | int64(raw[at+2])<<8 | int64(raw[at+3])
		}
		prf, rounds, saltLen := number(1), number(5), number(9)
		if prf > 2 || rounds < 1 || saltLen < 8 || saltLen > 64 || int64(len(raw)) < 13+saltLen+16 {
			return Hash{}, ErrMalformed
		}
		k, _ := kindOf([]string{"sha1", "sha256", "sha512"}[prf])
		h = newPBKDF2(k, rounds, raw[13:13+saltLen], raw[13+saltLen:])
		h.Scheme = "aspnet-v3"
	default:
		return Hash{}, ErrMalformed
	}
	blank := append([]byte(nil), raw...)
	clear(blank[len(raw)-len(h.sum):])
	h.blank = "$aspnet$" + encode(blank)
	return h, nil
}
