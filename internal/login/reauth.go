package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// Verify is re-authentication: the signed-in user proves again all that his
// account asks for. With a password alone where that is all; otherwise a
// pending, bound to this session, that Validate completes. ErrPassword.
func (l *Login) Verify(ctx context.Context, who Who, plain string, b Browser) (Outcome, error) {
	b.within = who.Session.ID
	if err := l.password(ctx, &who.User, "", plain, b); err != nil {
		return Outcome{}, err
	}
	return l.again(ctx, who, l.proof("password"), b)
}

// again goes on after the first factor of a re-authentication: to the second,
// where the account has one, else to a fresh session.
func (l *Login) again(ctx context.Context, who Who, first store.Proof, b Browser) (Outcome, error) {
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
