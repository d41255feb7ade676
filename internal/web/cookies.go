package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
)

// jar knows names and attributes of all our cookies: nothing else sets one.
// Over https every name carries the __Host- prefix, the names of the wire
// contract too. A browser takes such a cookie from exactly this host, so a page
// of a sibling host cannot put its own in the place of ours: a session of the
// attacker's account in which the user then saves what is theirs.
type jar struct {
	secure     bool
	deviceName string // of the trusted-device cookie
	// refreshName is that of the cookie of refresh tokens; empty: they are in the
	// answer.
	refreshName string
	// readable is the name of the cookie that scripts read the CSRF token from;
	// empty: there is none. It opens nothing: it is worth something only alongside the
	// cookie that it is bound to, which scripts cannot read (R194).
	readable string
	// crossSite: the application's pages are on another site.
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

// staying is the cookie of a browser that stays signed in. Like the trusted
// device's, no request that another site begins carries it.
func (j jar) staying() string { return j.name("remember_token") }

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

// gate is the cookie of a host behind the gate, gateNonce what binds a browser's way
// there to it.
func (j jar) gate() string      { return j.name("twofold-gate") }
func (j jar) gateNonce() string { return j.name("twofold-gate-nonce") }

// lang is the language that was chosen on the account page.
func (j jar) lang() string { return j.name("twofold-lang") }

// languages are those that a request asks for, the most wanted first. "lang" is a
// cookie of the application.
func (j jar) languages(r *http.Request) []string {
	return []string{j.get(r, j.lang()), j.get(r, "lang"), r.Header.Get("Accept-Language")}
}

// maxCookie bounds the value of a cookie that is looked at.
const maxCookie = 2048

// get reads a cookie. Two of one name with different values count as none,
// because it is not known which one is ours. The same value twice is one cookie:
// adaptors of other HTTP servers repeat the Cookie header.
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

// clear ends a cookie the browser has.
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
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	switch name {
	case j.device(), j.refresh(), j.staying(), j.deviceName:
		c.SameSite = http.SameSiteStrictMode
	case j.readable:
		c.SameSite, c.HttpOnly = http.SameSiteStrictMode, false
	case j.session(), j.pending(), j.asked(), j.oauth(), j.signUp(), j.known():
		// What is sent along for other sites is held by checkOrigin alone, so only
		// what cannot do without it is sent.
		if j.crossSite {
			c.SameSite = http.SameSiteNoneMode
		}
	}
	return c
}

// outcome hands the browser what a step led to.
func (j jar) outcome(w http.ResponseWriter, r *http.Request, o *login.Outcome) {
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
		j.set(w, j.known(), o.KnownCookie, login.KnownLife)
	}
	switch {
	case o.StayCookie != "":
		j.set(w, j.staying(), o.StayCookie, o.StayLife)
	case o.Forget:
		j.clear(w, r, j.staying())
	}
}

// trusted reads the trusted-device cookie. Over https the name without prefix is
// read too, for browsers that were trusted under it. A cookie that a sibling host
// planted there is of no use to anyone: it skips the second factor of its own
// account only, and begins no session.
func (j jar) trusted(r *http.Request) string {
	if value := j.get(r, j.device()); value != "" {
		return value
	}
	return j.get(r, j.deviceName)
}
