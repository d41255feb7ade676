package auth

import (
	"context"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The user of an account without a password signs in with a mailed code or the link in the same
// mail, or, if all users sign in that way, with a mailed link. This is a first factor like any
// other. The second factor is still required and cannot be e-mail (R7).

// opensByMail reports whether users can sign in with their mailbox.
func (l Passwordless) opensByMail() bool {
	return l.c.Policy.Life.ByLink || l.offersFirst(storage.Email) && l.c.FirstCodes[storage.Email] != nil
}

// passwordless reports whether an account has no password and needs none.
func (l Passwordless) passwordless(u storage.User) bool {
	return u.PasswordHash == "" && l.opensByMail()
}

// openByMail sends the owner of a new account a code or link to sign in. If the limits are reached,
// nothing is sent, and the owner can request it later.
func (l Passwordless) openByMail(ctx context.Context, u storage.User, b Client) error {
	err := l.budgets.sendFirst(ctx, u, limit.First{Channel: storage.Email, Identity: typed(u.Email), Paid: true}, b)
	if paused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.c.Policy.Life.ByLink {
		return l.Links.writeLink(ctx, l.loggingIn(), u, u.Email, "", b)
	}
	return l.sendPasscode(ctx, u, l.c.FirstCodes[storage.Email], storage.Email, u.Email, b)
}
