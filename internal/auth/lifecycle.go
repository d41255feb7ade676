package auth

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Life configures accounts and their links. With the zero value, addresses need no confirmation,
// and no link signs a user in.
type Life struct {
	// If Confirm is set, an account can sign in only after its address is confirmed. Unconfirmed
	// allows it earlier, without second factors (R8).
	Confirm, Unconfirmed bool
	// The lifetimes of links.
	ConfirmWithin, ResetWithin, ChangeEmailWithin time.Duration
	// LoginAfterConfirm and LoginAfterReset continue with a sign-in if a link is used in the
	// browser that requested it. The mailbox is the first factor.
	LoginAfterConfirm, LoginAfterReset bool
	// Keyless allows users to register without a password. They sign in with their mailbox.
	Keyless bool
	// If ByLink is set, a mailed link replaces the password. It works for LoginWithin. Users who
	// register do not choose a password.
	ByLink      bool
	LoginWithin time.Duration
	// If Welcome is set, a new account gets a welcome mail.
	Welcome bool
	// OnRegister may refuse a new account, and OnSignIn a sign-in.
	OnRegister, OnSignIn Hook
	// Locked reports whether the application refuses an account. It may be nil.
	Locked func(u storage.User) bool
}

// checkAllowed returns an error if the account may not sign in at all. It is called only after a right
// first factor, so it reveals nothing to strangers (R122).
func (l *Login) checkAllowed(u storage.User) error {
	f := l.c.Policy.Life
	switch {
	case !u.Active:
		return ErrDisabled
	case f.Confirm && !f.Unconfirmed && u.ConfirmedAt.IsZero():
		return ErrUnconfirmed
	case f.Locked != nil && f.Locked(u):
		return ErrLocked
	}
	return nil
}

// unconfirmed reports whether the account waits for its address to be confirmed.
func (l *Login) unconfirmed(u storage.User) bool {
	return l.c.Policy.Life.Confirm && u.ConfirmedAt.IsZero()
}
