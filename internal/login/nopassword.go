package login

import (
	"context"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/store"
)

// An account without password is opened by its mailbox: by a code, and the link
// alongside it, in place of the password; or, where that is how everybody signs in,
// by a mailed link. That is a first factor like any other. It
// is asked for the second, and never for one that comes by mail (R7).

// opensByMail says whether a mailbox opens accounts here.
func (l *Login) opensByMail() bool {
	return l.c.Policy.Life.ByLink || l.offersFirst(store.Email) && l.c.FirstCodes[store.Email] != nil
}

// keyless says that an account has no password and needs none.
func (l *Login) keyless(u store.User) bool { return u.PasswordHash == "" && l.opensByMail() }

// openByMail sends the owner of a new account what opens it. If too much was
// asked for recently nothing is sent: he may ask for it like everybody else.
func (l *Login) openByMail(ctx context.Context, u store.User, b Browser) error {
	err := l.sendFirst(ctx, u, limit.First{Channel: store.Email, Identity: typed(u.Email), Paid: true}, b)
	if paused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.c.Policy.Life.ByLink {
		return l.writeLink(ctx, l.loggingIn(), u, u.Email, "", b)
	}
	return l.sendPasscode(ctx, u, l.c.FirstCodes[store.Email], store.Email, u.Email, b)
}
