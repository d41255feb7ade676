package auth

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Verify re-authenticates the signed-in user, who must prove all required factors again. If the
// password is the only one, that is enough. Otherwise it returns a pending, bound to this session,
// that Validate completes. It returns ErrPassword.
func (l Reauth) Verify(ctx context.Context, who Principal, plain string, b Client) (Outcome, error) {
	b.within = who.Session.ID
	if err := l.Account.password(ctx, &who.User, "", plain, b); err != nil {
		return Outcome{}, err
	}
	return l.reauthNext(ctx, who, l.proof("password"), b)
}

// reauthNext continues after the first factor of a re-authentication: with the second factor if the
// account has one, and otherwise with a fresh session.
func (l Reauth) reauthNext(ctx context.Context, who Principal, first storage.Proof, b Client) (Outcome, error) {
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
		return l.startPending(ctx, who.User, next.Factors, storage.Pending{First: first, SessionID: who.Session.ID}, b)
	}
	out, err := l.finish(ctx, granted{
		user: who.User, level: storage.OneFactor, proofs: []storage.Proof{first}, renews: &who.Session, verified: true,
	}, b)
	return out, stateError(err)
}

// RequireFresh returns ErrReauthenticate unless this session has proven all factors that the
// account requires within the limit. Every security change calls it. A trusted device proves one
// factor of two and is never fresh.
func (l Reauth) RequireFresh(ctx context.Context, who Principal, limit time.Duration) error {
	if who.Program != nil { // a program has proven nothing, regardless of the limit
		return ErrReauthenticate
	}
	if l.c.Policy.OnlyVerifyIsFresh && limit >= 0 {
		limit = min(limit, time.Minute)
	}
	if !policy.IsRecent(who.Session, l.c.Now(), limit) {
		return ErrReauthenticate
	}
	if policy.IsFull(l.rules, who.Session) {
		return nil
	}
	factors, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
	if err != nil {
		return err
	}
	if len(factors) > 0 {
		return ErrReauthenticate
	}
	return nil
}

// RequireRecent requires less than RequireFresh: any one factor that was proven within the limit in
// this session. It guards actions that end access and give none.
func (l Reauth) RequireRecent(who Principal) error {
	if who.Program != nil {
		return ErrReauthenticate
	}
	limit := l.c.Policy.Freshness
	if limit < 0 {
		return nil // switched off by the operator; see Policy.Freshness
	}
	for _, p := range who.Session.Proofs {
		if p.Method == policy.RememberMe { // a cookie is not a factor
			continue
		}
		if age := l.c.Now().Sub(p.At); age < limit && age > -limit {
			return nil
		}
	}
	return ErrReauthenticate
}
