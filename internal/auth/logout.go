package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Logout ends a session, a pending sign-in and "remember me" of the browser. Each may be absent or
// have ended already.
func (l Sessions) Logout(ctx context.Context, cookie *PendingCookie, who *Principal, b Client) error {
	if cookie.Value() != "" {
		cookie.forget()
		_, err := l.c.Pendings.TakePending(ctx, hash(cookie.Value()))
		if err != nil && !errors.Is(err, storage.ErrUsed) {
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

// end ends a session and everything issued with the same ID: a header token ends when the browser
// that requested it signs out, and that browser no longer stays signed in. It returns
// storage.ErrNotFound if the session has already ended.
func (l Sessions) end(ctx context.Context, userID, id string) error {
	if err := l.c.Devices.RevokeBeside(ctx, userID, id); err != nil {
		return err
	}
	if err := l.c.Tokens.RevokeFamilies(ctx, userID, id); err != nil {
		return err
	}
	return l.c.Sessions.End(ctx, userID, id)
}

// ended ignores the error of a session that has already ended.
func ended(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
