package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
)

// jar sets all our cookies and knows their names and attributes. Over https every name has the
// prefix __Host-, including the names of the wire contract. A browser accepts such a cookie only
// from exactly this host. So a page of a sibling host cannot replace our cookie, for example with a
// session of the attacker's account in which the user would then enter their data.
type jar struct {
	secure     bool
	deviceName string // name of the trusted-device cookie
	// refreshName is the name of the cookie for refresh tokens. It is empty if they are in the
	// answer.
	refreshName string
	// readable is the name of the cookie from which scripts read the CSRF token, or empty. The
	// token is useless without the cookie to which it is bound, which scripts cannot read (R194).
	readable string
	// crossSite is set if the application's pages are on another site.
	crossSite bool
}

const hostPrefix = "__Host-"

func (j jar) name(n string) string {
	if j.secure && n != "" && !strings.HasPrefix(n, hostPrefix) {
		return hostPrefix + n
	}
	return n
}

func (j jar) device() string  { return j.name(j.deviceName) }
func (j jar) refresh() string { return j.name(j.refreshName) }

// rememberMe is the cookie of a browser that stays signed in. Like the trusted-device cookie, it is
// not sent with requests from other sites.
func (j jar) rememberMe() string { return j.name("remember_token") }

func (j jar) session() string { return j.name("twofold") }
func (j jar) pending() string { return j.name("twofold-pending") }
func (j jar) csrf() string    { return j.name("twofold-csrf") }
func (j jar) oauth() string   { return j.name("twofold-oauth") }
func (j jar) signUp() string  { return j.name("twofold-signup") }
func (j jar) notes() string   { return j.name("twofold-notes") }
func (j jar) refusal() string { return j.name("twofold-refused") }
func (j jar) inbox() string   { return j.name("twofold-inbox") }
func (j jar) asked() string   { return j.name("twofold-asked") }
func (j jar) known() string   { return j.name("twofold-known") }

// gate is the cookie of a host behind the gate. gateNonce is the cookie that binds the redirects to
// the browser.
func (j jar) gate() string      { return j.name("twofold-gate") }
func (j jar) gateNonce() string { return j.name("twofold-gate-nonce") }

// lang is the cookie with the language chosen on the account page.
func (j jar) lang() string { return j.name("twofold-lang") }

// languages returns the languages that a request asks for, in order of preference. "lang" is a
// cookie of the application.
func (j jar) languages(r *http.Request) []string {
	return []string{j.get(r, j.lang()), j.get(r, "lang"), r.Header.Get("Accept-Language")}
}

// maxCookie is the maximum length of the value of a cookie.
const maxCookie = 2048

// get returns the value of a cookie. If there are two cookies of one name with different values, it
// returns an empty string, because it is unknown which is ours. The same value twice is accepted,
// because adapters of other HTTP servers repeat the Cookie header.
func (j jar) get(r *http.Request, name string) string {
	cookies := r.CookiesNamed(name)
	if len(cookies) == 0 || len(cookies[0].Value) > maxCookie {
		return ""
	}
	for _, c := range cookies[1:] {
		if c.Value != cookies[0].Value {
			return ""
		}
	}
	return cookies[0].Value
}

// set sets a cookie for the browser's session (life zero) or for a while.
func (j jar) set(w http.ResponseWriter, name, value string, life time.Duration) {
	c := j.cookie(name, value)
	if life > 0 {
		c.MaxAge = int(life / time.Second)
	}
	http.SetCookie(w, c)
}

// clear removes a cookie that the browser has.
func (j jar) clear(w http.ResponseWriter, r *http.Request, name string) {
	if len(r.CookiesNamed(name)) == 0 {
		return
	}
	c := j.cookie(name, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// cookie has the attributes of all cookies of its name, set or cleared.
func (j jar) cookie(name, value string) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: j.secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode}
	switch name {
	case j.device(), j.refresh(), j.rememberMe(), j.deviceName:
		c.SameSite = http.SameSiteStrictMode
	case j.readable:
		c.SameSite, c.HttpOnly = http.SameSiteStrictMode, false
	case j.session(), j.pending(), j.asked(), j.oauth(), j.signUp(), j.known():
		// Only checkOrigin protects cookies that are sent with requests from other sites, so as few
		// cookies as possible are.
		if j.crossSite {
			c.SameSite = http.SameSiteNoneMode
		}
	}
	return c
}

// outcome sets the cookies of an outcome.
func (j jar) outcome(w http.ResponseWriter, r *http.Request, o *auth.Outcome) {
	if o == nil {
		return
	}
	if o.Session != nil {
		if o.Session.Token != "" {
			j.set(w, j.session(), o.Session.Token, 0)
		}
		j.clear(w, r, j.pending())
		if o.Session.Refresh != "" && j.refresh() != "" {
			j.set(w, j.refresh(), o.Session.Refresh, 0)
		}
	}
	if o.Pending != nil && o.Pending.Token != "" {
		j.set(w, j.pending(), o.Pending.Token, 0)
	}
	if o.DeviceCookie != "" {
		j.set(w, j.device(), o.DeviceCookie, o.DeviceLife)
		if j.device() != j.deviceName {
			j.clear(w, r, j.deviceName)
		}
	}
	if o.KnownCookie != "" {
		j.set(w, j.known(), o.KnownCookie, auth.KnownLife)
	}
	switch {
	case o.RememberMeCookie != "":
		j.set(w, j.rememberMe(), o.RememberMeCookie, o.RememberMeLife)
	case o.Forget:
		j.clear(w, r, j.rememberMe())
	}
}

// trusted returns the trusted-device cookie. Over https it also reads the name without prefix, for
// browsers that were trusted with it. A cookie set there by a sibling host is useless: it only
// skips the second factor of its own account and starts no session.
func (j jar) trusted(r *http.Request) string {
	if value := j.get(r, j.device()); value != "" {
		return value
	}
	return j.get(r, j.deviceName)
}
