package password

import (
	"crypto/rand"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

const (
	// bcryptMark is the prefix of our bcrypt hashes, whose input is the output of shrink.
	bcryptMark = "$twofold-bcrypt"

	defaultBcrypt bcryptCost = 12

	maxBcryptCost    = 15
	maxForeignBcrypt = 14 // takes a second or more
	bcryptLen        = 60
	bcryptAlpha      = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// bcryptHash is a bcrypt hash in modular crypt format, without our prefix.
type bcryptHash struct {
	text string
	cost int
}

// bcryptCost is the logarithm of bcrypt's rounds.
type bcryptCost int

func (c bcryptCost) create(password string, _ *argon2id.Pool) (string, error) {
	b, err := bcrypt.GenerateFromPassword(shrink([]byte(normal(password))), int(c))
	if err != nil {
		return "", err
	}
	return bcryptMark + string(b), nil
}

// dummy returns a hash of no password: 22 characters of salt and 31 of hash. The last character of
// each encodes fewer bits; '.' is valid there.
func (c bcryptCost) dummy() bcryptHash {
	b := make([]byte, 53)
	_, _ = rand.Read(b) // never fails: crypto/rand aborts the program instead
	for i := range b {
		b[i] = bcryptAlpha[b[i]%64]
	}
	b[21], b[52] = '.', '.'
	return bcryptHash{text: fmt.Sprintf("$2a$%02d$%s", int(c), b), cost: int(c)}
}

func (bcryptHash) marked() bool { return true }

// matches never truncates a password, because shrink has shortened it.
func (b bcryptHash) matches(password string, _ *argon2id.Pool) (bool, error) {
	return bcrypt.CompareHashAndPassword([]byte(b.text), shrink([]byte(normal(password)))) == nil, nil
}

func (c bcryptCost) fresh(d decoded) bool {
	b, ok := d.(bcryptHash)
	return ok && b.cost >= int(c)
}

// decodeBcrypt accepts $2a$, $2b$ and $2y$, which are equal for input of up to 72 bytes without
// NUL, with cost 4 to 15. x/crypto ignores everything after the 60th byte and detects invalid
// characters late, so both are checked here.
func decodeBcrypt(encoded string) (decoded, error) {
	text := strings.TrimPrefix(encoded, bcryptMark)
	if len(text) != bcryptLen || text[3] != '$' || text[6] != '$' {
		return nil, ErrMalformed
	}
	if !strings.Contains("aby", text[2:3]) {
		return nil, ErrUnknownScheme // $2x$: hashes of a broken implementation
	}
	cost := 10*int(text[4]-'0') + int(text[5]-'0')
	if text[4] > '1' || text[4] < '0' || text[5] < '0' || text[5] > '9' || cost < bcrypt.MinCost ||
		cost > maxBcryptCost {
		return nil, ErrMalformed
	}
	if strings.Trim(text[7:], bcryptAlpha) != "" {
		return nil, ErrMalformed
	}
	return bcryptHash{text: text, cost: cost}, nil
}
