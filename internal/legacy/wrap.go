package legacy

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

const wrapMark = "$wrap$"

// A wrapping is argon2id of the sum of a weak hash.
type wrapping struct {
	cost      argon2id.Cost
	salt, tag []byte
}

func (w *wrapping) seal(sum []byte, m *argon2id.Pool) ([]byte, error) {
	return m.Sum(argon2id.ID, sum, w.salt, w.cost, len(w.tag))
}

// Wrap returns the line to store instead of a weak hash. It does not need the
// password. The line does not contain the sum of the hash.
func (h Hash) Wrap(cost argon2id.Cost, m *argon2id.Pool) (string, error) {
	if h.blank == "" || h.wrap != nil || h.derive == nil {
		return "", ErrMalformed
	}
	w := wrapping{cost: cost, salt: make([]byte, 16), tag: make([]byte, 32)}
	_, _ = rand.Read(w.salt) // never fails: crypto/rand aborts the program instead
	tag, err := w.seal(h.sum, m)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%sm=%d,t=%d,p=%d$%s$%s$%s", wrapMark, cost.Memory, cost.Time, cost.Threads,
		encode(w.salt), encode(tag), h.blank), nil
}

// parseWrapped reads a line that Wrap returned.
func parseWrapped(text string) (Hash, error) {
	f := strings.SplitN(strings.TrimPrefix(text, wrapMark), "$", 4)
	if len(f) != 4 || strings.HasPrefix(f[3], wrapMark) {
		return Hash{}, ErrMalformed
	}
	outer, err := argon2Parts("argon2id", f[0], f[1], f[2])
	if err != nil {
		return Hash{}, err
	}
	h, err := Parse(f[3])
	if err != nil {
		return Hash{}, err
	}
	// Only weak hashes are wrapped, and the line does not contain their sum.
	if !h.Weak() || h.blank != f[3] {
		return Hash{}, ErrMalformed
	}
	h.wrap = &wrapping{outer.cost, outer.salt, outer.sum}
	c := argon2Cost(int64(outer.cost.Memory), int64(outer.cost.Time))
	h.Cost = Cost{h.Cost.Time + c.Time, max(h.Cost.Memory, c.Memory)}
	if h.Cost.Time > MaxTime || h.Cost.Memory > MaxMemory {
		return Hash{}, ErrCost
	}
	h.blank = ""
	return h, nil
}
