package strength

import (
	"context"
	"fmt"

	"github.com/ccojocar/zxcvbn-go"

	"github.com/twofold-auth/twofold/password"
)

// heard is the number of characters that are examined. The time of the algorithm grows faster than
// the square of the length: one password of 400 characters takes a minute and a half. A password
// whose first 32 characters are strong is strong.
const heard = 32

// Checker refuses passwords below a score.
type Checker struct{ score int }

// New returns a Checker that requires a score from 1 (at least ten thousand guesses) to 4 (at least
// ten billion). Zero means 3, a hundred million.
func New(score int) (*Checker, error) {
	if score == 0 {
		score = 3
	}
	if score < 1 || score > 4 {
		return nil, fmt.Errorf("strength: invalid score %d: use a number from 1 to 4", score)
	}
	return &Checker{score}, nil
}

// Check implements password.Checker.
func (c *Checker) Check(ctx context.Context, plain string, words ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var inputs []string
	for _, w := range words {
		if w != "" {
			inputs = append(inputs, cut(w))
		}
	}
	if zxcvbn.PasswordStrength(cut(plain), inputs).Score < c.score {
		return password.ErrSimple
	}
	return nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > heard {
		return string(r[:heard])
	}
	return s
}
