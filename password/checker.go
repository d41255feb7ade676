package password

import (
	"context"
	"errors"
)

var (
	// ErrSimple means that a [Checker] finds the password easy to guess.
	ErrSimple = errors.New("password: too easy to guess")
	// ErrBreached means that the password is in a published collection.
	ErrBreached = errors.New("password: found in a breach")
	// ErrNotChecked means that a strict [Checker] could not ask. Nothing was
	// changed; the same password may be tried again.
	ErrNotChecked = errors.New("password: could not be checked")
)

// A Checker judges a password that passed [Policy]: breach and strength next to
// this package are two. Context is what an attacker would try for this user. It
// returns [ErrSimple], [ErrBreached], [ErrNotChecked] or ctx's error.
type Checker interface {
	Check(ctx context.Context, password string, context ...string) error
}
