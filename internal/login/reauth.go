package login

import (
	"context"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// Verify re-authenticates the signed-in user, who must prove all required factors again. If the
// password is the only one, that is enough. Otherwise it returns a pending, bound to this session,
// that Validate completes. It returns ErrPassword.
func (l *Login) Verify(ctx context.Context, who Who, plain string, b Browser) (Outcome, error) {
	b.within = who.Session.ID
	if err := l.password(ctx, &who.User, "", plain, b); err != nil {
		return Outcome{}, err
	}
	return l.reauthNext(ctx, who, l.proof("password"), b)
}

// reauthNext continues after the first factor of a re-authentication: with the second factor if the
// account has one, and otherwise with a fresh session.
func (l *Login) reauthNext(ctx context.Context, who Who, first store.Proof, b Browser) (Outcome, error) {
	factors, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	next := policy.Again(l.rules, l.facts(who.User, factors), first)
	switch {
	case next.Do == policy.Refuse:
		return Outcome{}, ErrWeak
	case next.Do == policy.Prove && len(next.Factors) == 0:
		return Outcome{}, ErrSameFactor
	case next.Do == policy.Prove:
		return l.startPending(ctx, who.User, next.Factors, store.Pending{First: first, SessionID: who.Session.ID}, b)
	}
	out, err := l.finish(ctx, granted{
		user: who.User, level: store.OneFactor, proofs: []store.Proof{first}, renews: &who.Session, verified: true,
	}, b)
	return out, stateError(err)
}
