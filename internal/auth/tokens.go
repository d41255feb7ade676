package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TokenPolicy configures refresh tokens and personal access tokens.
type TokenPolicy struct {
	// RefreshLife is the lifetime of a family of refresh tokens. RefreshIdle is the time without an
	// exchange after which it ends. If they are zero, there are no refresh tokens.
	RefreshLife, RefreshIdle time.Duration
	// Scopes lists the scopes of personal access tokens. If it is empty, there are no such tokens.
	Scopes []string
	// PersonalLife is the maximum lifetime of a personal access token.
	PersonalLife time.Duration
}

const (
	maxPersonal = 50 // maximum number of valid personal tokens of an account
	kindRefresh = "refresh"
	kindOwn     = "personal"
)

// The reasons for refusing a refresh token, as in the wire contract.
const (
	RefreshInvalid  = "INVALID"      // not a refresh token
	RefreshNotFound = "NOT_FOUND"    // expired, revoked, or issued for old credentials
	RefreshCopied   = "GEN_MISMATCH" // exchanged before
)

// RefreshError refuses a refresh token.
type RefreshError struct{ Reason string }

func (e *RefreshError) Error() string { return "auth: refresh token refused: " + e.Reason }

// refreshText is the content of a refresh token: the user, the family, the generation, and a secret
// of 256 bits whose hash is stored.
type refreshText struct {
	Family     string `json:"f"`
	User       string `json:"u"`
	Session    string `json:"s"`
	Generation int64  `json:"g"`
	Secret     string `json:"k"`
}

func (l Tokens) writeRefresh(t storage.Token, secret string) (string, error) {
	raw, err := json.Marshal(refreshText{t.ID, t.UserID, t.SessionID, t.Generation, secret})
	return l.c.Keys.Sign("refresh-token", raw), err
}

func (l Tokens) readRefresh(token string) (r refreshText, err error) {
	raw, err := l.c.Keys.Verify("refresh-token", token)
	if err != nil || json.Unmarshal(raw, &r) != nil || r.Family == "" || r.Secret == "" {
		return r, &RefreshError{RefreshInvalid}
	}
	return r, nil
}

// newFamily starts a family for a session that was just issued. An earlier family of that session
// ends. The lifetime begins with the sign-in, so that a session that is renewed cannot extend it.
func (l Tokens) newFamily(ctx context.Context, g granted, s storage.Session, b Client) (string, error) {
	if err := l.c.Tokens.RevokeFamilies(ctx, s.UserID, s.ID); err != nil {
		return "", err
	}
	now, secret, p := l.c.Now(), seal.Token(), l.c.Policy.Tokens
	t, err := l.mint(ctx, g, storage.Token{
		Hash: hash(secret), SessionID: s.ID, Name: b.Agent, IdleAt: now.Add(p.RefreshIdle),
		ExpiresAt: s.CreatedAt.Add(p.RefreshLife),
	}, kindRefresh, b)
	if err != nil {
		return "", err
	}
	if err := l.Sessions.boundFamilies(ctx, g.user, b); err != nil {
		return "", err
	}
	return l.writeRefresh(t, secret)
}

// Refresh exchanges a refresh token for a header token and its successor. The session has the level
// with which the family was started and is never fresh. A token that was exchanged before has been
// copied: everything issued with it is ended, and the owner is notified. It returns *RefreshError.
func (l Tokens) Refresh(ctx context.Context, token string, b Client) (Outcome, error) {
	r, err := l.readRefresh(token)
	if err != nil {
		return Outcome{}, err
	}
	owner, err := l.c.Accounts.ByID(ctx, r.User)
	if errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, &RefreshError{RefreshNotFound}
	}
	if err != nil {
		return Outcome{}, err
	}
	// A user who is locked for a while keeps their token. If it were used up without a successor, a
	// later use would look like a copy.
	switch err := l.Sessions.mayStay(ctx, owner, b); {
	case errors.Is(err, ErrLocked):
		return Outcome{}, &RefreshError{RefreshNotFound}
	case errors.As(err, new(undecided)):
		return Outcome{}, err
	}
	// Check this before the token is used up, so that an error of the store does not cost the
	// token.
	if err := l.Sessions.family(ctx, owner, r); err != nil {
		return Outcome{}, err
	}
	now, secret := l.c.Now(), seal.Token()
	t, err := l.c.Tokens.RotateToken(ctx, storage.TokenUse{
		ID: r.Family, Generation: r.Generation, Hash: hash(r.Secret), Next: hash(secret), Now: now,
		IdleAt: now.Add(l.c.Policy.Tokens.RefreshIdle),
		Copied: func() []storage.Message { return l.mail.notices(ctx, owner, TokenCopied, "", b) },
	})
	switch {
	case errors.Is(err, storage.ErrUsed):
		return Outcome{}, recordedOr(&RefreshError{RefreshCopied}, l.copiedToken(ctx, owner, r, b))
	case errors.Is(err, storage.ErrNotFound):
		return Outcome{}, &RefreshError{RefreshNotFound}
	case err != nil:
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ByID(ctx, t.UserID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, err
	}
	if err != nil || u.CredentialVersion != t.CredentialVersion || l.checkAllowed(u) != nil {
		return Outcome{}, &RefreshError{RefreshNotFound}
	}
	next, err := l.writeRefresh(t, secret)
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.finish(ctx,
		granted{user: u, level: t.Level, proofs: t.Proofs, trusted: t.Trusted, trustedBy: t.TrustedBy, family: &t,
			quiet: true}, b)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.stillThere(ctx, t.ID, now, out.Session.Hash); err != nil {
		return Outcome{}, err
	}
	out.Session.Refresh = next
	return out, nil
}

// stillThere ends a session that was just issued if its token family has ended since, because the
// user has signed out.
func (l Tokens) stillThere(ctx context.Context, id string, now time.Time, session string) error {
	err := l.c.Tokens.TouchToken(ctx, id, now)
	if err == nil {
		return nil
	}
	_, _ = l.c.Sessions.Take(ctx, session)
	if errors.Is(err, storage.ErrNotFound) {
		return &RefreshError{RefreshNotFound}
	}
	return err
}

// copiedToken ends everything issued with a refresh token that was presented again.
func (l Tokens) copiedToken(ctx context.Context, u storage.User, r refreshText, b Client) error {
	l.mail.kickOutbox()
	if err := ended(l.Sessions.end(ctx, u.ID, r.Session)); err != nil {
		return err
	}
	at := l.at(b)
	at.Session = r.Session
	return l.tell(ctx, event.TokenCopied{User: subject(u), Context: at})
}

// LogoutRefresh ends the session and the family of a refresh token. An invalid token is not an
// error.
func (l Tokens) LogoutRefresh(ctx context.Context, token string, b Client) error {
	r, err := l.readRefresh(token)
	if err != nil {
		return nil
	}
	u, err := l.c.Accounts.ByID(ctx, r.User)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return ended(l.Sessions.end(ctx, u.ID, r.Session))
}

// PersonalTokenRequest describes a personal access token to create.
type PersonalTokenRequest struct {
	Name   string
	Scopes []string // must be in Tokens.Scopes
	Life   time.Duration
}

// MintPersonal creates a personal access token and returns its text, which cannot be retrieved
// later. All required factors must have been proven recently, and any change of the credentials
// invalidates the token. It returns ErrReauthenticate, ErrChoice if there is no scope or an unknown
// one, ErrTooLong or ErrTooMany.
func (l Tokens) MintPersonal(
	ctx context.Context, who Principal, w PersonalTokenRequest, b Client,
) (string, storage.Token, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return "", storage.Token{}, err
	}
	if err := l.Account.mayEnroll(who.User); err != nil {
		return "", storage.Token{}, err
	}
	if err := w.check(l.c.Policy.Tokens); err != nil {
		return "", storage.Token{}, err
	}
	if err := l.c.Limits.Setup(ctx, who.User.ID); err != nil {
		return "", storage.Token{}, err
	}
	text, t, err := l.mintPersonal(ctx, granted{
		user: who.User, level: who.Session.Level, proofs: who.Session.Proofs,
	}, w, b)
	if err != nil {
		return "", storage.Token{}, err
	}
	return text, t, l.useFreshness(ctx, who)
}

// check returns an error if the token cannot be created, and sorts its scopes.
func (w *PersonalTokenRequest) check(p TokenPolicy) error {
	w.Scopes = slices.Clone(w.Scopes)
	slices.Sort(w.Scopes)
	w.Scopes = slices.Compact(w.Scopes)
	unknown := func(s string) bool { return !slices.Contains(p.Scopes, s) }
	if len(w.Scopes) == 0 || slices.ContainsFunc(w.Scopes, unknown) {
		return ErrChoice
	}
	if w.Life <= 0 || w.Life > p.PersonalLife {
		return ErrTooLong
	}
	return nil
}

// mintPersonal creates a personal access token with the granted proofs. It returns ErrTooMany.
func (l Tokens) mintPersonal(
	ctx context.Context, g granted, w PersonalTokenRequest, b Client,
) (string, storage.Token, error) {
	present, err := l.c.Tokens.TokensOf(ctx, g.user.ID, l.c.Now())
	if err != nil {
		return "", storage.Token{}, err
	}
	present = slices.DeleteFunc(present, func(t storage.Token) bool { return !t.Personal })
	if len(present) >= maxPersonal {
		return "", storage.Token{}, ErrTooMany
	}
	text, ends := session.NewPersonal(), l.c.Now().Add(w.Life)
	t, err := l.mint(ctx, g, storage.Token{
		Personal: true, Hash: hash(text), Name: w.Name, Scopes: w.Scopes, IdleAt: ends, ExpiresAt: ends,
		Most: maxPersonal,
	}, kindOwn, b, l.mail.notices(ctx, g.user, TokenMinted, "", b)...)
	if errors.Is(err, storage.ErrUsed) { // another token was created meanwhile
		err = ErrTooMany
	}
	if err != nil {
		return "", storage.Token{}, err
	}
	l.mail.kickOutbox()
	return text, t, nil
}

// Grant creates a personal access token for an account on behalf of an operator. It counts as
// one factor, never two, because none was proven, so guards that require two factors refuse it.
// Like other tokens it ends with any change of the account's credentials. It returns ErrDisabled,
// ErrLocked, ErrUnconfirmed, ErrUnproven, ErrChoice, ErrTooLong or ErrTooMany.
func (l Tokens) Grant(ctx context.Context, u storage.User, w PersonalTokenRequest) (string, storage.Token, error) {
	if err := l.checkAllowed(u); err != nil {
		return "", storage.Token{}, err
	}
	if err := w.check(l.c.Policy.Tokens); err != nil {
		return "", storage.Token{}, err
	}
	g := granted{user: u, level: storage.OneFactor, proofs: []storage.Proof{l.proof(policy.Operator)}}
	return l.mintPersonal(ctx, g, w, Client{})
}

// TokensOf lists the caller's tokens of both kinds, newest first.
func (l Tokens) TokensOf(ctx context.Context, who Principal) ([]storage.Token, error) {
	return l.c.Tokens.TokensOf(ctx, who.User.ID, l.c.Now())
}

// RevokeToken ends one of the caller's tokens. For a family it also ends the header tokens issued
// from it. It returns ErrReauthenticate or ErrNoSuch.
func (l Tokens) RevokeToken(ctx context.Context, who Principal, id string, b Client) error {
	if err := l.Reauth.RequireRecent(who); err != nil {
		return err
	}
	all, err := l.TokensOf(ctx, who)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t storage.Token) bool { return t.ID == id })
	if i < 0 {
		return ErrNoSuch
	}
	if err := l.c.Tokens.RevokeToken(ctx, who.User.ID, id); errors.Is(err, storage.ErrNotFound) {
		return ErrNoSuch
	} else if err != nil {
		return err
	}
	if session := all[i].SessionID; session != "" && session != who.Session.ID {
		if err := ended(l.Sessions.end(ctx, who.User.ID, session)); err != nil {
			return err
		}
	}
	return l.tell(ctx, event.TokenRevoked{User: subject(who.User), Context: l.at(b)})
}
