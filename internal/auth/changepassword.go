package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// These methods are security changes by a signed-in user. Each requires that all factors of the
// account were proven recently (R53), ends everything else that was issued, and gives the acting
// browser a new session.

// ChangePassword replaces the caller's password, or sets the first one. It returns
// ErrReauthenticate, ErrPassword, ErrSamePassword, or an error of the new password.
func (l Account) ChangePassword(ctx context.Context, who Principal, old, plain string, b Client) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	within := b
	within.within = who.Session.ID
	if who.User.PasswordHash != "" {
		if err := l.password(ctx, &who.User, "", old, within); err != nil {
			return Outcome{}, err
		}
		if old == plain {
			return Outcome{}, ErrSamePassword
		}
	}
	choice, err := l.c.Accounts.Choose(l.Guesses.ahead(ctx, who.User, within), who.User, plain)
	if err != nil {
		return Outcome{}, err
	}
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: PasswordChanged}},
		apply: func(ctx context.Context, messages []storage.Message) (storage.User, error) {
			return l.c.Accounts.ChangePassword(ctx, who.User, choice, messages)
		},
		event: func(u storage.User) event.Event {
			return event.PasswordChanged{User: subject(u), Context: l.at(b)}
		},
		token: true,
	}, b)
}
