package login

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// granted is the right to a session. Only this package can make one, and only
// the steps that have seen everything proven do. It is what makes "no side
// door" a matter of structure: a new way in has nothing to pass to issue until
// it goes through a step.
type granted struct {
	user    store.User
	level   store.Level
	proofs  []store.Proof
	trusted bool
	// renews is the session this one replaces (re-authentication, change of
	// credentials). It is taken first: if somebody else ended it meanwhile,
	// nothing is issued.
	renews *store.Session
	// verified marks a re-authentication.
	verified bool
	// quiet issues without announcing a sign-in.
	quiet bool
}

// issue is the one function that issues sessions.
func (l *Login) issue(ctx context.Context, g granted, b Browser) (*Opened, error) {
	s := store.Session{
		UserID: g.user.ID, Uniquifier: g.user.Uniquifier, Level: g.level, Trusted: g.trusted,
		Proofs: g.proofs, Address: b.Address, Agent: b.Agent,
	}
	// A trusted device proved one factor of two: never fresh (R81).
	if !g.trusted && (g.verified || !l.c.Policy.OnlyVerifyIsFresh) {
		s.FreshAt = l.c.Now()
	}
	opened := &Opened{}
	var err error
	switch {
	case g.renews != nil && g.renews.Token:
		// A header token's holder cannot be handed a new one on every path; its
		// session is bound to the new credentials instead.
		s.Hash, s.ID, s.Token = g.renews.Hash, g.renews.ID, true
		if err = l.c.Sessions.Rebind(ctx, s); err == nil {
			opened.Session = s
		}
	case g.renews != nil:
		if _, err = l.c.Sessions.Take(ctx, g.renews.Hash); err != nil {
			return nil, err
		}
		s.ID = g.renews.ID
		opened.Token, opened.Session, err = l.c.Sessions.Open(ctx, s)
	default:
		opened.Token, opened.Session, err = l.c.Sessions.Open(ctx, s)
	}
	if err == nil && b.WantToken && !s.Token {
		s.ID, s.Token = "", true
		opened.Header, _, err = l.c.Sessions.Open(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	if !g.quiet {
		l.announce(ctx, g, b)
	}
	return opened, nil
}

func (l *Login) announce(ctx context.Context, g granted, b Browser) {
	via := make([]string, len(g.proofs))
	for i, p := range g.proofs {
		via[i] = p.Method
	}
	if g.verified {
		l.emit(ctx, event.UserReauthenticated{User: subject(g.user), Via: via, Context: l.at(b)})
		return
	}
	l.emit(ctx, event.UserAuthenticated{User: subject(g.user), Via: via, Trusted: g.trusted, Context: l.at(b)})
}
