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
	choice, err := l.c.Accounts.Choose(ahead(ctx, l.Login, who.User, within), who.User, plain)
	if err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ChangePassword(ctx, who.User, choice, l.mail.notices(ctx, who.User, PasswordChanged, "", b))
	if err != nil {
		return Outcome{}, stateError(err)
	}
	l.mail.kickOutbox()
	if err := l.tell(ctx, event.PasswordChanged{User: subject(u), Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.renewUnchanged(ctx, u, who, b)
}

// renewUnchanged gives the acting browser a new session with the proofs and the freshness of the old one.
func (l Account) renewUnchanged(ctx context.Context, u storage.User, who Principal, b Client) (Outcome, error) {
	s := who.Session
	out, err := l.finish(ctx,
		granted{user: u, level: s.Level, proofs: s.Proofs, trusted: s.Trusted, trustedBy: s.TrustedBy, renews: &s,
			quiet: true, carries: true}, b)
	return out, stateError(err)
}
