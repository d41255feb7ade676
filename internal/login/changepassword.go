package login

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// What a signed-in user changes of his account. Each is a security change: it
// needs all that the account asks for, proven recently (R53), it ends everything
// else that was issued, and the acting browser goes on under a new session.

// ChangePassword replaces the caller's password. An account without one takes
// it as its first. ErrReauthenticate, ErrPassword, ErrSamePassword, the errors
// of a new password.
func (l *Login) ChangePassword(ctx context.Context, who Who, old, plain string, b Browser) (Outcome, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
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
	choice, err := l.c.Accounts.Choose(ahead(ctx, l, who.User, within), who.User, plain)
	if err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ChangePassword(ctx, who.User, choice, l.letters(ctx, who.User, PasswordChanged, "", b))
	if err != nil {
		return Outcome{}, stateError(err)
	}
	l.wake()
	if err := l.tell(ctx, event.PasswordChanged{User: subject(u), Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.carryOn(ctx, u, who, b)
}

// carryOn gives the acting browser a new session that proves what the former
// did, and is not fresher.
func (l *Login) carryOn(ctx context.Context, u store.User, who Who, b Browser) (Outcome, error) {
	s := who.Session
	out, err := l.finish(ctx, granted{user: u, level: s.Level, proofs: s.Proofs, trusted: s.Trusted, trustedBy: s.TrustedBy, renews: &s, quiet: true, carries: true}, b)
	return out, stateError(err)
}
