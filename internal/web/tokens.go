package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TokenPaths contains the names of the paths of tokens, without prefix. An empty field keeps the
// default.
type TokenPaths struct {
	Refresh  string // "/refresh-token"
	Personal string // "/access-tokens"
	Check    string // "/token-check"
}

// TokenConfig configures tokens.
type TokenConfig struct {
	Refresh       bool
	RefreshCookie string   // name of the cookie; empty if the token is in the body
	Scopes        []string // scopes of personal access tokens; empty if they are off
	MaxLife       time.Duration
}

// TokenView is a token as shown on pages.
type TokenView struct {
	ID, Name            string
	Personal            bool // if false, a family of refresh tokens of a program
	Scopes              []string
	Made, Used, Expires time.Time
	Action              string
}

// TokensPage is the data of "access_tokens".
type TokensPage struct {
	Tokens  []TokenView
	Scopes  []string // available scopes; empty if tokens cannot be created
	Days    int      // default lifetime
	MaxDays int
	New     string // text of the token that was just created; shown once
	Name    string // its name
	Pager   Pager
}

const defaultTokenDays = 30

func (s tokenSteps) maxTokenDays() int { return int(s.c.Tokens.MaxLife / (24 * time.Hour)) }

func (s tokenSteps) tokenPaths() TokenPaths {
	own, t := s.c.Paths.Tokens, s.c.Tokens
	at := func(on bool, own, def string) string {
		if !on { // templates omit links to empty paths
			return ""
		}
		return s.c.Prefix + or(own, def)
	}
	personal := len(t.Scopes) > 0
	return TokenPaths{
		Refresh: at(t.Refresh, own.Refresh, "/refresh-token"), Check: at(personal, own.Check, "/token-check"),
		Personal: at(personal || t.Refresh, own.Personal, "/access-tokens"),
	}
}

// tokenRows returns the paths of tokens. A form can only post, so POST and DELETE both revoke a
// token.
func (s tokenSteps) tokenRows() []route {
	p := s.paths.Tokens
	var rows []route
	if p.Refresh != "" {
		rows = append(rows, route{method: http.MethodPost, path: p.Refresh, access: forAnyone, step: s.postRefresh,
			take: fields{"refresh_token": long}})
	}
	if p.Check != "" {
		rows = append(rows, route{method: http.MethodGet, path: p.Check, access: forAnyone, step: s.getTokenCheck})
	}
	if p.Personal != "" {
		rows = append(rows,
			route{method: http.MethodGet, path: p.Personal, access: forUser, step: s.getTokens},
			route{method: http.MethodPost, path: p.Personal, access: forUser, step: s.postTokens, again: s.getTokens,
				take: fields{"name": text, "scopes": list, "days": text}},
			route{method: http.MethodPost, path: p.Personal + tokenEnd, access: forUser, step: s.endToken},
			route{method: http.MethodDelete, path: p.Personal + tokenEnd, access: forUser, step: s.endToken})
	}
	return rows
}

// withTokens adds the requested tokens to the user payload.
func (s tokenSteps) withTokens(user payload, o *auth.Outcome) payload {
	if o == nil || o.Session == nil || o.Session.Header == "" {
		return user
	}
	user = maps.Clone(user)
	user["authentication_token"] = o.Session.Header
	if o.Session.Refresh != "" && s.jar.refresh() == "" {
		user["refresh_token"] = o.Session.Refresh
	}
	return user
}

// refreshToken returns the refresh token of a request, from the cookie if that is configured.
func (s tokenSteps) refreshToken(c *call) string {
	if s.jar.refresh() != "" {
		if token := s.jar.get(c.r, s.jar.refresh()); token != "" {
			return token
		}
	}
	return c.form.text("refresh_token")
}

// postRefresh exchanges a refresh token. It accepts only JSON, which a form of another site cannot
// make a browser send.
func (s tokenSteps) postRefresh(c *call) (*answer, error) {
	if c.body != jsonBody {
		return nil, badRequest()
	}
	token := s.refreshToken(c)
	if token == "" {
		return nil, fail(http.StatusBadRequest, "refresh_token", "FIELD_REQUIRED")
	}
	out, err := s.c.Login.Tokens.Refresh(c.r.Context(), token, c.browser)
	var refused *auth.RefreshError
	if errors.As(err, &refused) {
		if s.jar.refresh() != "" {
			s.jar.clear(c.w, c.r, s.jar.refresh())
		}
		return nil, fail(http.StatusBadRequest, "refresh_token", "REFRESH_TOKEN_INVALID", "reason", refused.Reason)
	}
	if err != nil {
		return nil, err
	}
	return &answer{outcome: &out, user: &out.User, noToken: true}, nil
}

// logoutRefresh ends the family of the refresh token of a sign-out.
func (s tokenSteps) logoutRefresh(c *call) error {
	if !s.c.Tokens.Refresh {
		return nil
	}
	err := s.c.Login.Tokens.LogoutRefresh(c.r.Context(), s.refreshToken(c), c.browser)
	if err == nil && s.jar.refresh() != "" {
		s.jar.clear(c.w, c.r, s.jar.refresh())
	}
	return err
}

// personalToken returns the personal access token of a request: from our header, or as a bearer
// token (RFC 6750 section 2.1). A header that was sent twice is ignored.
func personalToken(r *http.Request) string {
	if v := r.Header.Values("Authentication-Token"); len(v) > 0 {
		if len(v) == 1 && session.IsPersonal(v[0]) {
			return v[0]
		}
		return ""
	}
	v := r.Header.Values("Authorization")
	if len(v) != 1 {
		return ""
	}
	scheme, token, ok := strings.Cut(v[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || !session.IsPersonal(token) {
		return ""
	}
	return token
}

// program identifies the caller by a personal access token, or like Who.
func (s tokenSteps) program(r *http.Request) (*auth.Principal, error) {
	text := personalToken(r)
	if text == "" {
		return s.Principal(r)
	}
	return s.c.Login.Sessions.Program(r.Context(), text) // never use the cookie's session instead
}

// RequireScope allows personal access tokens that have all the scopes, and signed-in users. It must
// be the outermost guard, because the others do not accept such tokens.
func (s Guards) RequireScope(names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guardBy(s.token.program, next,
			func(_ context.Context, who auth.Principal) error { return scoped(who, names) })
	}
}

func scoped(who auth.Principal, names []string) error {
	if who.Program == nil {
		return nil
	}
	if len(names) == 0 || slices.ContainsFunc(names,
		func(n string) bool { return !slices.Contains(who.Program.Scopes, n) }) {
		return errScope
	}
	return nil
}

// getTokenCheck tells an application in another language to whom a token belongs, if it has the
// requested scopes: ?scope=read&scope=write.
//
// It always answers in JSON. With a redirect to a page, a program that follows redirects would get
// status 200 for any token.
func (s tokenSteps) getTokenCheck(c *call) (*answer, error) {
	c.json = true
	who, err := s.program(c.r)
	if err == nil && who.Program == nil {
		err = storage.ErrNotFound
	}
	if err == nil {
		err = scoped(*who, c.r.URL.Query()["scope"])
	}
	if err != nil {
		return nil, s.Guards.whyNot(c, err)
	}
	t := who.Program
	return &answer{user: &who.User, json: func() response {
		return &tokenCheckBody{Token: tokenFacts(*t), Level: int(t.Level)}
	}}, nil
}

// tokenCheckBody tells an application about a valid token.
type tokenCheckBody struct {
	common
	Token tokenBody `json:"token"`
	Level int       `json:"level"`
}

// tokenBody describes a token, without its text.
type tokenBody struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Kind    string   `json:"kind"` // personal or refresh
	Scopes  []string `json:"scopes"`
	Created *string  `json:"created_at"`
	Used    *string  `json:"last_used_at"`
	Expires *string  `json:"expires_at"`
}

func tokenFacts(t storage.Token) tokenBody {
	kind := "refresh"
	if t.Personal {
		kind = "personal"
	}
	return tokenBody{
		ID: t.ID, Name: tokenName(t), Kind: kind, Scopes: append([]string{}, t.Scopes...),
		Created: stamp(t.CreatedAt), Used: stamp(t.UsedAt), Expires: stamp(t.ExpiresAt),
	}
}

func tokenName(t storage.Token) string {
	if t.Personal {
		return t.Name
	}
	return device.Name(t.Name)
}

// tokenError redirects a user whose session is not fresh to re-authentication.
func (s tokenSteps) tokenError(err error) error {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.paths.Tokens.Personal))
	case errors.Is(err, auth.ErrChoice):
		return fail(http.StatusBadRequest, "scopes", "CHOICE_INVALID")
	}
	return err
}

func (s tokenSteps) getTokens(c *call) (*answer, error) {
	all, err := s.c.Login.Tokens.TokensOf(c.r.Context(), *c.who)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if page, ok := askRemoval(c, "token", t.ID, tokenName(t)); ok {
			page.Action, page.Back = s.paths.Tokens.Personal+"/"+t.ID, s.paths.Tokens.Personal
			return removal(page), nil
		}
	}
	all, pager, err := paged(c, s.paths.Tokens.Personal, all)
	if err != nil {
		return nil, err
	}
	return &answer{
		json: func() response {
			body := &tokensBody{Tokens: []tokenBody{}, Scopes: append([]string{}, s.c.Tokens.Scopes...),
				MaxDays: s.maxTokenDays(), Paging: pager.body()}
			for _, t := range all {
				body.Tokens = append(body.Tokens, tokenFacts(t))
			}
			return body
		},
		page: "access_tokens", view: func() any { return s.tokensPage(c, all, pager) },
	}, nil
}

// tokensBody is the JSON of the page of tokens.
type tokensBody struct {
	common
	Tokens  []tokenBody `json:"tokens"`
	Scopes  []string    `json:"scopes"` // that a new token may have
	MaxDays int         `json:"max_days"`
	Paging  *pagingBody `json:"paging,omitempty"`
}

// tokensPage returns the data of the page. If a token was just created, it contains the text.
func (s tokenSteps) tokensPage(c *call, all []storage.Token, pager Pager) TokensPage {
	page := TokensPage{Scopes: s.c.Tokens.Scopes, MaxDays: s.maxTokenDays(),
		Days: min(defaultTokenDays, s.maxTokenDays()), Pager: pager}
	if len(c.made) == 2 {
		page.Name, page.New = c.made[0], c.made[1]
	}
	for _, t := range all {
		page.Tokens = append(page.Tokens, TokenView{
			ID: t.ID, Name: tokenName(t), Personal: t.Personal, Scopes: t.Scopes, Made: t.CreatedAt, Used: t.UsedAt,
			Expires: t.ExpiresAt, Action: s.paths.Tokens.Personal + "/" + t.ID,
		})
	}
	return page
}

func (s tokenSteps) postTokens(c *call) (*answer, error) {
	if len(s.c.Tokens.Scopes) == 0 {
		return nil, fail(http.StatusBadRequest, "", "API_ERROR")
	}
	if err := c.form.exact(); err != nil {
		return nil, err
	}
	name, days := TidyName(c.form.text("name")), min(defaultTokenDays, s.maxTokenDays())
	if name == "" {
		return nil, fail(http.StatusBadRequest, "name", "FIELD_REQUIRED")
	}
	if given := c.form.text("days"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > s.maxTokenDays() {
			return nil, s.toFailure(auth.ErrTooLong)
		}
		days = n
	}
	token, t, err := s.c.Login.Tokens.MintPersonal(c.r.Context(), *c.who, auth.PersonalTokenRequest{
		Name: name, Scopes: c.form.lists["scopes"], Life: time.Duration(days) * 24 * time.Hour,
	}, c.browser)
	if err != nil {
		return nil, s.tokenError(err)
	}
	a, err := s.getTokens(c)
	if err != nil {
		return nil, err
	}
	c.made = []string{t.Name, token}
	a.json = func() response { return &newTokenBody{tokenBody: tokenFacts(t), Token: token} }
	a.keep = &kept{At: s.paths.Tokens.Personal, Session: c.who.Session.ID, Made: c.made}
	return a, nil
}

// newTokenBody is the only answer with the text of a token.
type newTokenBody struct {
	common
	tokenBody
	Token string `json:"token"`
}

func (s tokenSteps) endToken(c *call) (*answer, error) {
	err := s.c.Login.Tokens.RevokeToken(c.r.Context(), *c.who, c.token, c.browser)
	if errors.Is(err, auth.ErrNoSuch) {
		return nil, fail(http.StatusNotFound, "", "NOT_FOUND").flat()
	}
	if err != nil {
		return nil, s.tokenError(err)
	}
	return &answer{to: s.paths.Tokens.Personal, note: "TOKEN_REVOKED"}, nil
}
