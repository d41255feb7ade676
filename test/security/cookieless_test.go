package security_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func changeable(c *twofold.Config) { c.Accounts.Changeable = true }

// native is a client without cookies. It requests header tokens, drops every cookie, and sends the
// newest values of both headers back.
type native struct{ *browser }

func (w *world) native() *native {
	b := w.browser()
	b.Bare = true
	return &native{b}
}

func (p *native) post(path string, body m) *answer {
	p.w.T.Helper()
	r := p.browser.Post(path+"?include_auth_token", body)
	p.Jar = map[string]string{}
	if token, ok := r.JSON["tf_pending_token"].(string); ok {
		p.w.handedOut("tf_pending_token", token)
		p.Header["Two-Factor-Pending"] = token
	}
	if user, ok := r.JSON["user"].(m); ok {
		if token, ok := user["authentication_token"].(string); ok {
			p.Header["Authentication-Token"] = token
			delete(p.Header, "Two-Factor-Pending")
		}
	}
	return r
}

// enters sends the password.
func (p *native) enters(who *person) *answer {
	p.w.T.Helper()
	return p.post("/login", m{"email": who.Email, "password": secret}).Want(200)
}

func (p *native) signInBy(k *softkey.Key) *answer {
	p.w.T.Helper()
	r := p.post("/wan-signin", m{}).Want(200)
	options, err := json.Marshal(r.JSON["credential_options"])
	p.w.Must(err)
	return p.post("/wan-signin/"+r.Text("wan_state"), m{"credential": p.w.gets(k, options)})
}

// TestR190_AClientWithoutCookiesSignsInByEveryWay checks that the client can prove both factors
// with only the values of the answers.
func TestR190_AClientWithoutCookiesSignsInByEveryWay(t *testing.T) {
	w := newWorld(t, open)
	app, sms, mail := w.withApp("byapp"), w.person("bysms").enrollSMS("+16505551212"), w.person("bymail").enrollMail()
	for name, way := range map[string]func(*native) *person{
		"app": func(p *native) *person {
			p.enters(app)
			p.post("/tf-validate", m{"code": app.Next()}).Want(200)
			return app
		},
		"sms": func(p *native) *person {
			p.enters(sms)
			p.post("/tf-validate", m{"code": sms.Texted()}).Want(200)
			return sms
		},
		"e-mail": func(p *native) *person {
			p.enters(mail)
			p.post("/tf-validate", m{"code": mail.Mailed()}).Want(200)
			return mail
		},
		"another code": func(p *native) *person {
			p.enters(sms)
			w.Advance(time.Minute)
			p.post("/tf-resend", m{}).Want(200)
			p.post("/tf-validate", m{"code": sms.Texted()}).Want(200)
			return sms
		},
		"recovery code": func(p *native) *person {
			who := w.withApp("paper")
			code := who.recoveryCodes()[0]
			p.enters(who)
			p.post("/mf-recovery", m{"code": code}).Want(200)
			return who
		},
		"rescue by e-mail": func(p *native) *person {
			who := w.withApp("rescued")
			p.enters(who)
			p.post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			p.post("/tf-validate", m{"code": who.Mailed()}).Want(200)
			return who
		},
		"a choice of two": func(p *native) *person {
			who := w.withApp("bytwo").enrollSMS("+16505551213")
			p.enters(who)
			p.post("/tf-select", m{"which": "sms"}).Want(200)
			p.post("/tf-validate", m{"code": who.Texted()}).Want(200)
			return who
		},
		"passkey as second factor": func(p *native) *person {
			who, k := w.withKey("second", storage.UseSecond, simpleKey)
			p.enters(who)
			p.signInBy(k).Want(200)
			return who
		},
		"passkey as both factors": func(p *native) *person {
			who, k := w.withKey("first", storage.UseFirst, phoneKey)
			p.signInBy(k).Want(200)
			return who
		},
	} {
		w.Advance(2 * time.Minute)
		p := w.native()
		who := way(p)
		if user, two := p.sees(); !strings.HasPrefix(two, who.Email+" level 2") {
			t.Errorf("%s: signed in as (%q, %q)", name, user, two)
		}
	}
}

// TestR190_AClientWithoutCookiesSetsUpEveryMethod covers enrollment at sign-in, where a second
// factor is required, and later with the header token. The client then re-authenticates.
func TestR190_AClientWithoutCookiesSetsUpEveryMethod(t *testing.T) {
	for _, required := range []bool{true, false} {
		t.Run(fmt.Sprint("required ", required), func(t *testing.T) {
			w := newWorld(t, open, func(c *twofold.Config) { c.TwoFactor.Required = required })
			for _, method := range []string{storage.Authenticator, storage.SMS, storage.Email} {
				w.Advance(2 * time.Minute)
				who, p := w.person("by"+method), w.native()
				p.enters(who)
				who.Phone = "+16505551212"
				r := p.post("/tf-setup", m{"setup": method, "phone": who.Phone}).Want(200)
				code := map[string]func() string{storage.SMS: who.Texted, storage.Email: who.Mailed,
					storage.Authenticator: func() string {
						who.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
						return who.Code(0)
					}}[method]
				end := "/tf-validate"
				if !required {
					end = "/tf-setup/" + r.Text("tf_state_token")
				}
				p.post(end, m{"code": code()}).Want(200)
				if _, two := p.sees(); two == "" {
					t.Errorf("required %v: %s is set up, and nobody is signed in with two factors", required, method)
				}
				if codes := p.post("/mf-recovery-codes", m{}).Want(200).JSON["recovery_codes"]; codes == nil {
					t.Errorf("required %v: %s: no recovery codes", required, method)
				}
			}
		})
	}
}

// TestR190_AClientWithoutCookiesUsesUnifiedSignIn covers a mailed and a texted code, an app, the
// enrollment of each, and re-authentication with a code.
func TestR190_AClientWithoutCookiesUsesUnifiedSignIn(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) { c.Passwordless.CodeValidity = 5 * time.Minute })
	for _, method := range []string{storage.Email, storage.SMS, storage.Authenticator} {
		w.Advance(2 * time.Minute)
		who, p := w.person("by"+method), w.native()
		who.Phone = "+16505551212"
		p.enters(who)
		r := p.post("/us-setup", m{"chosen_method": method, "phone": who.Phone}).Want(200)
		code := map[string]func() string{storage.SMS: who.Texted, storage.Email: who.Mailed,
			storage.Authenticator: func() string { return who.Next() }}[method]
		if method == storage.Authenticator {
			who.App = testkit.ReadApp(w.T, r.Text("authr_b32key"))
		}
		p.post("/us-setup/"+r.Text("state"), m{"passcode": code()}).Want(200)
		w.Advance(2 * time.Minute)

		p = w.native()
		if method != storage.Authenticator {
			p.post("/us-signin/send-code", m{"identity": who.Email, "chosen_method": method}).Want(200)
			w.settled()
			thief := w.native() // the code alone, as it stands on a screen
			thief.post("/us-signin",
				m{"identity": who.Email, "passcode": code()}).Want(400).Refused("a code in another client")
		}
		p.post("/us-signin", m{"identity": who.Email, "passcode": code()}).Want(200)
		p.in(who, 1)

		w.Advance(2 * time.Minute)
		if method != storage.Authenticator {
			p.post("/us-verify/send-code", m{"chosen_method": method}).Want(200)
			w.settled()
		}
		p.post("/us-verify", m{"passcode": code()}).Want(200)
	}
}

// TestR190_AMailedLinkKnowsItsClient checks that the client that asked for the link can follow it
// without a confirmation. Another client must confirm.
func TestR190_AMailedLinkKnowsItsClient(t *testing.T) {
	w := newWorld(t, unified)
	a, p := w.person("alice").begins(storage.Email), w.native()
	p.post("/us-signin/send-code", m{"identity": a.Email, "chosen_method": "email"}).Want(200)
	w.settled()
	link := a.linked()
	w.native().post(link, m{}).Want(400).Refused("the link in another client")
	p.post(link, m{}).Want(200)
	p.in(a, 1)
}

// TestR190_ThePendingTokenGoesOnlyToClientsThatAskForIt checks that a page that uses cookies never receives the
// value, neither in a success nor in an error.
func TestR190_ThePendingTokenGoesOnlyToClientsThatAskForIt(t *testing.T) {
	w := newWorld(t, open, unified)
	a, k := w.withKey("alice", storage.UseFirst, simpleKey)
	a.begins(storage.Email).enrollApp().enrollSMS("+16505551212")
	b := w.browser()
	steps := []*answer{
		b.Post("/us-signin/send-code", m{"identity": a.Email, "chosen_method": "email"}).Want(200),
		b.Post("/wan-signin", m{}).Want(200),
		b.login(a).Want(200), b.Post("/tf-select", m{"which": "sms"}).Want(200), b.Get("/tf-validate").Want(200),
		b.Post("/tf-resend", m{}),
		b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200), b.validate(a.Wrong()).Want(400),
		b.validate(a.Mailed()).Want(200),
		b.Post("/verify", m{"password": secret}).Want(200), b.verifyBy(k),
	}
	for _, r := range steps {
		if strings.Contains(r.Body, "tf_pending_token") {
			t.Errorf("%s hands out what the cookie hides: %.200s", r.What, r.Body)
		}
	}
	if b.Jar["twofold-asked"] == "" {
		t.Error("no cookie was set: this test needs one")
	}
}

// TestR190_TheValueOpensNoMoreThanTheCookie checks that the value opens no page or session, is not
// accepted elsewhere in a request, and expires with the cookie.
func TestR190_TheValueOpensNoMoreThanTheCookie(t *testing.T) {
	w := newWorld(t, open, changeable)
	a := w.withApp("alice")
	p := w.native()
	token := p.enters(a).Text("tf_pending_token")
	p.out("the first factor")
	w.presentEverywhere("tf_pending_token", token)
	for what, step := range map[string]func(*native) *answer{
		"set-up":         func(p *native) *answer { return p.post("/tf-setup", m{"setup": "email"}) },
		"recovery codes": func(p *native) *answer { return p.post("/mf-recovery-codes", m{}) },
		"a new password": func(p *native) *answer { return p.post("/change", m{"password": secret}) },
		"a proof again":  func(p *native) *answer { return p.post("/verify", m{"password": secret}) },
		"no code":        func(p *native) *answer { return p.post("/tf-validate", m{"code": a.Wrong()}) },
	} {
		thief := w.native()
		thief.Header["Two-Factor-Pending"] = token
		if r := step(thief).Refused(what); r.Status < 400 {
			t.Errorf("%s: status %d", what, r.Status)
		}
		thief.out(what)
	}
	thief := w.native()
	thief.Header["Two-Factor-Pending"] = token
	p.post("/tf-validate", m{"code": a.Next()}).Want(200)
	p.in(a, 2)
	thief.post("/tf-validate", m{"code": a.Next()}).Want(400).Refused("used")

	p = w.native()
	thief.Header["Two-Factor-Pending"] = p.enters(a).Text("tf_pending_token")
	p.post("/logout", m{}).Want(200)
	thief.post("/tf-validate", m{"code": a.Next()}).Want(400).Refused("signed out")
	thief.Header["Two-Factor-Pending"] = w.native().enters(a).Text("tf_pending_token")
	w.Advance(11 * time.Minute)
	thief.post("/tf-validate", m{"code": a.Next()}).Want(400).Refused("too old")
}

// TestR190_NoOtherSiteSendsTheHeader checks that a CORS preflight request for the header is denied,
// and that neither a form nor a URL can carry the value.
func TestR190_NoOtherSiteSendsTheHeader(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	token := w.native().enters(a).Text("tf_pending_token")
	r := w.browser().Do("OPTIONS", "/tf-validate", "", "", "Origin", "https://evil.test",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "two-factor-pending")
	for name := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, r.Header.Get(name))
		}
	}
	b := w.browser()
	for _, body := range []m{{"tf_pending_token": token}, {"Two-Factor-Pending": token}, {"pending": token}} {
		body["code"] = a.Next()
		b.Post("/tf-validate", body).Want(400).Refused("in the body")
	}
	b.Post("/tf-validate?tf_pending_token="+token+"&Two-Factor-Pending="+token,
		m{"code": a.Next()}).Want(400).Refused("in the address")
	b.Do("POST", "/tf-validate", testkit.TypeJSON, `{"code": "`+a.Next()+`"}`, "Two-Factor-Pending", token, "Sec-Fetch-Site",
		"cross-site", "Origin", "https://evil.test").
		Want(403).Refused("from another site")
}

// TestR190_AHeaderThatIsOddIsNone sends the header twice, empty, and too long.
func TestR190_AHeaderThatIsOddIsNone(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	token := w.native().enters(a).Text("tf_pending_token")
	for what, values := range map[string][]string{"twice": {token, token}, "empty": {""},
		"too long": {strings.Repeat("a", 4000)}} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.Nodes[0].Origin+"/tf-validate",
			strings.NewReader(`{"code": "`+a.Next()+`"}`))
		w.Must(err)
		maps.Copy(r.Header, http.Header{"Content-Type": {testkit.TypeJSON}, "Two-Factor-Pending": values})
		resp, err := w.Client.Do(r)
		w.Must(err)
		w.read(what, resp).Want(400).Refused(what)
	}
}

// TestR191_ACallerWithAHeaderTokenIsAnsweredAsAProgram checks that guards and all paths that
// require a user answer in JSON with a status, whatever the caller accepts. A redirect would lead
// the program to a page with status 200. The same holds for a bearer token, unless the caller
// prefers a page.
func TestR191_ACallerWithAHeaderTokenIsAnsweredAsAProgram(t *testing.T) {
	w := newWorld(t, open, changeable)
	a := w.person("alice")
	plain := w.native()
	plain.enters(a)
	for name, caller := range map[string]struct {
		header, value string
		two           int // status behind RequireTwoFactor
	}{
		"a wrong token":         {"Authentication-Token", "nonsense", 401},
		"a wrong bearer":        {"Authorization", "Bearer nonsense", 401},
		"a pending sign-in":     {"Two-Factor-Pending", "nonsense", 401},
		"a token of one factor": {"Authentication-Token", plain.Header["Authentication-Token"], 403},
	} {
		for _, accept := range []string{"", "*/*", "text/html"} {
			if caller.header == "Authorization" && accept == "text/html" {
				continue // a browser behind a proxy that adds a token of its own
			}
			b := w.browser()
			b.Bare = true
			b.Header[caller.header] = caller.value
			for path, want := range map[string]int{"/app/two": caller.two, "/app/strong": caller.two} {
				r := b.Do("GET", path, "", "", "Accept", accept).Want(want)
				if r.Header.Get("Content-Type") != "application/json" || r.JSON["errors"] == nil {
					t.Errorf("%s, Accept %q: %s: %s: %.100s", name, accept, path, r.Header.Get("Content-Type"), r.Body)
				}
			}
			if caller.two == 401 {
				for _, path := range []string{"/app/user", "/tf-sessions", "/change", "/verify", "/me"} {
					if r := b.Do("GET", path, "", "", "Accept", accept); r.Status != 401 && r.Status != 404 ||
						r.Header.Get("Location") != "" {
						t.Errorf("%s, Accept %q: %s: status %d to %q", name, accept, path, r.Status,
							r.Header.Get("Location"))
					}
				}
			}
		}
	}
}

// TestR190_AClientWithoutCookiesProvesItsAddress covers a site that verifies the address before
// enrollment.
func TestR190_AClientWithoutCookiesProvesItsAddress(t *testing.T) {
	w := newWorld(t, open)
	who, p := w.of(testkit.Person{Name: "newcomer", Email: "newcomer@good.test"}), w.native()
	p.post("/register", m{"email": who.Email, "username": who.Name, "password": secret,
		"password_confirm": secret}).Want(200)
	r := p.post("/tf-setup", m{"setup": "authenticator"}).Want(400)
	if r.JSON["email_proof_required"] != true || r.Text("tf_pending_token") == "" {
		t.Fatalf("answered %v", r.JSON)
	}
	p.post("/tf-validate", m{"code": who.Mailed()}).Want(200)
	r = p.post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	who.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	p.post("/tf-setup/"+r.Text("tf_state_token"), m{"code": who.Code(0)}).Want(200)
	p.in(who, 2)
}
