package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// sessions lists attacks with sessions that outlive what should end them, or that the attacker
// chose.
func sessions() []Attack {
	const g, c = "Sessions", "Tokens and cookies"
	return []Attack{
		{"session-after-logout", g, "uses a stolen session cookie after its owner signed out", sessionAfterLogout},
		{
			"session-after-password-change", g,
			"uses a session of another browser after its owner changed the password",
			sessionAfterPasswordChange,
		},
		{"session-after-reset", g, "uses a session after its owner set a new password by mail", sessionAfterReset},
		{
			"session-after-logout-all", g,
			"uses a session after its owner signed out on all devices",
			sessionAfterLogoutAll,
		},
		{"fixation", g, "plants own cookies in the victim's browser before it signs in", fixation},
		{"fixation-at-code", g, "uses the cookies from before the code after the owner gave the code", fixationAtCode},
		{
			"token-after-password-change", c,
			"uses a token after its owner changed the password",
			tokenAfterPasswordChange,
		},
		{"token-after-logout-all", c, "uses a token after its owner signed out on all devices", tokenAfterLogoutAll},
		{"cookie-script", c, "reads the session cookie by a script on the page (HttpOnly)", cookieScript},
		{"cookie-cross-site", c, "has the session cookie sent with a form of another site (SameSite)", cookieCrossSite},
		{"cookie-plain", c, "reads the session cookie on a connection without TLS (Secure)", cookiePlain},
		{"cookie-sibling", c, "sets the session cookie from a sibling host (__Host-)", cookieSibling},
	}
}

// tokenOf returns a signed-in person without a second factor, and a token.
func (t *Try) tokenOf() (*Person, *door.Browser, string) {
	t.needs(door.TakeToken, door.WhoToken)
	p := t.person()
	b := t.browser()
	b.Vars["token"] = "1"
	t.signInAt(b, p, door.In{})
	token := t.must(b, door.TakeToken, door.In{Password: p.Password}).Token
	who := t.must(t.browser(), door.WhoToken, door.In{Token: token})
	t.honest(who.Email == p.Email, "the token opens nothing")
	return p, b, token
}

// carriers returns the cookies without which a signed-in browser is refused.
func (t *Try) carriers() []*http.Cookie {
	p := t.person()
	b := t.signIn(p)
	var carry []*http.Cookie
	for _, c := range b.Cookies() {
		without := b.Clone()
		without.Drop(c.Name)
		if t.inside(without) == "" {
			carry = append(carry, c)
		}
	}
	t.honest(len(carry) > 0, "no cookie carries the session")
	return carry
}

func (t *Try) cookies(bad func(*http.Cookie) bool, what string) {
	var names []string
	for _, c := range t.carriers() {
		if bad(c) {
			names = append(names, c.Name)
		}
	}
	t.worksIf(len(names) > 0, "%s %s", strings.Join(names, ", "), what)
}

// tossCookies looks for cookie names that a sibling host, or plain http, cannot set.
func (t *Try) tossCookies() {
	for _, c := range t.carriers() {
		if strings.HasPrefix(c.Name, "__Host-") {
			t.refused("%s", c.Name)
		}
	}
	t.finish(Works, "no session cookie has the prefix __Host-")
}

// redirects lists attacks that lead to the attacker's site after a sign-in.
func redirects() []Attack {
	const g = "Redirects"
	var list []Attack
	for _, row := range []struct{ name, what, next string }{
		{"absolute", "an address of another site", "https://evil.example/"},
		{"slashes", "an address without scheme (//)", "//evil.example/"},
		{"backslash", "backslashes (/\\)", `/\evil.example/`},
		{"userinfo", "the site's own host as user name", "https://SITE@evil.example/"},
		{"suffix", "a host that begins like the site's", "https://HOST.evil.example/"},
		{"scheme", "a scheme that runs scripts", "javascript:alert(1)"},
		{"control", "a tab that browsers leave out", "/\t/evil.example/"},
	} {
		list = append(list, Attack{"redirect-" + row.name, g,
			"sends a link to sign in whose next page is " + row.what, func(t *Try) {
				t.redirect(row.next)
			}})
	}
	return list
}

// redirect signs in with a next page, with and without a second factor.
func (t *Try) redirect(next string) {
	at, err := url.Parse(t.Site.Origin)
	t.honest(err == nil, "%v", err)
	next = strings.NewReplacer("SITE", at.Host, "HOST", at.Hostname()).Replace(next)
	t.needs(door.LoginNext)
	p := t.person()
	good := t.must(t.browser(), door.LoginNext, door.In{Email: p.Email, Password: p.Password, Next: "/doorcheck-next"})
	if !strings.Contains(good.Location, "/doorcheck-next") {
		t.finish(NotOffered, "a next page is not followed: %q", good.Location)
	}
	out, _ := t.attempt(t.browser(), door.LoginNext, door.In{Email: p.Email, Password: p.Password, Next: next})
	t.worksIf(leaves(at, out.Location), "leads to %q", out.Location)
	p = t.protected()
	b := t.browser()
	t.attempt(b, door.LoginNext, door.In{Email: p.Email, Password: p.Password, Next: next})
	out, _ = t.attempt(b, door.Code, door.In{Code: p.App.Next(), Next: next})
	t.worksIf(leaves(at, out.Location), "leads to %q after the code", out.Location)
}

// leaves reports whether a Location leads a browser to another site. Browsers treat backslashes as
// slashes and drop tabs and line breaks.
func leaves(site *url.URL, location string) bool {
	location = strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimSpace(location))
	u, err := site.Parse(location)
	if err != nil {
		return true // no honest site sends that
	}
	return u.Scheme != site.Scheme || u.Host != site.Host
}

// sessionAfterLogout uses a stolen session cookie after its owner signed out.
func sessionAfterLogout(t *Try) {
	p := t.protected()
	b := t.signIn(p)
	thief := t.steal(b)
	t.honest(t.inside(thief) == p.Email, "the copy is not let in")
	t.must(b, door.Logout, door.In{})
	t.honest(t.inside(b) == "", "signing out does nothing")
	t.worksIf(t.inside(thief) == p.Email, "the session goes on at the server")
}

// sessionAfterPasswordChange uses a session of another browser after its owner changed the
// password.
func sessionAfterPasswordChange(t *Try) {
	t.needs(door.ChangePassword)
	p := t.person()
	thief, b := t.signIn(p), t.signIn(p)
	fresh := &Person{Email: p.Email, Password: t.stranger().Password}
	t.must(b, door.ChangePassword, door.In{Password: p.Password, New: fresh.Password})
	t.signIn(fresh)
	t.worksIf(t.inside(thief) == p.Email, "the session goes on")
}

// sessionAfterReset uses a session after its owner reset the password by mail.
func sessionAfterReset(t *Try) {
	p := t.person()
	thief := t.signIn(p)
	fresh := &Person{Email: p.Email, Password: t.stranger().Password}
	t.must(t.browser(), door.Reset, door.In{Link: t.askReset(p), Password: fresh.Password})
	t.signIn(fresh)
	t.worksIf(t.inside(thief) == p.Email, "the session goes on")
}

// sessionAfterLogoutAll uses a session after its owner signed out on all devices.
func sessionAfterLogoutAll(t *Try) {
	t.needs(door.LogoutAll)
	p := t.person()
	thief, b := t.signIn(p), t.signIn(p)
	t.must(b, door.LogoutAll, door.In{})
	t.worksIf(t.inside(thief) == p.Email, "the session goes on")
}

// fixation sets cookies in the victim's browser before it signs in.
func fixation(t *Try) {
	p := t.protected()
	planted := t.browser()
	t.visit(planted)
	victim := t.steal(planted)
	t.signInAt(victim, p, door.In{})
	t.worksIf(t.inside(planted) == p.Email, "the cookies from before the sign-in are signed in")
}

// fixationAtCode uses the cookies from before the second step after the owner entered the code.
func fixationAtCode(t *Try) {
	p := t.protected()
	owner := t.first(p)
	thief := t.steal(owner)
	t.must(owner, door.Code, door.In{Code: p.App.Next()})
	t.honest(t.inside(owner) == p.Email, "the owner is not let in")
	t.worksIf(t.inside(thief) == p.Email, "the cookies of the pending sign-in are signed in")
}

// tokenAfterPasswordChange uses a token after its owner changed the password.
func tokenAfterPasswordChange(t *Try) {
	t.needs(door.ChangePassword)
	p, b, token := t.tokenOf()
	t.must(b, door.ChangePassword, door.In{Password: p.Password, New: t.stranger().Password})
	who, _ := t.attempt(t.browser(), door.WhoToken, door.In{Token: token})
	t.worksIf(who.Email == p.Email, "the token goes on")
}

// tokenAfterLogoutAll uses a token after its owner signed out on all devices.
func tokenAfterLogoutAll(t *Try) {
	t.needs(door.LogoutAll)
	p, b, token := t.tokenOf()
	t.must(b, door.LogoutAll, door.In{})
	who, _ := t.attempt(t.browser(), door.WhoToken, door.In{Token: token})
	t.worksIf(who.Email == p.Email, "the token goes on")
}

// cookieScript reads the session cookie with a script on the page (HttpOnly).
func cookieScript(t *Try) {
	t.cookies(func(c *http.Cookie) bool { return !c.HttpOnly && !slices.Contains(t.Site.Readable, c.Name) },
		"is not HttpOnly")
}

// cookieCrossSite sends the session cookie with a form of another site (SameSite).
func cookieCrossSite(t *Try) {
	t.cookies(func(c *http.Cookie) bool {
		return c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode
	}, "has no SameSite")
}

// cookiePlain reads the session cookie on a connection without TLS (Secure).
func cookiePlain(t *Try) {
	if !t.Site.Secure {
		t.finish(NotChecked, "the site is not served over https here")
	}
	t.cookies(func(c *http.Cookie) bool { return !c.Secure }, "is not Secure")
}

// cookieSibling sets the session cookie from a sibling host (__Host-).
func cookieSibling(t *Try) {
	if !t.Site.Secure {
		t.finish(NotChecked, "the site is not served over https here")
	}
	t.tossCookies()
}
