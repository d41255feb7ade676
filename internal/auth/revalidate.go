package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// held contains earlier proofs that still give access: those of a session, a family of refresh
// tokens or a personal access token.
type held struct {
	session   string // ID of the session; empty for tokens
	level     storage.Level
	proofs    []storage.Proof
	trusted   bool
	trustedBy string
}

func heldBy(s storage.Session) held { return held{s.ID, s.Level, s.Proofs, s.Trusted, s.TrustedBy} }

func heldAs(t storage.Token) held { return held{"", t.Level, t.Proofs, t.Trusted, t.TrustedBy} }

// today returns what earlier proofs are worth now; see policy.Today. It returns storage.ErrNotFound
// if they are worth nothing.
func (l Sessions) today(ctx context.Context, u storage.User, h held) (policy.Standing, error) {
	if err := l.checkAllowed(u); err != nil && !errors.Is(err, ErrLocked) { // the lock applies only to sign-ins
		return policy.Over, storage.ErrNotFound
	}
	p := policy.Held{Level: h.level, Proofs: h.proofs, Trusted: h.trusted}
	account, err := l.factsToday(ctx, u, h, &p)
	if err != nil {
		return policy.Over, err
	}
	standing := policy.Today(l.rules, account, p)
	if standing == policy.Over {
		return standing, storage.ErrNotFound
	}
	return standing, nil
}

// factsToday reads only the data that policy.Today needs, because it is called for every request.
func (l Sessions) factsToday(ctx context.Context, u storage.User, h held, p *policy.Held) (policy.Account, error) {
	var a policy.Account
	switch {
	case h.trusted:
		if a.Trusts = l.SecondFactor.trusts(u); !a.Trusts {
			return a, nil
		}
		var err error
		if p.BrowserStands, err = l.browserStands(ctx, u.ID, h); err != nil {
			return a, err
		}
	case h.level < storage.TwoFactors:
		a.Required = l.c.Policy.Require(u)
		a.Proven = u.Proven()
	}
	if !policy.NeedsFactors(l.rules, a, *p) {
		return a, nil
	}
	var err error
	a.Factors, err = l.c.Factors.FactorsOf(ctx, u.ID)
	return a, err
}

// vouches reports whether a browser still counts as a second factor.
func (l Sessions) vouches(d storage.Device) bool { return policy.Vouches(l.rules, d.Proofs) }

// Session returns the caller with the token of a session. header is set if the token was sent in a
// header instead of a cookie. It returns storage.ErrNotFound if there is no such session, or if it no
// longer meets the account's requirements.
func (l Sessions) Session(ctx context.Context, token string, header bool) (*Principal, error) {
	return whoOf(l.c.Sessions.Find(ctx, token, header, l.judgeToday()))
}

// Descendant is like Session, for data that came from a browser's session and contains its ID.
func (l Sessions) Descendant(ctx context.Context, userID, sessionID string) (*Principal, error) {
	return whoOf(l.c.Sessions.FindByID(ctx, userID, sessionID, l.judgeToday()))
}

func (l Sessions) judgeToday() session.Judge {
	return func(ctx context.Context, s storage.Session, u storage.User) (policy.Standing, error) {
		return l.today(ctx, u, heldBy(s))
	}
}

func whoOf(found session.Found, err error) (*Principal, error) {
	if err != nil {
		return nil, err
	}
	return &Principal{User: found.User, Session: found.Session, Enrolls: found.Standing == policy.Enrolls}, nil
}

// Program returns the caller with a personal access token. A program cannot set up a factor, so a
// token that no longer meets the account's requirements gives no access. It returns
// storage.ErrNotFound.
func (l Sessions) Program(ctx context.Context, text string) (*Principal, error) {
	t, u, err := l.c.Sessions.Personal(ctx, text)
	if err != nil {
		return nil, err
	}
	if standing, err := l.today(ctx, u, heldAs(t)); err != nil {
		return nil, err
	} else if standing != policy.Stands {
		return nil, storage.ErrNotFound
	}
	return &Principal{User: u, Program: &t, Session: storage.Session{
		ID: t.ID, UserID: u.ID, CredentialVersion: t.CredentialVersion, Token: true, Level: t.Level, Trusted: t.Trusted,
		TrustedBy: t.TrustedBy, Proofs: t.Proofs,
		CreatedAt: t.CreatedAt, SeenAt: t.UsedAt, IdleAt: t.IdleAt, ExpiresAt: t.ExpiresAt,
	}}, nil
}

// family checks that a valid family of refresh tokens still meets the account's requirements. If
// not, the family ends with the sessions that came from it. The secret must be the newest one, so
// that the holder of an old token cannot end the family.
func (l Sessions) family(ctx context.Context, u storage.User, r refreshText) error {
	all, err := l.c.Tokens.TokensOf(ctx, u.ID, l.c.Now())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t storage.Token) bool { return !t.Personal && t.ID == r.Family })
	if i < 0 || all[i].Hash != hash(r.Secret) {
		return nil // RotateToken returns the reason
	}
	standing, err := l.today(ctx, u, heldAs(all[i]))
	if err == nil && standing == policy.Stands {
		return l.c.Limits.Exchange(ctx, u.ID, r.Family)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return recordedOr(&RefreshError{RefreshNotFound}, ended(l.end(ctx, u.ID, r.Session)))
}
