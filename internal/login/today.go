package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/store"
)

// held is what was proven earlier and still opens something: a session, a
// family of refresh tokens, a personal access token.
type held struct {
	session   string // id of the session that asks; empty for others
	level     store.Level
	proofs    []store.Proof
	trusted   bool
	trustedBy string
}

func heldBy(s store.Session) held { return held{s.ID, s.Level, s.Proofs, s.Trusted, s.TrustedBy} }

func heldAs(t store.Token) held { return held{"", t.Level, t.Proofs, t.Trusted, t.TrustedBy} }

func (h held) first() string {
	if len(h.proofs) == 0 {
		return ""
	}
	return h.proofs[0].Method
}

// today returns what is left of what was proven earlier. It asks what a sign-in
// with the same proofs is asked now: the policy, the trust and the factors of
// today, not those of the day it was made. store.ErrNotFound: nothing is left.
//
// The factors are read only where the answer depends on them. Every change of
// factors changes the credential version, and nothing of a former version gets
// here: whatever proves one factor, untrusted, belongs to an account that had no
// second factor then and has none now.
func (l *Login) today(ctx context.Context, u store.User, h held) (session.Standing, error) {
	if err := l.admit(u); err != nil && !errors.Is(err, ErrLocked) { // the lock is about signing in
		return session.Over, store.ErrNotFound
	}
	switch {
	case h.trusted:
		return l.trustedToday(ctx, u, h)
	case h.level >= store.TwoFactors:
		return l.provenToday(ctx, u, h)
	case !l.c.Policy.Require(u):
		return session.Stands, nil
	}
	factors, enrolls, err := l.demands(ctx, u, h.first())
	switch {
	case err != nil:
		return session.Over, err
	case enrolls:
		return session.Enrolls, nil
	case len(factors) > 0:
		return session.Over, store.ErrNotFound
	}
	return session.Stands, nil
}

// trustedToday is for what a trusted browser stood in for.
func (l *Login) trustedToday(ctx context.Context, u store.User, h held) (session.Standing, error) {
	if !l.trusts(u) {
		return session.Over, store.ErrNotFound
	}
	// The user ended all trust from this very session, which lives on.
	if h.session == "" || h.trustedBy != h.session {
		stands, err := l.c.Devices.StillProves(ctx, u.ID, h.trustedBy, l.vouches)
		if err != nil {
			return session.Over, err
		}
		if !stands {
			return session.Over, store.ErrNotFound
		}
	}
	if l.c.Policy.StrongOnly {
		factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
		if err != nil {
			return session.Over, err
		}
		if l.outdated(factors) {
			return session.Over, store.ErrNotFound
		}
	}
	return session.Stands, nil
}

// vouches reports whether a browser still counts as a second factor: by what was
// proven when it was trusted, as it is counted today.
func (l *Login) vouches(d store.Device) bool {
	return l.twoFactors(d.Proofs) && !l.c.Policy.refuses(second(d.Proofs))
}

// second is the method of the last of several proofs.
func second(proofs []store.Proof) string {
	if len(proofs) < 2 {
		return ""
	}
	return proofs[len(proofs)-1].Method
}

// provenToday is for what two factors were proven for. A method that the policy
// does not take any more leads to the set-up of another one, as a sign-in with
// it does, if the account has nothing better.
func (l *Login) provenToday(ctx context.Context, u store.User, h held) (session.Standing, error) {
	if !l.twoFactors(h.proofs) { // as it is counted today
		return session.Over, store.ErrNotFound
	}
	p, last := l.c.Policy, second(h.proofs)
	if last == rescuedBy && (!p.RescueEmail || p.StrongOnly || p.RepairOnly) {
		return session.Over, store.ErrNotFound
	}
	if !l.c.Policy.refuses(last) {
		return session.Stands, nil
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	switch {
	case err != nil:
		return session.Over, err
	case l.outdated(factors):
		return session.Enrolls, nil
	}
	return session.Over, store.ErrNotFound
}

// rescuedBy is the method of a code that a rescue mailed.
const rescuedBy = "rescue"

// Session returns the caller behind the token of a session; header says that it
// came in a header and not in a cookie. store.ErrNotFound: nobody, or a session
// of which nothing is left by what the account is asked today.
func (l *Login) Session(ctx context.Context, token string, header bool) (*Who, error) {
	return whoOf(l.c.Sessions.Find(ctx, token, header, judgeToday(l)))
}

// Descendant is Session for what descends from a browser's session and names it by
// its id.
func Descendant(ctx context.Context, l *Login, userID, sessionID string) (*Who, error) {
	return whoOf(l.c.Sessions.FindByID(ctx, userID, sessionID, judgeToday(l)))
}

func judgeToday(l *Login) session.Judge {
	return func(ctx context.Context, s store.Session, u store.User) (session.Standing, error) {
		return l.today(ctx, u, heldBy(s))
	}
}

func whoOf(found session.Found, err error) (*Who, error) {
	if err != nil {
		return nil, err
	}
	return &Who{User: found.User, Session: found.Session, Enrolls: found.Standing == session.Enrolls}, nil
}

// Program returns the caller behind a personal access token. A program cannot
// set up a factor, so a token that is not worth what its account is asked today
// opens nothing. store.ErrNotFound.
func (l *Login) Program(ctx context.Context, text string) (*Who, error) {
	t, u, err := l.c.Sessions.Personal(ctx, text)
	if err != nil {
		return nil, err
	}
	if standing, err := l.today(ctx, u, heldAs(t)); err != nil {
		return nil, err
	} else if standing != session.Stands {
		return nil, store.ErrNotFound
	}
	return &Who{User: u, Program: &t, Session: store.Session{
		ID: t.ID, UserID: u.ID, Uniquifier: t.Uniquifier, Token: true, Level: t.Level, Trusted: t.Trusted, TrustedBy: t.TrustedBy, Proofs: t.Proofs,
		CreatedAt: t.CreatedAt, SeenAt: t.UsedAt, IdleAt: t.IdleAt, ExpiresAt: t.ExpiresAt,
	}}, nil
}

// family finds a living family of refresh tokens and asks what is left of it
// today. One of which too little is left is over and ends, with the sessions
// that it opened; so nobody who holds only a former token of it can end it, as
// secret must be the newest.
func (l *Login) family(ctx context.Context, u store.User, r refreshText) error {
	all, err := l.c.Tokens.TokensOf(ctx, u.ID, l.c.Now())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t store.Token) bool { return !t.Personal && t.ID == r.Family })
	if i < 0 || all[i].Hash != hash(r.Secret) {
		return nil // RotateToken says why
	}
	standing, err := l.today(ctx, u, heldAs(all[i]))
	if err == nil && standing == session.Stands {
		return l.c.Limits.Exchange(ctx, u.ID, r.Family)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return told(&RefreshError{RefreshNotFound}, ended(l.end(ctx, u.ID, r.Session)))
}
