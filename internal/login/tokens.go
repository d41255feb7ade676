package login

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
	"github.com/twofold-auth/twofold/store"
)

// Tokens says which rights outlive a browser.
type Tokens struct {
	// RefreshLife is the life of a family of refresh tokens, RefreshIdle how
	// long it lives without an exchange. Zero: there are none.
	RefreshLife, RefreshIdle time.Duration
	// Scopes may be given to personal access tokens. Empty: there are none.
	Scopes []string
	// PersonalLife is the longest life of one.
	PersonalLife time.Duration
}

const (
	maxPersonal = 50 // living personal tokens an account may have
	kindRefresh = "refresh"
	kindOwn     = "personal"
)

// Why a refresh token was refused, by the words of the wire contract.
const (
	RefreshInvalid  = "INVALID"      // none of ours
	RefreshNotFound = "NOT_FOUND"    // over, revoked, or of former credentials
	RefreshCopied   = "GEN_MISMATCH" // exchanged before
)

// RefreshError refuses a refresh token.
type RefreshError struct{ Reason string }

func (e *RefreshError) Error() string { return "login: refresh token refused: " + e.Reason }

// refreshText is what a refresh token says: whose family it is, which
// generation, and a secret of 256 bits whose hash the store has.
type refreshText struct {
	Family     string `json:"f"`
	User       string `json:"u"`
	Session    string `json:"s"`
	Generation int64  `json:"g"`
	Secret     string `json:"k"`
}

func (l *Login) writeRefresh(t store.Token, secret string) (string, error) {
	raw, err := json.Marshal(refreshText{t.ID, t.UserID, t.SessionID, t.Generation, secret})
	return l.c.Keys.Sign("refresh-token", raw), err
}

func (l *Login) readRefresh(token string) (r refreshText, err error) {
	raw, err := l.c.Keys.Verify("refresh-token", token)
	if err != nil || json.Unmarshal(raw, &r) != nil || r.Family == "" || r.Secret == "" {
		return r, &RefreshError{RefreshInvalid}
	}
	return r, nil
}

// newFamily begins a family alongside a session that was just issued; a former one
// of that session ends.
func (l *Login) newFamily(ctx context.Context, g granted, s store.Session, b Browser) (string, error) {
	if err := l.c.Tokens.RevokeFamilies(ctx, s.UserID, s.ID); err != nil {
		return "", err
	}
	now, secret, p := l.c.Now(), seal.Token(), l.c.Policy.Tokens
	t, err := l.mint(ctx, g, store.Token{
		Hash: hash(secret), SessionID: s.ID, Name: b.Agent, IdleAt: now.Add(p.RefreshIdle), ExpiresAt: now.Add(p.RefreshLife),
	}, kindRefresh, b)
	if err != nil {
		return "", err
	}
	if err := l.boundFamilies(ctx, g.user, b); err != nil {
		return "", err
	}
	return l.writeRefresh(t, secret)
}

// Refresh exchanges a refresh token for a header token and its own successor.
// It proves nothing again: the session has the level that its family was started
// with, and is never fresh. A token that was exchanged before was copied: all
// that was minted alongside it is ended, and the owner told. *RefreshError.
func (l *Login) Refresh(ctx context.Context, token string, b Browser) (Outcome, error) {
	r, err := l.readRefresh(token)
	if err != nil {
		return Outcome{}, err
	}
	owner, err := l.c.Accounts.ByID(ctx, r.User)
	if errors.Is(err, store.ErrNotFound) {
		return Outcome{}, &RefreshError{RefreshNotFound}
	}
	if err != nil {
		return Outcome{}, err
	}
	// Anyone who is locked out for a while keeps their token: spent without a
	// successor, it would come back later and pass for a copy.
	switch err := mayStay(ctx, l, owner, b); {
	case errors.Is(err, ErrLocked):
		return Outcome{}, &RefreshError{RefreshNotFound}
	case errors.As(err, new(undecided)):
		return Outcome{}, err
	}
	// Before it is spent: trouble with the store must not cost the token.
	if err := l.family(ctx, owner, r); err != nil {
		return Outcome{}, err
	}
	now, secret := l.c.Now(), seal.Token()
	t, err := l.c.Tokens.RotateToken(ctx, store.TokenUse{
		ID: r.Family, Generation: r.Generation, Hash: hash(r.Secret), Next: hash(secret), Now: now, IdleAt: now.Add(l.c.Policy.Tokens.RefreshIdle),
		Copied: l.letters(ctx, owner, TokenCopied, "", b),
	})
	switch {
	case errors.Is(err, store.ErrUsed):
		return Outcome{}, told(&RefreshError{RefreshCopied}, l.copiedToken(ctx, owner, r, b))
	case errors.Is(err, store.ErrNotFound):
		return Outcome{}, &RefreshError{RefreshNotFound}
	case err != nil:
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ByID(ctx, t.UserID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Outcome{}, err
	}
	if err != nil || u.Uniquifier != t.Uniquifier || l.admit(u) != nil {
		return Outcome{}, &RefreshError{RefreshNotFound}
	}
	next, err := l.writeRefresh(t, secret)
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.finish(ctx, granted{user: u, level: t.Level, proofs: t.Proofs, trusted: t.Trusted, trustedBy: t.TrustedBy, family: &t, quiet: true}, b)
	if err != nil {
		return Outcome{}, err
	}
	// Signed out at this very moment: what was issued goes too.
	if err := l.c.Tokens.TouchToken(ctx, t.ID, now); err != nil {
		_, _ = l.c.Sessions.Take(ctx, out.Session.Hash)
		if errors.Is(err, store.ErrNotFound) {
			err = &RefreshError{RefreshNotFound}
		}
		return Outcome{}, err
	}
	out.Session.Refresh = next
	return out, nil
}

// copiedToken ends what was minted alongside a refresh token that came back.
func (l *Login) copiedToken(ctx context.Context, u store.User, r refreshText, b Browser) error {
	l.wake()
	if err := ended(l.end(ctx, u.ID, r.Session)); err != nil {
		return err
	}
	at := l.at(b)
	at.Session = r.Session
	return l.tell(ctx, event.TokenCopied{User: subject(u), Context: at})
}

// LogoutRefresh ends what a refresh token belongs to. One that is none is no
// error.
func (l *Login) LogoutRefresh(ctx context.Context, token string, b Browser) error {
	r, err := l.readRefresh(token)
	if err != nil {
		return nil
	}
	u, err := l.c.Accounts.ByID(ctx, r.User)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return ended(l.end(ctx, u.ID, r.Session))
}

// PersonalWish is a personal access token to be made.
type PersonalWish struct {
	Name   string
	Scopes []string // some of Tokens.Scopes
	Life   time.Duration
}

// MintPersonal makes a personal access token, which is returned once. It is
// minted under everything the account asks for, recently proven, and dies with
// any change of it. ErrReauthenticate; ErrChoice: no scope, or one that is not
// offered; ErrTooLong; ErrTooMany.
func (l *Login) MintPersonal(ctx context.Context, who Who, w PersonalWish, b Browser) (string, store.Token, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return "", store.Token{}, err
	}
	if err := l.mayEnroll(who.User); err != nil {
		return "", store.Token{}, err
	}
	if err := w.check(l.c.Policy.Tokens); err != nil {
		return "", store.Token{}, err
	}
	if err := l.c.Limits.Setup(ctx, who.User.ID); err != nil {
		return "", store.Token{}, err
	}
	text, t, err := mintPersonal(ctx, l, granted{
		user: who.User, level: who.Session.Level, proofs: who.Session.Proofs,
	}, w, b)
	if err != nil {
		return "", store.Token{}, err
	}
	return text, t, l.useFreshness(ctx, who)
}

// check returns what is wrong with a token to be made, and puts its scopes in order.
func (w *PersonalWish) check(p Tokens) error {
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

// mintPersonal makes a personal access token under what was granted. ErrTooMany.
func mintPersonal(
	ctx context.Context, l *Login, g granted, w PersonalWish, b Browser,
) (string, store.Token, error) {
	present, err := l.c.Tokens.TokensOf(ctx, g.user.ID, l.c.Now())
	if err != nil {
		return "", store.Token{}, err
	}
	present = slices.DeleteFunc(present, func(t store.Token) bool { return !t.Personal })
	if len(present) >= maxPersonal {
		return "", store.Token{}, ErrTooMany
	}
	text, ends := session.NewPersonal(), l.c.Now().Add(w.Life)
	t, err := l.mint(ctx, g, store.Token{
		Personal: true, Hash: hash(text), Name: w.Name, Scopes: w.Scopes, IdleAt: ends, ExpiresAt: ends,
		Most: maxPersonal,
	}, kindOwn, b, l.letters(ctx, g.user, TokenMinted, "", b)...)
	if errors.Is(err, store.ErrUsed) { // another one was made meanwhile
		err = ErrTooMany
	}
	if err != nil {
		return "", store.Token{}, err
	}
	l.wake()
	return text, t, nil
}

// GrantToken makes a personal access token for an account in an operator's name. It
// is one factor and never two, because no one has proven any: guards that want two
// refuse it. Like others it ends with any change of the account's credentials.
// ErrDisabled, ErrLocked, ErrUnconfirmed, ErrUnproven, ErrChoice, ErrTooLong,
// ErrTooMany.
func GrantToken(ctx context.Context, l *Login, u store.User, w PersonalWish) (string, store.Token, error) {
	if err := l.admit(u); err != nil {
		return "", store.Token{}, err
	}
	if err := w.check(l.c.Policy.Tokens); err != nil {
		return "", store.Token{}, err
	}
	g := granted{user: u, level: store.OneFactor, proofs: []store.Proof{l.proof(policy.Operator)}}
	return mintPersonal(ctx, l, g, w, Browser{})
}

// TokensOf lists the caller's tokens of both kinds, the newest first.
func (l *Login) TokensOf(ctx context.Context, who Who) ([]store.Token, error) {
	return l.c.Tokens.TokensOf(ctx, who.User.ID, l.c.Now())
}

// RevokeToken ends one of the caller's tokens, and with a family what it was
// exchanged for. ErrReauthenticate, ErrNoSuch.
func (l *Login) RevokeToken(ctx context.Context, who Who, id string, b Browser) error {
	if err := l.RequireRecent(who); err != nil {
		return err
	}
	all, err := l.TokensOf(ctx, who)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t store.Token) bool { return t.ID == id })
	if i < 0 {
		return ErrNoSuch
	}
	if err := l.c.Tokens.RevokeToken(ctx, who.User.ID, id); errors.Is(err, store.ErrNotFound) {
		return ErrNoSuch
	} else if err != nil {
		return err
	}
	if beside := all[i].SessionID; beside != "" && beside != who.Session.ID {
		if err := ended(l.end(ctx, who.User.ID, beside)); err != nil {
			return err
		}
	}
	return l.tell(ctx, event.TokenRevoked{User: subject(who.User), Context: l.at(b)})
}
