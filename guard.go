package twofold

import (
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// User is an account as an application sees it.
type User struct {
	ID       string
	Email    string
	Username string
	Roles    []string
	Active   bool
	Created  time.Time
	Language string // language of messages to the user, e.g. "de"; empty if not known yet
	// Fields contains the values of the profile fields in Accounts.Fields: booleans for boxes,
	// strings for all others.
	Fields map[string]any
}

// publicUser converts an account to the type that applications see.
func publicUser(u storage.User) User {
	return User{
		ID: u.ID, Email: u.Email, Username: u.Username, Roles: append([]string(nil), u.Roles...),
		Active: u.Active, Created: u.CreatedAt, Language: u.Language, Fields: profile.Decode(u.Profile),
	}
}

// SignedIn describes the user of a request and how they signed in.
type SignedIn struct {
	User
	Level   int           // number of factors proven by this session: 1 or 2
	Trusted bool          // the second factor was skipped by a trusted device
	Proofs  []store.Proof // how and when each factor was proven
	FreshAt time.Time     // time at which all factors that the account requires were last proven
	// Program is the name of the personal access token of the request, and Scopes are its scopes.
	// Both are empty if a person is signed in.
	Program string
	Scopes  []string
}

// UserOf returns the signed-in user of a request that passed a guard or Identify.
// It reports false for a request that passed neither, and for a request that
// Identify let through although no user is signed in. Behind a guard it always
// reports true.
func UserOf(r *http.Request) (SignedIn, bool) {
	who := web.WhoOf(r)
	if who == nil {
		return SignedIn{}, false
	}
	in := SignedIn{
		User: publicUser(who.User), Level: int(who.Session.Level), Trusted: who.Session.Trusted,
		Proofs: append([]storage.Proof(nil), who.Session.Proofs...), FreshAt: who.Session.FreshAt,
	}
	if t := who.Program; t != nil {
		in.Program, in.Scopes = t.Name, append([]string(nil), t.Scopes...)
	}
	return in, true
}

// Note is a message of a step of the sign-in for the next page of the application, such as "You are
// signed out.", in the language of the browser. Kind is success, info or error.
type Note = web.Note

// Notes returns the messages of the previous step and removes them. Call it before you write the
// response, on the pages of Views. A message expires after ten seconds.
func (a *Auth) Notes(w http.ResponseWriter, r *http.Request) []Note { return a.site.Notes(w, r) }

// Identify passes every request on; behind it, UserOf returns the signed-in user, if any. Use it for
// pages that everyone may see, and a guard for pages that only some users may see. A guard may be
// nested in Identify. A cross-site request counts as one without a user. If the store cannot be
// read, the page is served as without a user and the error is logged.
func (a *Auth) Identify(next http.Handler) http.Handler { return a.site.Guards.Identify(next) }

// RequireUser allows requests of signed-in users. Other requests get 401 as JSON, or are redirected
// to the sign-in page, which redirects back.
func (a *Auth) RequireUser(next http.Handler) http.Handler { return a.site.Guards.RequireUser(next) }

// RequireTwoFactor allows requests of sessions with two factors, or with one
// factor and a trusted browser if LoginValidity is set. Other users are
// redirected to set up a second factor.
func (a *Auth) RequireTwoFactor(next http.Handler) http.Handler {
	return a.site.Guards.RequireTwoFactor(next)
}

// RequireStrong allows requests of sessions with two factors, one of which is an authenticator app,
// a passkey or a recovery code. Codes by SMS or e-mail and trusted browsers do not count. Other
// users are redirected to prove or set up such a factor.
func (a *Auth) RequireStrong(next http.Handler) http.Handler {
	return a.site.Guards.RequireStrong(next)
}

// RequireFresh allows requests of users who proved all factors of their account
// at most d ago. Other users are redirected to prove them again. A trusted
// browser is never fresh.
func (a *Auth) RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return a.site.Guards.RequireFresh(d)
}

// RequireRole allows requests of users who have all the roles. Other users get
// 403.
func (a *Auth) RequireRole(names ...string) func(http.Handler) http.Handler {
	return a.site.Guards.RequireRole(names...)
}

// RequireAnyRole allows requests of users who have at least one of the roles. Other
// users get 403.
func (a *Auth) RequireAnyRole(names ...string) func(http.Handler) http.Handler {
	return web.RequireAnyRole(a.site, names...)
}

// Gate applies rules to applications that have no sign-in of their own, on the host of Origin and
// on other hosts. It returns middleware: the wrapped handler, such as httputil.ReverseProxy, gets
// only requests that the rules allow, with headers that identify the user. The middleware serves
// the paths of the sign-in itself.
//
// From then on the sign-in also serves the paths of the gate: /auth/verify, at which proxies of
// TrustedProxies ask whether a request is allowed; /.well-known/jwks.json; and /.twofold/ on the
// hosts behind the gate. Call it once, before Mount and before the first request. The error lists
// every mistake in the rules.
func (a *Auth) Gate(rules []gate.Rule) (func(http.Handler) http.Handler, error) {
	g, err := web.NewGate(a.site, rules)
	if err != nil {
		return nil, err
	}
	return g.Protect, nil
}
