package password

import (
	"context"
	"errors"
)

var (
	// ErrSimple means that a [Checker] considers the password easy to guess.
	ErrSimple = errors.New("password: too easy to guess")
	// ErrBreached means that the password is in a published collection.
	ErrBreached = errors.New("password: found in a breach")
	// ErrNotChecked means that a strict [Checker] got no answer. Nothing was changed; the same
	// password may be tried again.
	ErrNotChecked = errors.New("password: could not be checked")
)

// A Checker examines a password that meets [Policy]. Packages breach and strength provide two.
type Checker interface {
	// Check returns nil if the password is acceptable; otherwise [ErrSimple], [ErrBreached],
	// [ErrNotChecked] or the error of ctx. context contains words that an attacker would try for
	// this user.
	Check(ctx context.Context, password string, context ...string) error
}
