package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// OAuthPaths contains the paths of sign-in with identity providers. Each, except Disconnect and
// SignUp, is followed by a provider's name.
type OAuthPaths struct {
	Start, Response             string // "/login/oauthstart", "/login/oauthresponse"
	VerifyStart, VerifyResponse string // "/login/oauth-verify-start", "/login/oauth-verify-response"
	Connect, Disconnect         string // "/login/oauth-connect", "/login/oauth-disconnect"
	SignUp                      string // "/login/oauth-signup", without a name
}

func (p OAuthPaths) under(prefix string) OAuthPaths {
	at := func(own, def string) string { return prefix + or(own, def) }
	return OAuthPaths{
		Start: at(p.Start, "/login/oauthstart"), Response: at(p.Response, "/login/oauthresponse"),
		VerifyStart:    at(p.VerifyStart, "/login/oauth-verify-start"),
		VerifyResponse: at(p.VerifyResponse, "/login/oauth-verify-response"),
		Connect:        at(p.Connect, "/login/oauth-connect"), Disconnect: at(p.Disconnect, "/login/oauth-disconnect"),
		SignUp: at(p.SignUp, "/login/oauth-signup"),
	}
}

func (p OAuthPaths) list() []string {
	return []string{p.Start, p.Response, p.VerifyStart, p.VerifyResponse, p.Connect, p.Disconnect, p.SignUp}
}

// OAuthViews contains the pages after the return from an identity provider. The defaults are
// PostLogin and PostVerify.
type OAuthViews struct{ PostLogin, PostVerify string }

func (v OAuthViews) or(all Views) OAuthViews {
	return OAuthViews{PostLogin: or(v.PostLogin, all.PostLogin), PostVerify: or(v.PostVerify, all.PostVerify)}
}

func (s oauthSteps) checkOAuthNames() error {
	for _, path := range s.paths.OAuth.list() {
		if got, ok := safeNext(path); !ok || got != path || strings.ContainsAny(path, "?#{} ") {
			return errors.New("path " + path + ": must be a plain path such as /login/oauthstart")
		}
	}
	return nil
}

// maxTripNext is the maximum length of the target that is kept during a redirect to an identity
// provider.
const maxTripNext = 512

// oauthRows returns the paths of sign-in with identity providers.
func (s oauthSteps) oauthRows() []route {
	if len(s.c.Login.OAuth.Providers(auth.ToSignIn)) == 0 {
		return nil
	}
	p := s.paths.OAuth
	return append(signingUp{s.Site}.rows(), []route{
		{method: http.MethodPost, path: p.Start + tokenEnd, access: forAnonymous, step: s.postOAuthStart},
		{method: http.MethodGet, path: p.Response + tokenEnd, access: forAnyone, step: s.getOAuthResponse, link: true},
		{method: http.MethodPost, path: p.VerifyStart + tokenEnd, access: forUser, step: s.postOAuthVerifyStart},
		{method: http.MethodGet, path: p.VerifyResponse + tokenEnd, access: forAnyone,
			step: s.getOAuthVerifyResponse, link: true},
		{method: http.MethodPost, path: p.Connect + tokenEnd, access: forUser, step: s.postOAuthConnect},
		{method: http.MethodPost, path: p.Disconnect, access: forUser, step: s.postOAuthDisconnect,
			take: fields{"id": text}},
	}...)
}

func (s oauthSteps) postOAuthStart(c *call) (*answer, error) {
	if err := s.knownProvider(c, auth.ToSignIn); err != nil {
		return nil, err
	}
	return s.startOAuth(c, auth.ToSignIn, s.paths.OAuth.Response)
}

func (s oauthSteps) postOAuthVerifyStart(c *call) (*answer, error) {
	return s.startOAuth(c, auth.ToVerify, s.paths.OAuth.VerifyResponse)
}

// postOAuthConnect uses the same redirect URL as signing in, so that only two URLs are registered
// with the provider.
func (s oauthSteps) postOAuthConnect(c *call) (*answer, error) {
	return s.startOAuth(c, auth.ToConnect, s.paths.OAuth.Response)
}

func (s oauthSteps) knownProvider(c *call, e auth.OAuthIntent) error {
	if s.providerTitle(c, e) == "" {
		return fail(http.StatusNotFound, "", "NOT_FOUND").flat()
	}
	return nil
}

func (s oauthSteps) providerTitle(c *call, e auth.OAuthIntent) string {
	for _, p := range s.c.Login.OAuth.Providers(e) {
		if p.Name() == c.token {
			return p.Title()
		}
	}
	return ""
}

// redirect returns the URL to which the provider redirects back.
func (s oauthSteps) redirect(c *call, path string) string {
	return s.c.Origin.Scheme + "://" + s.c.Origin.Host + path + "/" + c.token
}

// startOAuth redirects the browser to the provider.
func (s oauthSteps) startOAuth(c *call, e auth.OAuthIntent, back string) (*answer, error) {
	if err := s.knownProvider(c, e); err != nil {
		return nil, err
	}
	next, _ := safeNext(c.next())
	if len(next) > maxTripNext {
		next = ""
	}
	d, err := s.c.Login.OAuth.StartOAuth(c.r.Context(), auth.OAuthRequest{
		Intent: e, Provider: c.token, Redirect: s.redirect(c, back), Next: next,
	}, c.who, c.browser)
	if err != nil {
		return nil, s.oauthFailure(c, e, err)
	}
	s.jar.set(c.w, s.jar.oauth(), d.Cookie, d.Life)
	return &answer{away: d.Address, page: "oauth_away", view: func() any {
		return AwayPage{Title: s.providerTitle(c, e), Address: d.Address}
	}}, nil
}

func (s oauthSteps) getOAuthResponse(c *call) (*answer, error) {
	return s.finishOAuth(c, auth.ToSignIn, s.paths.OAuth.Response)
}

func (s oauthSteps) getOAuthVerifyResponse(c *call) (*answer, error) {
	return s.finishOAuth(c, auth.ToVerify, s.paths.OAuth.VerifyResponse)
}

// finishOAuth handles the return from a provider. The protocol requires that this GET has an effect. It
// is bound to a state that this browser recently received from us and that can be used once (RFC
// 9700, section 2.1.1).
func (s oauthSteps) finishOAuth(c *call, e auth.OAuthIntent, path string) (*answer, error) {
	if c.r.Method == http.MethodHead {
		return nil, fail(http.StatusMethodNotAllowed, "", "METHOD_NOT_ALLOWED").flat()
	}
	q := c.r.URL.Query()
	cookie := s.jar.get(c.r, s.jar.oauth())
	s.jar.clear(c.w, c.r, s.jar.oauth())
	out, done, next, err := s.c.Login.OAuth.FinishOAuth(c.r.Context(), auth.OAuthCallback{
		Provider: c.token, Intent: e, Redirect: s.redirect(c, path), Cookie: cookie, State: only(q, "state"),
		Answer: federated.Answer{Code: only(q, "code"), Issuer: only(q, "iss"), Error: only(q, "error")},
		Asks:   signingUp{s.Site}.asks(),
	}, c.who, c.browser)
	c.form.texts["next"] = next
	if err != nil {
		if e != auth.ToVerify { // that path has one purpose, even if the answer is incomplete
			e = done
		}
		return s.oauthFailed(c, out, e, err)
	}
	if out.SignUp != nil {
		return signingUp{s.Site}.started(c, *out.SignUp), nil
	}
	a := s.oauthDone(c, out, done)
	if out.Pending == nil {
		a.about = &out.User
	}
	return a, nil
}

// oauthDone returns the answer to a successful return from a provider.
func (s oauthSteps) oauthDone(c *call, out auth.Outcome, e auth.OAuthIntent) *answer {
	switch e {
	case auth.ToConnect:
		return &answer{outcome: &out, user: &out.User, to: c.after(s.accountOr(s.views.PostLogin)),
			note: "OAUTH_CONNECTED"}
	case auth.ToVerify:
		if out.Pending == nil {
			a := s.session.verified(c, out)
			a.to = c.after(s.views.OAuth.PostVerify)
			return a
		}
		return s.account.entered(c, out, s.views.OAuth.PostVerify)
	}
	return s.account.entered(c, out, s.views.OAuth.PostLogin)
}

// only returns a parameter that was sent once. It ignores one that was sent twice.
func only(q url.Values, name string) string {
	if v := q[name]; len(v) == 1 && len(v[0]) <= 4<<10 {
		return v[0]
	}
	return ""
}

func (s oauthSteps) accountOr(path string) string { return or(s.paths.Account, path) }

// oauthFailed keeps a pending sign-in whose first code was not sent, like a sign-in with a password.
func (s oauthSteps) oauthFailed(c *call, out auth.Outcome, e auth.OAuthIntent, err error) (*answer, error) {
	if out.SignUp != nil {
		if f := (signingUp{s.Site}).unsent(c, *out.SignUp, err); f != nil {
			return nil, f
		}
	}
	var paused *limit.Paused
	switch {
	case out.Pending != nil && errors.Is(err, auth.ErrSend):
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(s.paths.Login)
	case out.Pending != nil && errors.As(err, &paused):
		return &answer{outcome: &out}, s.toFailure(err).flat().goTo(withNext(s.paths.Validate, c.next()))
	}
	return nil, s.oauthFailure(c, e, err)
}

// oauthFailure returns the failure of a sign-in with a provider. It contains only our own texts,
// none of the provider's (R110).
func (s oauthSteps) oauthFailure(c *call, e auth.OAuthIntent, err error) error {
	back := s.oauthBack(c, e)
	bad := func(key string) error { return fail(http.StatusBadRequest, "", key).flat().goTo(back) }
	switch {
	case errors.Is(err, auth.ErrState):
		return bad("OAUTH_STATE")
	case errors.Is(err, auth.ErrProvider):
		return fail(http.StatusNotFound, "", "NOT_FOUND").flat()
	case errors.Is(err, federated.ErrRefused):
		return bad("OAUTH_HANDSHAKE_ERROR")
	case errors.Is(err, auth.ErrNotConnected):
		return bad("OAUTH_NOT_CONNECTED")
	case errors.Is(err, auth.ErrNoAddress):
		return bad("OAUTH_SIGN_UP_ADDRESS")
	case errors.Is(err, auth.ErrAddressTaken):
		return bad("OAUTH_SIGN_UP_TAKEN")
	case errors.Is(err, auth.ErrConnected):
		return bad("OAUTH_CONNECTED_ALREADY")
	case errors.Is(err, auth.ErrDisabled):
		return bad("DISABLED_ACCOUNT")
	case errors.As(err, new(*auth.Refused)):
		return s.toFailure(err).flat() // the application's text, which a redirect cannot contain
	case errors.Is(err, auth.ErrLocked):
		return bad("ACCOUNT_LOCKED")
	case errors.Is(err, auth.ErrUnconfirmed):
		return bad("CONFIRMATION_REQUIRED")
	case errors.Is(err, federated.ErrUnreachable):
		s.c.Log.WarnContext(c.r.Context(), "a provider of sign-in cannot be reached", "path", c.r.URL.Path, "cause",
			err)
		f := fail(http.StatusServiceUnavailable, "", "OAUTH_UNREACHABLE").flat().goTo(back)
		f.retryAfter = 5 * time.Second
		return f
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.paths.Account))
	}
	return err
}

// oauthBack returns the page after a failed return from a provider.
func (s oauthSteps) oauthBack(c *call, e auth.OAuthIntent) string {
	switch {
	case c.who != nil && e == auth.ToVerify:
		return or(s.appView(s.views.VerifyError), withNext(s.paths.Verify, c.next()))
	case c.who != nil:
		return withNext(s.accountOr(s.views.PostLogin), c.next())
	}
	return or(s.appView(s.views.Life.LoginError), withNext(s.paths.Login, c.next()))
}

// appView returns a page of the application that gets the result in its query.
func (s oauthSteps) appView(view string) string {
	if !s.c.App.Tells {
		return ""
	}
	return view
}

func (s oauthSteps) postOAuthDisconnect(c *call) (*answer, error) {
	out, err := s.c.Login.OAuth.Disconnect(c.r.Context(), *c.who, c.form.text("id"), c.browser)
	back := s.accountOr(s.views.PostLogin)
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return nil, s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.paths.Account))
	case errors.Is(err, auth.ErrLastWayIn):
		return nil, s.toFailure(err).at("id").goTo(back)
	case errors.Is(err, auth.ErrChoice):
		return nil, fail(http.StatusBadRequest, "id", "CHOICE_INVALID").goTo(back)
	case err != nil:
		return nil, err
	}
	return &answer{outcome: &out, user: &out.User, to: c.after(back), note: "OAUTH_DISCONNECTED"}, nil
}

// verifyMethods returns the methods of re-authentication. passkey reports whether a passkey is one.
func (s oauthSteps) verifyMethods(passkey bool) verifyMethods {
	names := []string{}
	for _, p := range s.c.Login.OAuth.Providers(auth.ToVerify) {
		names = append(names, p.Name())
	}
	return verifyMethods{passkey, len(s.c.Login.OAuth.Providers(auth.ToSignIn)) > 0, names}
}

// providerViews returns the provider buttons of a page.
func (s oauthSteps) providerViews(e auth.OAuthIntent, path string) []ProviderView {
	var out []ProviderView
	for _, p := range s.c.Login.OAuth.Providers(e) {
		out = append(out, ProviderView{Name: p.Name(), Title: p.Title(), Action: path + "/" + p.Name()})
	}
	return out
}

// connectionBody is an account at an identity provider that the user has connected.
type connectionBody struct {
	ID       string  `json:"id"`
	Provider string  `json:"provider"`
	Label    string  `json:"label"`
	Added    *string `json:"added"`
}

// connectionsSection adds the connected accounts.
func (s oauthSteps) connectionsSection(c *call) (part, error) {
	if len(s.c.Login.OAuth.Providers(auth.ToSignIn)) == 0 {
		return part{}, nil
	}
	all, err := s.c.Login.OAuth.Connections(c.r.Context(), c.who.User)
	return part{
		json: func(body *accountBody) {
			body.Connections = []connectionBody{}
			for _, x := range all {
				body.Connections = append(body.Connections,
					connectionBody{ID: x.ID, Provider: x.Provider, Label: x.Label, Added: stamp(x.CreatedAt)})
			}
		},
		page: func(p *AccountPage) {
			for _, x := range all {
				p.Connections.Connections = append(p.Connections.Connections, s.connectionView(x))
			}
			p.Connections.Providers = s.providerViews(auth.ToConnect, s.paths.OAuth.Connect)
		},
	}, err
}

// askDisconnect returns the page that asks for confirmation before a connected account is removed,
// or nil if the request names none.
func (s oauthSteps) askDisconnect(c *call) (*answer, error) {
	if len(s.c.Login.OAuth.Providers(auth.ToSignIn)) == 0 {
		return nil, nil
	}
	all, err := s.c.Login.OAuth.Connections(c.r.Context(), c.who.User)
	for _, x := range all {
		if page, ok := askRemoval(c, "connection", x.ID, s.connectionView(x).Title); ok {
			page.Action, page.Field, page.Value, page.Back = s.paths.OAuth.Disconnect, "id", x.ID, s.paths.Account
			return removal(page), nil
		}
	}
	return nil, err
}

func (s oauthSteps) connectionView(x storage.Connection) ConnectionView {
	v := ConnectionView{ID: x.ID, Provider: x.Provider, Title: x.Provider, Label: x.Label, Added: x.CreatedAt}
	for _, p := range s.c.Login.OAuth.Providers(auth.ToSignIn) {
		if p.Name() == x.Provider {
			v.Title = p.Title()
		}
	}
	return v
}
