package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// ChangeUsername replaces the caller's username; empty: they have none from now
// on. Their own name again is ErrUsernameTaken. ErrReauthenticate, what is wrong
// with it.
func (l *Login) ChangeUsername(ctx context.Context, who Who, username string, b Browser) (Outcome, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	// Whether a name is taken must be told here; not too often (R121).
	if err := l.c.Limits.Setup(ctx, "username:"+who.User.ID); err != nil {
		return Outcome{}, err
	}
	if username != "" && username == who.User.Username {
		return Outcome{}, ErrUsernameTaken
	}
	u, err := l.c.Accounts.ChangeUsername(ctx, who.User, username, l.letters(ctx, who.User, UsernameChanged, "", b))
	if errors.Is(err, store.ErrExists) {
		return Outcome{}, ErrUsernameTaken
	}
	if err != nil {
		return Outcome{}, stateError(err)
	}
	l.wake()
	if err := l.tell(ctx, event.UsernameChanged{User: subject(u), OldUsername: who.User.Username, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.carryOn(ctx, u, who, b)
}
