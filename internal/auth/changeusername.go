package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ChangeUsername replaces the caller's username, or removes it if username is empty. It returns
// ErrReauthenticate, ErrUsernameTaken (also for the current name), or an error that describes an
// invalid username.
func (l Account) ChangeUsername(ctx context.Context, who Principal, username string, b Client) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	// This reveals whether a name is taken, so limit how often it can be called (R121).
	if err := l.c.Limits.Setup(ctx, "username:"+who.User.ID); err != nil {
		return Outcome{}, err
	}
	if username != "" && username == who.User.Username {
		return Outcome{}, ErrUsernameTaken
	}
	u, err := l.c.Accounts.ChangeUsername(ctx, who.User, username,
		l.mail.notices(ctx, who.User, UsernameChanged, "", b))
	if errors.Is(err, storage.ErrExists) {
		return Outcome{}, ErrUsernameTaken
	}
	if err != nil {
		return Outcome{}, stateError(err)
	}
	l.mail.kickOutbox()
	if err := l.tell(ctx, event.UsernameChanged{User: subject(u), OldUsername: who.User.Username,
		Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.renewUnchanged(ctx, u, who, b)
}
