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
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: UsernameChanged}},
		apply: func(ctx context.Context, messages []storage.Message) (storage.User, error) {
			u, err := l.c.Accounts.ChangeUsername(ctx, who.User, username, messages)
			if errors.Is(err, storage.ErrExists) {
				err = ErrUsernameTaken
			}
			return u, err
		},
		event: func(u storage.User) event.Event {
			return event.UsernameChanged{User: subject(u), OldUsername: who.User.Username, Context: l.at(b)}
		},
		token: true,
	}, b)
}
