package login

import (
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Life is what the operator decided about accounts and their links. The zero
// value: addresses need no confirmation, and no link signs anybody in.
type Life struct {
	// Confirm: an account signs in only when its address was confirmed;
	// Unconfirmed lets it in before, without second factors (R8).
	Confirm, Unconfirmed bool
	// How long links work. Zero: two days, one hour, two hours.
	ConfirmWithin, ResetWithin, ChangeEmailWithin time.Duration
	// LoginAfterConfirm and LoginAfterReset send anyone who used a link in the browser
	// that asked for it on to the gate, with the mailbox as first factor.
	LoginAfterConfirm, LoginAfterReset bool
	// Keyless: people may register without a password. Such an account is opened
	// by its mailbox.
	Keyless bool
	// ByLink: a mailed link stands in the password's place, for LoginWithin (zero:
	// ten minutes). Anyone who registers chooses no password.
	ByLink      bool
	LoginWithin time.Duration
	// Welcome: a new account is greeted by mail.
	Welcome bool
	// OnRegister and OnSignIn may refuse an account to be made, and a sign-in.
	OnRegister, OnSignIn Hook
	// Locked is the application's own reason to keep an account out; nil: none.
	Locked func(u store.User) bool
}

func (f Life) withDefaults() Life {
	for d, def := range map[*time.Duration]time.Duration{
		&f.ConfirmWithin: 48 * time.Hour, &f.ResetWithin: time.Hour, &f.ChangeEmailWithin: 2 * time.Hour, &f.LoginWithin: 10 * time.Minute,
	} {
		if *d == 0 {
			*d = def
		}
	}
	return f
}

// admit says whether an account may be signed in to at all. It is asked after
// a right first factor only, so it tells strangers nothing (R122).
func (l *Login) admit(u store.User) error {
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
func (l *Login) unconfirmed(u store.User) bool {
	return l.c.Policy.Life.Confirm && u.ConfirmedAt.IsZero()
}
