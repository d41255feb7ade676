package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// OAuthIntent is the purpose of a redirect to an identity provider.
type OAuthIntent string

// The purposes.
const (
	ToSignIn       OAuthIntent = "sign-in"
	ToConnect      OAuthIntent = "connect" // connect the account at the provider
	ToVerify       OAuthIntent = "verify"  // re-authenticate
	oauthStateLife             = 10 * time.Minute
	maxConnect                 = 10 // maximum number of connections of an account
)

// OAuthRequest is a request to be redirected to an identity provider.
type OAuthRequest struct {
	Intent   OAuthIntent
	Provider string
	Redirect string // URL to which the browser comes back
	Next     string // target afterwards
}

// OAuthRedirect contains the URL to which the browser is redirected and the cookie with which it must
// come back.
type OAuthRedirect struct {
	Address string
	Cookie  string
	Life    time.Duration
}

// OAuthCallback contains the data with which a browser came back.
type OAuthCallback struct {
	Provider string
	Intent   OAuthIntent // purpose of the path; ToConnect uses that of ToSignIn
	Redirect string      // URL of that path
	Cookie   string
	State    string
	Answer   federated.Answer
	Asks     SignUpForm // fields of new accounts
}

// oauthState is the state of a redirect. It is stored, signed, in a cookie of the browser; the store
// contains only a record that the state may be used once in this browser. So a state of another
// browser, of another provider or of an old request is useless, and so are the data in the
// database.
type oauthState struct {
	Provider string      `json:"p"`
	Intent   OAuthIntent `json:"e"`
	State    string      `json:"s"` // hash
	Key      string      `json:"k"` // nonce and verifier are derived from it
	Session  string      `json:"i,omitempty"`
	Next     string      `json:"n,omitempty"`
	At       int64       `json:"t"`
}

// secret returns a secret of the request for one use.
func (t oauthState) secret(use string) string {
	mac := hmac.New(sha256.New, []byte(t.Key))
	mac.Write([]byte(use))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (t oauthState) question(c Config, state, redirect string) federated.Question {
	q := federated.Question{Redirect: redirect, State: state, Nonce: t.secret("nonce"), Verifier: t.secret("verifier")}
	if t.Intent == ToVerify {
		q.Since = time.Unix(t.At, 0)
	}
	q.Address = t.Intent == ToSignIn && c.signsUp(t.Provider)
	return q
}

// Providers returns the identity providers for a purpose. For ToVerify these are the ones that can
// authenticate their users again.
func (l OAuth) Providers(e OAuthIntent) []federated.Provider {
	out := []federated.Provider{}
	for _, p := range l.c.Providers {
		if e != ToVerify || p.Reauthenticates() {
			out = append(out, p)
		}
	}
	return out
}

func (l OAuth) provider(name string, e OAuthIntent) (federated.Provider, error) {
	for _, p := range l.Providers(e) {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, ErrProvider
}

// StartOAuth starts a sign-in, a connection or a re-authentication with an identity provider. A user
// who connects an account must have a fresh session at the account's level, which is checked again
// on return. It returns ErrProvider, ErrState, ErrReauthenticate or federated.ErrUnreachable.
func (l OAuth) StartOAuth(ctx context.Context, r OAuthRequest, who *Principal, b Client) (OAuthRedirect, error) {
	p, err := l.provider(r.Provider, r.Intent)
	if err != nil {
		return OAuthRedirect{}, err
	}
	if (who == nil) != (r.Intent == ToSignIn) {
		return OAuthRedirect{}, ErrState
	}
	if r.Intent == ToConnect {
		if err := l.Reauth.RequireFresh(ctx, *who, l.c.Policy.Freshness); err != nil {
			return OAuthRedirect{}, err
		}
		if err := l.Account.mayEnroll(who.User); err != nil {
			return OAuthRedirect{}, err
		}
	}
	from := limit.From{Address: b.Address}
	if who != nil {
		from.Session = who.Session.ID
	}
	if err := l.c.Limits.OAuthStart(ctx, from); err != nil {
		return OAuthRedirect{}, err
	}
	now, state := l.c.Now(), seal.Token()
	t := oauthState{
		Provider: r.Provider, Intent: r.Intent, State: hash(state), Key: seal.Token(), Next: r.Next, At: now.Unix(),
	}
	if who != nil {
		t.Session = who.Session.ID
	}
	address, err := p.Begin(ctx, t.question(l.c, state, r.Redirect))
	if err != nil {
		return OAuthRedirect{}, err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return OAuthRedirect{}, err
	}
	cookie := l.c.Keys.Sign("oauth", raw)
	to := OAuthRedirect{Address: address, Cookie: cookie, Life: oauthStateLife}
	return to, l.c.Challenges.PutChallenge(ctx, storage.Challenge{
		Key: "oauth:" + t.State, Channel: policy.Elsewhere, Destination: r.Provider,
		MAC:   l.c.Keys.MAC("oauth", cookie),
		Tries: 1, CreatedAt: now, ExpiresAt: now.Add(oauthStateLife),
	})
}

// takeOAuthState takes the saved state of a redirect. It is used up before any request is made or access granted,
// regardless of the result. It returns ErrState.
func (l OAuth) takeOAuthState(ctx context.Context, a OAuthCallback) (oauthState, error) {
	var t oauthState
	raw, err := l.c.Keys.Verify("oauth", a.Cookie)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return oauthState{}, ErrState
	}
	at := t.Intent
	if at == ToConnect {
		at = ToSignIn
	}
	if a.State == "" || t.State != hash(a.State) || t.Provider != a.Provider || at != a.Intent {
		return oauthState{}, ErrState
	}
	err = l.c.Challenges.TryChallenge(ctx, "oauth:"+t.State, l.c.Keys.MACs("oauth", a.Cookie), l.c.Now())
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrWrong) {
		err = ErrState
	}
	return t, err
}

// FinishOAuth completes a redirect and returns the target that the browser asked for. It returns
// ErrState if this browser, or the user who is signed in now, did not start it. Other errors are
// ErrNotConnected, ErrConnected, ErrDisabled, ErrReauthenticate, those of a sign-up,
// federated.ErrRefused and federated.ErrUnreachable.
func (l OAuth) FinishOAuth(
	ctx context.Context, a OAuthCallback, who *Principal, b Client,
) (out Outcome, e OAuthIntent, next string, err error) {
	t, err := l.takeOAuthState(ctx, a)
	if err != nil {
		return Outcome{}, "", "", err
	}
	e, next = t.Intent, t.Next
	if (who == nil) != (e == ToSignIn) || who != nil && who.Session.ID != t.Session {
		return Outcome{}, e, next, ErrState
	}
	p, err := l.provider(t.Provider, e)
	if err != nil {
		return Outcome{}, e, next, err
	}
	id, err := p.Finish(ctx, t.question(l.c, a.State, a.Redirect), a.Answer)
	if err != nil {
		return Outcome{}, e, next, l.oauthRefused(ctx, who, p.Name(), err, b)
	}
	switch e {
	case ToSignIn:
		out, err = l.signInFrom(ctx, p, id, b)
		if errors.Is(err, ErrNotConnected) && l.c.signsUp(p.Name()) {
			out, err = l.SignUps.begin(ctx, signUp{Provider: p.Name(), Identity: id, Next: next}, p, a.Asks, b)
		}
	case ToConnect:
		out, err = l.connect(ctx, *who, p.Name(), id, b)
	case ToVerify:
		out, err = l.verifyFrom(ctx, *who, p, id, b)
	default:
		err = ErrState
	}
	return out, e, next, err
}

// oauthRefused records a refusal and logs its cause.
func (l OAuth) oauthRefused(ctx context.Context, who *Principal, provider string, err error, b Client) error {
	l.c.Log.WarnContext(ctx, "no answer from another site", "provider", provider, "cause", err)
	if !errors.Is(err, federated.ErrRefused) {
		return err
	}
	failed := event.UserFailedAuthn{AuthType: policy.Elsewhere, Reason: "refused by the other site", Context: l.at(b)}
	if who != nil {
		failed.User = subject(who.User)
	}
	return recordedOr(err, l.record(ctx, failed))
}

// signInFrom is the step of a first factor with an identity provider. The next step is decided as
// after any other first factor. Even if the provider states that its user proved two factors, they
// count as one here.
func (l OAuth) signInFrom(
	ctx context.Context, p federated.Provider, id federated.Identity, b Client,
) (Outcome, error) {
	u, err := l.connected(ctx, id)
	if errors.Is(err, ErrNotConnected) && !l.c.signsUp(p.Name()) {
		failed := event.UserFailedAuthn{AuthType: policy.Elsewhere, Reason: "not connected", Context: l.at(b)}
		return Outcome{}, recordedOr(err, l.record(ctx, failed))
	}
	if err != nil {
		return Outcome{}, err
	}
	return l.enterFrom(ctx, p, u, b)
}

// enterFrom continues the sign-in to the account that an identity is connected to.
func (l OAuth) enterFrom(ctx context.Context, p federated.Provider, u storage.User, b Client) (Outcome, error) {
	if !u.Active {
		return Outcome{}, recordedOr(ErrDisabled, l.record(ctx, event.UserFailedAuthn{
			User: subject(u), AuthType: policy.Elsewhere, Reason: "disabled", Context: l.at(b),
		}))
	}
	return l.afterFirstFactor(ctx, u, l.elsewhere(p), false, b)
}

// connected returns the account that an identity is connected to, by issuer and subject, never by
// e-mail address (R111).
func (l OAuth) connected(ctx context.Context, id federated.Identity) (storage.User, error) {
	c, err := l.c.Connections.ConnectionBy(ctx, id.Issuer, id.Subject)
	if err != nil {
		return storage.User{}, notConnected(err)
	}
	u, err := l.c.Accounts.ByID(ctx, c.UserID)
	return u, notConnected(err)
}

func notConnected(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return ErrNotConnected
	}
	return err
}

// verifyFrom re-authenticates with the identity that is connected to this account. Another user's
// identity proves nothing (R54).
func (l OAuth) verifyFrom(
	ctx context.Context, who Principal, p federated.Provider, id federated.Identity, b Client,
) (Outcome, error) {
	u, err := l.connected(ctx, id)
	if errors.Is(err, ErrNotConnected) || err == nil && u.ID != who.User.ID {
		failed := event.UserFailedAuthn{User: subject(who.User), AuthType: policy.Elsewhere, Reason: "another identity",
			Context: l.at(b)}
		return Outcome{}, recordedOr(ErrNotConnected, l.record(ctx, failed))
	}
	if err == nil {
		err = l.checkAllowed(u) // do not send a code that cannot be used
	}
	if err != nil {
		return Outcome{}, err
	}
	return l.Reauth.reauthNext(ctx, who, l.elsewhere(p), b)
}

// connect connects an identity to the caller's account. Like a new factor it is a security change,
// so everything issued before becomes invalid.
func (l OAuth) connect(
	ctx context.Context, who Principal, provider string, id federated.Identity, b Client,
) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	present, err := l.c.Connections.ConnectionsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	if len(present) >= maxConnect {
		return Outcome{}, ErrMethod
	}
	now := l.c.Now()
	return l.reconnect(ctx, who, storage.ConnectionChange{Add: &storage.Connection{
		ID: storage.NewID(), UserID: who.User.ID, Provider: provider, Issuer: id.Issuer, Subject: id.Subject,
		Label: id.Label, CreatedAt: now,
	}}, ConnectionAdded, provider, b)
}

// Disconnect removes a connection. It returns ErrLastWayIn if the user could not sign in otherwise,
// ErrChoice if the user has no such connection, and ErrReauthenticate.
func (l OAuth) Disconnect(ctx context.Context, who Principal, id string, b Client) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	present, err := l.c.Connections.ConnectionsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	for _, c := range present {
		if c.ID != id {
			continue
		}
		if err := l.Passwordless.keepsWayIn(ctx, who.User, id); err != nil {
			return Outcome{}, err
		}
		return l.reconnect(ctx, who, storage.ConnectionChange{Remove: id}, ConnectionRemoved, c.Provider, b)
	}
	return Outcome{}, ErrChoice
}

// Connections lists a user's connected accounts.
func (l OAuth) Connections(ctx context.Context, u storage.User) ([]storage.Connection, error) {
	return l.c.Connections.ConnectionsOf(ctx, u.ID)
}

// reconnect applies a change, sends the notice and gives the acting browser its new session.
func (l OAuth) reconnect(
	ctx context.Context, who Principal, c storage.ConnectionChange, kind, provider string, b Client,
) (Outcome, error) {
	u := who.User
	if c.Add != nil {
		if err := l.Account.mayEnroll(u); err != nil {
			return Outcome{}, err
		}
	}
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: kind}},
		apply: func(ctx context.Context, messages []storage.Message) (storage.User, error) {
			c.UserID, c.From, c.To, c.Now = u.ID, u.CredentialVersion, account.NewUniquifier(), l.c.Now()
			c.Messages = messages
			err := l.c.Connections.ChangeConnections(ctx, c)
			if errors.Is(err, storage.ErrExists) {
				err = ErrConnected
			}
			u.CredentialVersion = c.To
			return u, err
		},
		event: func(u storage.User) event.Event {
			return event.ConnectionChanged{
				User: subject(u), Provider: provider, Removed: c.Add == nil, Context: l.at(b),
			}
		},
		level: who.Session.Level, proofs: who.Session.Proofs,
	}, b)
}
