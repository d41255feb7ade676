package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// Logout ends a session and a pending sign-in, and that the browser stays
// signed in. Each may be absent; ending what is over already is not an error.
func (l *Login) Logout(ctx context.Context, who *Who, pending string, b Browser) error {
	if pending != "" {
		if _, err := l.c.Pendings.TakePending(ctx, hash(pending)); err != nil && !errors.Is(err, store.ErrUsed) {
			return err
		}
	}
	if err := l.forget(ctx, b); err != nil {
		return err
	}
	if who == nil {
		return nil
	}
	if err := ended(l.end(ctx, who.User.ID, who.Session.ID)); err != nil {
		return err
	}
	at := l.at(b)
	at.Session = who.Session.ID
	return l.tell(ctx, event.UserLoggedOut{User: subject(who.User), Context: at})
}

// end ends a session and what was minted alongside it under the same id: a header
// token does not outlive the sign-out of the browser that asked for it, and
// that browser does not come back by itself. store.ErrNotFound: it was over.
func (l *Login) end(ctx context.Context, userID, id string) error {
	if err := l.c.Devices.RevokeBeside(ctx, userID, id); err != nil {
		return err
	}
	if err := l.c.Tokens.RevokeFamilies(ctx, userID, id); err != nil {
		return err
	}
	return l.c.Sessions.End(ctx, userID, id)
}

// ended is not an error for who wants a session over that is.
func ended(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
