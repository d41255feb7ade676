package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// An account without password is opened by its mailbox: by a code, and the link
// beside it, in place of the password; or, where that is how everybody signs in,
// by a mailed link. That is a first factor like any other. It
// is asked for the second, and never for one that comes by mail (R7).

// opensByMail says whether a mailbox opens accounts here.
func (l *Login) opensByMail() bool {
	return l.c.Policy.Life.ByLink || l.offersFirst(store.Email) && l.c.FirstCodes[store.Email] != nil
}

// keyless says that an account has no password and needs none.
func (l *Login) keyless(u store.User) bool { return u.PasswordHash == "" && l.opensByMail() }

// openByMail sends the owner of a new account what opens it. If too much was
// asked for lately nothing is sent: he may ask for it like everybody else.
func (l *Login) openByMail(ctx context.Context, u store.User, b Browser) error {
	err := l.c.Limits.SendFirst(ctx, asked(b), store.Email, budgetOf(u, ""), b.Address)
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

// readsMail writes down that whoever gave back what was mailed to an account has
// proven its address, if the account has no password: then nothing else has ever
// let anybody in, so nothing can have been planted before.
func (l *Login) readsMail(ctx context.Context, u store.User, b Browser) (store.User, error) {
	if !u.ConfirmedAt.IsZero() || u.PasswordHash != "" {
		return u, nil
	}
	err := l.c.Accounts.Confirm(ctx, u)
	if errors.Is(err, store.ErrUsed) { // in another browser meanwhile
		return l.c.Accounts.ByID(ctx, u.ID)
	}
	if err != nil {
		return u, err
	}
	u.ConfirmedAt = l.c.Now()
	return u, l.tell(ctx, event.UserConfirmed{User: subject(u), Context: l.at(b)})
}
