package security_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const appOrigin = "http://127.0.0.1:8081"

// app is a single-page application on another port of this host: the same site, but another origin.
func app(c *twofold.Config) {
	c.Pages.SPA = twofold.SPA{Origin: appOrigin, TellInQuery: true, CSRFCookie: "XSRF-TOKEN"}
	v := &c.Pages.Views.Life
	v.PostConfirm, v.ConfirmError, v.LoginError = "/confirmed", "/confirm-error", "/login-error"
	c.Accounts.Confirmable, c.Accounts.Recoverable, c.Passwordless = true, true, &twofold.Passwordless{}
}

func allows(a *answer) (origin string, anything bool) {
	for name := range a.Header {
		anything = anything || strings.HasPrefix(name, "Access-Control-")
	}
	return a.Header.Get("Access-Control-Allow-Origin"), anything
}

// TestR192_OneOriginReadsAndActs checks that only the configured origin can read answers and change
// something with cookies. The answers to other origins do not name it.
func TestR192_OneOriginReadsAndActs(t *testing.T) {
	w := newWorld(t, open, app)
	a := w.person("alice")
	ask := func(b *browser, method, path, origin string, lines ...string) *answer {
		return b.Do(method, path, testkit.TypeJSON, `{"email":"`+a.Email+`","password":"`+secret+`"}`,
			append([]string{"Accept", testkit.TypeJSON, "Origin", origin, "Sec-Fetch-Site", "same-site"}, lines...)...)
	}
	b := w.browser()
	pre := ask(b, "OPTIONS", "/login", appOrigin, "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "content-type,x-xsrf-token").Want(204)
	if origin, _ := allows(pre); origin != appOrigin || pre.Header.Get("Access-Control-Allow-Credentials") != "true" ||
		pre.Body != "" {
		t.Errorf("the application may not ask: %v", pre.Header)
	}
	r := ask(b, "POST", "/login", appOrigin).Want(200)
	if origin, _ := allows(r); origin != appOrigin ||
		!strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Origin") {
		t.Errorf("the application may not read: %v", r.Header)
	}
	if origin, _ := allows(b.Do("GET", "/app/strong", "", "", "Accept", testkit.TypeJSON, "Origin",
		appOrigin).Want(403)); origin != appOrigin {
		t.Error("the application may not read why a guard refuses")
	}
	b.in(a, 1)
	for _, origin := range []string{
		"null", "http://127.0.0.1:8082", "http://127.0.0.1", "https://127.0.0.1:8081",
		"http://127.0.0.1:8081.evil.test", "http://evil.test",
		"http://127.0.0.1:80810", "http://localhost:8081", appOrigin + "/", strings.ToUpper(appOrigin), "*",
		appOrigin + ", http://evil.test",
	} {
		victim := b.copy()
		for _, method := range []string{"OPTIONS", "GET", "POST"} {
			for _, path := range []string{"/login", "/verify", "/logout", "/tf-setup"} {
				r := ask(victim, method, path, origin, "Access-Control-Request-Method", "POST")
				if _, anything := allows(r); anything {
					t.Errorf("%s %s from %q: %v", method, path, origin, r.Header)
				}
				if method == "POST" && r.Status < 400 {
					t.Errorf("POST %s from %q: status %d", path, origin, r.Status)
				}
			}
		}
		victim.in(a, 1)
	}
	other := newWorldlyStranger(w)
	if _, anything := allows(ask(other, "OPTIONS", "/login", appOrigin, "Access-Control-Request-Method",
		"POST")); anything {
		t.Error("a site without an application shares with one")
	}
}

// newWorldlyStranger returns a browser in front of a node without an application.
func newWorldlyStranger(w *world) *browser {
	return w.browser().on(w.Start(nil, func(c *twofold.Config) { c.Pages.SPA = twofold.SPA{} }))
}

// TestR192_CookiesGoToOtherSitesOnlyIfTheApplicationIsThere checks the SameSite attribute of
// cookies. An application on a sibling origin needs no change. An application on another site gets
// the cookies that it needs, over https only. The cookies of trusted browsers and of "remember me"
// stay strict.
func TestR192_CookiesGoToOtherSitesOnlyIfTheApplicationIsThere(t *testing.T) {
	for origin, none := range map[string]bool{
		"https://app.good.test": false, "https://good.test:8443": false, "https://app.other.test": true,
		"https://good.test.evil.test": true,
	} {
		t.Run(origin, func(t *testing.T) {
			w := newWorld(t, open, app, func(c *twofold.Config) {
				c.Origin, c.Pages.SPA.Origin = "https://login.good.test", origin
				c.TwoFactor.Required, c.Sessions.Remember = true, c.TwoFactor.LoginValidity
				// it speaks for that host
				c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			})
			a, b := w.person("alice"), w.browser()
			b.ask(a.Email, "email").Want(200)
			b.login(a, m{"remember": true}).Want(200)
			a.App = testkit.ReadApp(w.T, b.Post("/tf-setup",
				m{"setup": "authenticator"}).Want(200).Text("tf_authr_b32key"))
			b.validate(a.Code(0)).Want(200)
			for name, lines := range w.cookies {
				want := "SameSite=Lax"
				switch name {
				case "__Host-tf_validity", "__Host-remember_token", "XSRF-TOKEN":
					want = "SameSite=Strict"
				case "__Host-twofold", "__Host-twofold-pending", "__Host-twofold-asked", "__Host-twofold-known":
					if none {
						want = "SameSite=None"
					}
				}
				for _, line := range lines {
					if !strings.Contains(line, want) || !strings.Contains(line, "Secure") {
						t.Errorf("%s, want %s", line, want)
					}
				}
			}
			for _, name := range []string{"tf_validity", "twofold-asked", "twofold", "twofold-known"} {
				if len(w.cookies["__Host-"+name]) == 0 {
					t.Errorf("no cookie %s: %v", name, w.cookies)
				}
			}
			// The origin of the request decides whether the cookies are accepted.
			for _, site := range []string{"cross-site", "same-site"} {
				b.Do("POST", "/logout", "", "", "Origin", "https://evil.test", "Sec-Fetch-Site", site).Want(403)
			}
		})
	}
}

// TestR137_AnApplicationThatCannotWorkIsRefused checks that the error names the field.
func TestR137_AnApplicationThatCannotWorkIsRefused(t *testing.T) {
	for field, spas := range map[string][]twofold.SPA{
		"SPA.Origin": {{Origin: "https://app.test/path"}, {Origin: "app.test"}, {Origin: "http://app.test"},
			{Origin: "*"}, {Origin: "null"},
			{Origin: "http://localhost:8081"}, {Origin: "https://u:p@app.test"}},
		"SPA.CSRFCookie": {{CSRFCookie: "twofold"}, {CSRFCookie: "__Host-twofold"},
			{CSRFCookie: "__host-Twofold-pending"}, {CSRFCookie: "tf_validity"},
			{CSRFCookie: "remember_token"}, {CSRFCookie: "fs_refresh"}, {CSRFCookie: "__Host-tf_validity"},
			{CSRFCookie: "__HOST-remember_token"}, {CSRFCookie: "a b"}, {CSRFCookie: "a;b"}, {CSRFCookie: "a=b"}},
		"SPA.CSRFHeader": {{CSRFHeader: "a b"}, {CSRFHeader: "a\nb"}, {CSRFHeader: "a,b"}},
	} {
		for _, spa := range spas {
			_, err := twofold.New(twofold.Config{
				Origin: "http://127.0.0.1:8080", Key: twofold.KeyText(firstKey), Store: storage.Store(nil),
				Pages:  twofold.Pages{SPA: spa},
				Tokens: twofold.Tokens{Refresh: true},
			})
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%+v: %v", spa, err)
			}
		}
	}
}

// TestR193_MailedLinksLeadToTheConfiguredHostOnly checks that the host of a request does not change
// mailed links, that a refusal names no user, and that opening a link has no effect in a browser
// that did not ask for it.
func TestR193_MailedLinksLeadToTheConfiguredHostOnly(t *testing.T) {
	w := newWorld(t, open, app)
	a := w.person("alice").begins(storage.Email)
	b := w.browser()
	b.ask(a.Email, "email").Want(200)
	link := a.linked()
	for what, r := range map[string]*answer{
		"next": w.browser().Page("/us-verify-link/bogus?next=https://evil.test"),
		"host": w.browser().Do("GET", "/confirm/bogus", "", "", "X-Forwarded-Host", "evil.test", "Forwarded",
			"host=evil.test"),
		"origin":        w.browser().Do("GET", "/confirm/bogus", "", "", "Origin", "https://evil.test"),
		"somebody's":    w.browser().Page(link[:len(link)-1]),
		"redirect_host": w.browser().Page("/confirm/bogus?redirect_host=evil.test&error=x&email=x@good.test"),
	} {
		to, err := url.Parse(r.Want(303).Header.Get("Location"))
		w.Must(err)
		q := to.Query()
		if to.Scheme+"://"+to.Host != appOrigin || q.Has("email") || q.Has("identity") || len(q["error"]) != 1 ||
			strings.Contains(to.String(), "alice") {
			t.Errorf("%s: leads to %s", what, to)
		}
	}
	before := w.rows("sessions", "users", "pendings")
	scanner := w.browser()
	for _, mode := range [][]string{{}, {"Sec-Fetch-Mode", "navigate"}, {"User-Agent", "GoogleImageProxy"}} {
		scanner.Do("GET", link, "", "", mode...).Want(200)
	}
	tab := b.copy()
	for _, mode := range [][]string{{"Sec-Purpose", "prefetch"},
		{"Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"},
		{"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"}} {
		tab.Do("GET", link, "", "", mode...).Want(200)
	}
	tab.Do("HEAD", link, "", "").Want(200)
	if w.rows("sessions", "users", "pendings") != before {
		t.Error("opening the link did something")
	}
	scanner.out("a link that was opened")
	to, err := url.Parse(b.Do("GET", link, "", "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document",
		"Sec-Fetch-Site", "cross-site").Want(303).Header.Get("Location"))
	w.Must(err)
	if to.Scheme+"://"+to.Host != appOrigin || to.Query().Get("email") != a.Email {
		t.Errorf("leads to %s", to)
	}
	b.in(a, 1)
	b.copy().Page(link)
	w.browser().Page(link)
}

// TestR194_TheReadableCookieOpensNothing checks that the cookie is a CSRF token, which is useful only together
// with the cookie that scripts cannot read.
func TestR194_TheReadableCookieOpensNothing(t *testing.T) {
	w := newWorld(t, open, app)
	a := w.person("alice")
	b := w.browser()
	b.login(a).Want(200)
	value := b.Jar["XSRF-TOKEN"]
	if value == "" {
		t.Fatal("there is no such cookie")
	}
	w.presentEverywhere("XSRF-TOKEN", value)
	thief := w.browser()
	thief.Bare = true
	thief.Jar["XSRF-TOKEN"] = value
	thief.out("the readable cookie")
	r := thief.Do("POST", "/login", testkit.TypeForm, url.Values{"email": {a.Email}, "password": {secret}}.Encode(),
		"X-XSRF-Token", value, "Accept", testkit.TypeJSON)
	r.Want(400).Refused("the token without its cookie")
	for _, line := range w.cookies["XSRF-TOKEN"] {
		if strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Strict") ||
			strings.Contains(line, "Domain=") {
			t.Errorf("cookie %s", line)
		}
	}
	for _, line := range w.cookies["twofold-csrf"] {
		if !strings.Contains(line, "HttpOnly") {
			t.Errorf("scripts read what the token is bound to: %s", line)
		}
	}
	b.Do("POST", "/logout", testkit.TypeJSON, "{}", "Accept", testkit.TypeJSON, "X-XSRF-Token", value, "Sec-Fetch-Site",
		"cross-site", "Origin", "https://evil.test").Want(403)
	b.in(a, 1)
	b.Post("/logout", m{}).Want(200)
	if b.Jar["XSRF-TOKEN"] != "" {
		t.Error("it outlives the sign-in")
	}
}

// TestR088_TheApplicationsPagesMayAskForPasskeys checks that only pages of the configured origin
// can create and use passkeys.
func TestR088_TheApplicationsPagesMayAskForPasskeys(t *testing.T) {
	w := newWorld(t, open, app)
	a, k := w.person("alice"), w.key(phoneKey)
	b := w.plantSession(a)
	for _, origin := range []string{"http://127.0.0.1:8082", "http://evil.test", "https://127.0.0.1:8081",
		appOrigin + "/"} {
		b.register(k, "one", storage.UseFirst, softkey.Say("origin", origin)).Refused(origin)
	}
	b.register(k, "one", storage.UseFirst, softkey.Say("origin", appOrigin)).Want(200)
	w.browser().signInBy(k, softkey.Say("origin", "http://127.0.0.1:8082")).Refused("another origin")
	b = w.browser()
	b.signInBy(k, softkey.Say("origin", appOrigin)).Want(200)
	b.in(a, 2)
}

// TestR193_TheWayBackFromAnotherSiteLeadsToTheApplication checks the redirect after an OAuth
// sign-in. It names the user after a success. After a failure it gives the reason and names no
// user. If a second factor is required, it leads to the page for it.
func TestR193_TheWayBackFromAnotherSiteLeadsToTheApplication(t *testing.T) {
	w, corp, _ := sites(t, app, func(c *twofold.Config) {
		c.Pages.Views.OAuth.PostLogin, c.Pages.Views.VerifyError = "/post-oauth-login", "/verify-error"
	})
	back := func(b *browser, path string) (string, url.Values) {
		t.Helper()
		to, err := url.Parse(b.Page(path).Want(303).Header.Get("Location"))
		w.Must(err)
		if to.Scheme+"://"+to.Host != appOrigin {
			t.Errorf("leads to %s", to)
		}
		return to.Path, to.Query()
	}
	plain, full := w.person("alice"), w.withApp("full")
	plain.connected(corp, "corp")
	b := w.browser()
	if path, q := back(b, b.leave(corp, "/login/oauthstart/corp")); path != "/post-oauth-login" ||
		q.Get("email") != plain.Email {
		t.Errorf("%s %v", path, q)
	}
	b.in(plain, 1)
	if path, q := back(b, "/login/oauth-verify-response/corp?state=x&code=y"); path != "/verify-error" ||
		q.Get("error") == "" || len(q) != 1 {
		t.Errorf("%s %v", path, q)
	}
	for _, bad := range []string{"?error=access_denied", "?state=x&code=y", ""} {
		if path, q := back(w.browser(), "/login/oauthresponse/corp"+bad); path != "/login-error" ||
			q.Get("error") == "" || len(q) != 1 {
			t.Errorf("%s: %s %v", bad, path, q)
		}
	}
	corp.SignIn("somebody")
	full.connected(corp, "corp")
	b = w.browser()
	path, q := back(b, b.leave(corp, "/login/oauthstart/corp"))
	if path != "/login-error" || q.Get("tf_required") != "1" || q.Get("tf_state") != "ready" ||
		q.Get("email") != full.Email {
		t.Errorf("%s %v", path, q)
	}
	b.out("before the second factor")
	b.validate(full.Next()).Want(200)
	b.in(full, 2)
}
