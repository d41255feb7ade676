package auth

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// granted is the right to a session. Only this package can create one, and only steps that have
// checked all proofs do. A new way to sign in cannot call issue without going through such a step.
type granted struct {
	user    storage.User
	level   storage.Level
	proofs  []storage.Proof
	trusted bool
	// trustedBy is the ID of the trusted device, as in storage.Session.
	trustedBy string
	// renews is the session that this one replaces, after a re-authentication or a change of
	// credentials. It is taken first: if it has been ended, nothing is issued.
	renews *storage.Session
	// verified is set for a re-authentication.
	verified bool
	// If quiet is set, no sign-in is announced.
	quiet bool
	// If carries is set, the new session keeps the time at which the renewed one was last fresh,
	// because nothing new was proven.
	carries bool
	// family is the family of refresh tokens whose newest token was exchanged. A header token is
	// issued for its session, which is never fresh.
	family *storage.Token
	// stays is the browser that is signed in because it stays signed in. The new session has the ID
	// of the session with which the device was created, and is never fresh.
	stays *storage.Device
	// spends, if not nil, atomically stores the session and uses up the code or token for which it
	// is issued. It is passed the row of the audit trail.
	spends func(*Opened, storage.Event) error
	// few is set if the account had fewer than fewSessions sessions a moment ago.
	few bool
	// rememberMe is the time for which the browser stays signed in, or zero.
	rememberMe time.Duration
}

// goesOn reports whether the new session only replaces a valid one. The application's lock applies
// only to sign-ins. If it refused a replacement after a change, the owner would be signed out and
// told that nothing was changed.
func (g granted) goesOn(kept error) bool {
	return g.renews != nil && g.quiet && errors.Is(kept, ErrLocked)
}

// issue is the only function that issues sessions. It refuses accounts that are not allowed to sign
// in. It writes the event before the session, so every session has a row in the audit trail.
func (l *Login) issue(ctx context.Context, g granted, b Client) (*Opened, error) {
	if err := l.checkAllowed(g.user); err != nil && !g.goesOn(err) { // regardless of the proofs
		return nil, err
	}
	if err := l.mayEnter(ctx, g, b); err != nil {
		return nil, err
	}
	if g.level >= storage.TwoFactors && !l.rules.TwoFactors(g.proofs) { // regardless of the step
		return nil, ErrSameFactor
	}
	if g.renews == nil && g.family == nil && g.spends == nil {
		if err := l.c.Limits.Session(ctx, g.user.ID); err != nil {
			return nil, err
		}
	}
	s := l.sessionOf(g, b)
	if g.spends != nil {
		return l.issueAtOnce(ctx, g, s, b)
	}
	if err := l.Recovery.provenFactor(ctx, g, b); err != nil {
		return nil, err
	}
	e := l.announcement(g, s, b)
	if e != nil {
		if err := l.record(ctx, e); err != nil {
			return nil, err
		}
	}
	if err := countSignIn(ctx, l.c, g, e, b); err != nil {
		return nil, err
	}
	kept, err := cancelDeletion(ctx, l.c, g, b)
	if err != nil {
		return nil, err
	}
	opened, err := l.open(ctx, g, s, b)
	if err != nil {
		return nil, err
	}
	opened.DeletionCanceled = kept
	if err := l.Sessions.boundSessions(ctx, g.user, b); err != nil {
		return nil, err
	}
	if e != nil {
		l.emit(ctx, e)
	}
	return opened, nil
}

// sessionOf returns the session to issue for g.
func (l *Login) sessionOf(g granted, b Client) storage.Session {
	s := storage.Session{
		ID: storage.NewID(), UserID: g.user.ID, CredentialVersion: g.user.CredentialVersion,
		Level: g.level, Trusted: g.trusted, TrustedBy: g.trustedBy,
		Proofs: g.proofs, Address: b.Address, Agent: b.Agent,
	}
	if g.renews != nil {
		s.ID, s.CreatedAt = g.renews.ID, g.renews.CreatedAt
	}
	// A trusted device proved one factor of two, so the session is never fresh (R81).
	if !g.trusted && (g.verified || !l.c.Policy.OnlyVerifyIsFresh) {
		s.FreshAt = l.c.Now()
	}
	if g.carries && g.renews != nil {
		s.FreshAt = l.afterChange(g.renews.FreshAt)
	}
	if g.family != nil {
		s.ID, s.FreshAt, s.Token = g.family.SessionID, time.Time{}, true
	}
	if g.stays != nil { // when a session with this ID ends, the device is revoked too (see end)
		s.ID, s.FreshAt = g.stays.SessionID, time.Time{}
	}
	return s
}

// issueAtOnce is the rest of issue if g.spends stores the session.
func (l *Login) issueAtOnce(ctx context.Context, g granted, s storage.Session, b Client) (*Opened, error) {
	opened := &Opened{}
	opened.Token, opened.Session = l.c.Sessions.Prepare(s)
	e := l.announcement(g, opened.Session, b)
	if err := g.spends(opened, l.c.Trail.Row(e)); err != nil {
		return nil, err
	}
	LogSignIns(l.c.Log)(ctx, e)
	if !g.few {
		if err := l.Sessions.boundSessions(ctx, g.user, b); err != nil {
			return nil, err
		}
	}
	l.emit(ctx, e)
	return opened, nil
}

// cancelDeletion cancels the deletion of an account because of a sign-in.
func cancelDeletion(ctx context.Context, c Config, g granted, b Client) (bool, error) {
	if c.CancelDeletion == nil || g.renews != nil || g.family != nil {
		return false, nil
	}
	kept, err := c.CancelDeletion(ctx, g.user, "signed in", b)
	return kept, stateError(err)
}

// afterChange returns the time at which a session was last fresh, after a change that required
// freshness. If only re-authentications are fresh, each change uses one up.
func (l *Login) afterChange(freshAt time.Time) time.Time {
	if l.c.Policy.OnlyVerifyIsFresh {
		return time.Time{}
	}
	return freshAt
}

// useFreshness does the same for a change that keeps the session.
func (l *Login) useFreshness(ctx context.Context, who Principal) error {
	if fresh := who.Session.FreshAt; l.afterChange(fresh).Equal(fresh) {
		return nil
	}
	return stateError(l.c.Sessions.MakeStale(ctx, who.Session))
}

// open creates the session and returns the tokens for the caller.
func (l *Login) open(ctx context.Context, g granted, s storage.Session, b Client) (*Opened, error) {
	opened := &Opened{}
	var err error
	switch {
	case g.renews != nil && g.renews.Token:
		// Not every path can return a new header token, so its session is bound to the new
		// credentials instead.
		s.Hash, s.Token = g.renews.Hash, true
		err = l.c.Sessions.Rebind(ctx, s)
		opened.Session = s
		return opened, err
	case g.renews != nil:
		if _, err = l.c.Sessions.Take(ctx, g.renews.Hash); err != nil {
			return nil, err
		}
	case g.family != nil:
		opened.Header, opened.Session, err = l.c.Sessions.Open(ctx, s)
		return opened, err
	}
	if opened.Token, opened.Session, err = l.c.Sessions.Open(ctx, s); err != nil {
		return nil, err
	}
	if b.WantToken {
		s.Token = true // they have the same ID, so both end when either signs out
		opened.Header, _, err = l.c.Sessions.Open(ctx, s)
	}
	life := l.c.Now().Sub(opened.Session.CreatedAt)
	if err == nil && b.WantToken && life < l.c.Policy.Tokens.RefreshLife && l.Account.mayEnroll(g.user) == nil {
		opened.Refresh, err = l.Tokens.newFamily(ctx, g, opened.Session, b)
	}
	return opened, err
}

// mint is like issue, for tokens that outlast the browser session. They contain only what was
// granted, and the row of the audit trail is written in the same transaction.
func (l *Login) mint(
	ctx context.Context, g granted, t storage.Token, kind string, b Client, messages ...storage.Message,
) (storage.Token, error) {
	if err := l.Account.mayEnroll(g.user); err != nil {
		return storage.Token{}, err
	}
	t.ID, t.UserID, t.CredentialVersion, t.CreatedAt = storage.NewID(), g.user.ID, g.user.CredentialVersion, l.c.Now()
	t.Level, t.Trusted, t.TrustedBy, t.Proofs = g.level, g.trusted, g.trustedBy, g.proofs
	at := l.at(b)
	if b.Address == "" { // there is no request, so it is an operator
		at = event.Acting(ctx, at)
	}
	e := event.TokenMinted{User: subject(g.user), Kind: kind, Context: at}
	t.Event = l.c.Trail.Row(e)
	if err := l.c.Tokens.PutToken(ctx, t, messages...); err != nil {
		return storage.Token{}, err
	}
	l.emit(ctx, e)
	return t, nil
}

// announcement returns the event of a new session, or nil if the session only continues another
// one.
func (l *Login) announcement(g granted, s storage.Session, b Client) event.Event {
	if g.quiet {
		return nil
	}
	via := make([]string, len(g.proofs))
	for i, p := range g.proofs {
		via[i] = p.Method
	}
	at := l.at(b)
	at.Session = s.ID
	if g.verified {
		return event.UserReauthenticated{User: subject(g.user), Via: via, Context: at}
	}
	return event.UserAuthenticated{User: subject(g.user), Via: via, Trusted: g.trusted, Context: at}
}
