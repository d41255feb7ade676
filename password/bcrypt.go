package password

import (
	"crypto/rand"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

const (
	// bcryptMark stands before our bcrypt hashes, whose input is shrink's.
	bcryptMark = "$twofold-bcrypt"

	defaultBcrypt bcryptCost = 12

	maxBcryptCost = 15
	bcryptLen     = 60
	bcryptBytes   = 72 // bcrypt reads no further
	bcryptAlpha   = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// bcryptHash is a bcrypt hash in modular crypt format, without our mark.
type bcryptHash struct {
	text string
	cost int
	own  bool
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

// dummy returns a hash of nothing: 22 characters of salt, 31 of hash. The last
// character of each carries fewer bits, and '.' is valid there.
func (c bcryptCost) dummy() bcryptHash {
	b := make([]byte, 53)
	_, _ = rand.Read(b) // crypto/rand ends the program rather than fail
	for i := range b {
		b[i] = bcryptAlpha[b[i]%64]
	}
	b[21], b[52] = '.', '.'
	return bcryptHash{text: fmt.Sprintf("$2a$%02d$%s", int(c), b), cost: int(c), own: true}
}

func (b bcryptHash) marked() bool { return b.own }

// matches never cuts our own passwords. Those from elsewhere were cut at 72 bytes
// when their hash was made, Flask-Security's 88 characters always, so they must be
// here; the rewritten hash then covers the whole password.
func (b bcryptHash) matches(prepared []byte, _ *argon2id.Pool) (bool, error) {
	if b.own {
		prepared = shrink(prepared)
	} else if len(prepared) > bcryptBytes {
		prepared = prepared[:bcryptBytes]
	}
	return bcrypt.CompareHashAndPassword([]byte(b.text), prepared) == nil, nil
}

func (c bcryptCost) fresh(d decoded) bool {
	b, ok := d.(bcryptHash)
	return ok && b.cost >= int(c)
}

// decodeBcrypt accepts $2a$, $2b$ and $2y$, which are the same for input without
// NUL up to 72 bytes, at cost 4 to 15. x/crypto ignores what follows the 60th byte
// and fails late on foreign characters, so both are checked here.
func decodeBcrypt(encoded string) (decoded, error) {
	text, own := strings.CutPrefix(encoded, bcryptMark)
	if len(text) != bcryptLen || text[3] != '$' || text[6] != '$' {
		return nil, ErrMalformed
	}
	if !strings.Contains("aby", text[2:3]) {
		return nil, ErrUnknownScheme // $2x$: hashes of a broken implementation
	}
	cost := 10*int(text[4]-'0') + int(text[5]-'0')
	if text[4] > '1' || text[4] < '0' || text[5] < '0' || text[5] > '9' || cost < bcrypt.MinCost || cost > maxBcryptCost {
		return nil, ErrMalformed
	}
	if strings.Trim(text[7:], bcryptAlpha) != "" {
		return nil, ErrMalformed
	}
	return bcryptHash{text: text, cost: cost, own: own}, nil
}
