package security_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// heirs holds everything that a sign-in leaves behind and that grants access later.
type heirs struct {
	w       *world
	p       *person
	browser *browser // its session
	header  string
	refresh string
	own     string // a personal access token
	stays   *browser
}

// heirs signs p in with "remember me". A device, if there is one, replaces the second factor.
func (w *world) heirs(p *person, device *browser) *heirs {
	w.T.Helper()
	b := w.browser()
	if device != nil {
		b = device
	}
	r := b.Post("/login?include_auth_token", m{"email": p.Email, "password": secret, "remember": true}).Want(200)
	if r.JSON["tf_required"] == true {
		r = b.Post("/tf-validate?include_auth_token", m{"code": p.Next()}).Want(200)
	}
	user, _ := r.JSON["user"].(m)
	h := &heirs{w: w, p: p, browser: b.copy().only("twofold"), stays: b.copy().only(stayCookie)}
	h.header, _ = user["authentication_token"].(string)
	h.refresh, _ = user["refresh_token"].(string)
	if h.header == "" || h.refresh == "" || h.stays.Jar[stayCookie] == "" {
		w.T.Fatalf("too little was handed out: %s", r.Body)
	}
	if device == nil {
		h.own, _ = b.personal("read")
	}
	return h
}

// on returns the same heirs in front of another node.
func (h *heirs) on(n *node) *heirs {
	h.browser.on(n)
	h.stays.on(n)
	return h
}

// open returns those that still open the application.
func (h *heirs) open() (out []string) {
	h.w.T.Helper()
	opens := func(what string, b *browser) {
		for _, path := range []string{"/app/user", "/app/two", "/me", "/tf-sessions", "/access-tokens"} {
			if r := b.copy().Get(path); r.Status == 200 {
				out = append(out, what+" "+path)
			}
		}
	}
	opens("the session", h.browser)
	opens("the header token", h.w.program("Authentication-Token", h.header))
	opens("the browser that stays", h.stays.copy())
	if h.own != "" {
		prog := h.w.program("Authorization", "Bearer "+h.own)
		if r := prog.Get("/token-check?scope=read"); r.Status == 200 {
			out = append(out, "the personal token")
		}
	}
	return out
}

// TestR170_TokensMeetTheRequirementsOfASignIn checks that a session, a refresh token, a personal
// token and a remembered browser must meet the current requirements of the account, however they
// were created.
func TestR170_TokensMeetTheRequirementsOfASignIn(t *testing.T) {
	required := func(c *twofold.Config) { c.TwoFactor.Required = true }
	for name, c := range map[string]struct {
		trusted bool // the second factor was skipped; else there is none
		change  []func(*twofold.Config)
		act     func(t *testing.T, w *world, p *person)
	}{
		"a second factor is required now": {change: []func(*twofold.Config){required}},
		"required of this user now": {change: []func(*twofold.Config){func(c *twofold.Config) {
			c.TwoFactor.Require = func(u twofold.User) bool { return strings.HasPrefix(u.Email, "alice") }
		}}},
		"addresses must be confirmed now": {
			change: []func(*twofold.Config){func(c *twofold.Config) { c.Accounts.Confirmable = true }},
			act:    func(t *testing.T, w *world, p *person) { w.write(`UPDATE twofold_users SET confirmed_at = 0`) }},
		"no browser is trusted now": {trusted: true,
			change: []func(*twofold.Config){func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 }}},
		"this user's is not trusted now": {trusted: true, change: []func(*twofold.Config){func(c *twofold.Config) {
			c.TwoFactor.Trust = func(u twofold.User) bool { return len(u.Roles) == 0 }
		}}, act: func(t *testing.T, w *world, p *person) {
			w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), p.ID, "admin"))
		}},
		"the owner ended all trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			w.plantSession(p).Do("DELETE", "/tf-devices", "", "", "Accept", testkit.TypeJSON).Want(200)
		}},
		"the trust is over": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			w.write(`UPDATE twofold_devices SET expires_at = 1 WHERE stays = 0`)
			w.Advance(2 * time.Second)
			time.Sleep(1100 * time.Millisecond) // what a process may answer from memory
		}},
		"a rescue ended all trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			b := w.plantPending(p)
			b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			b.validate(p.Mailed()).Want(200)
		}},
		"the owner ended this trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			b := w.plantSession(p)
			for _, d := range b.Get("/tf-devices").Want(200).JSON["devices"].([]any) {
				if d := d.(m); d["stays"] == false {
					b.Do("DELETE", "/tf-devices/"+d["id"].(string), "", "", "Accept", testkit.TypeJSON).Want(200)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tokens, remembering, plenty)
			p, other := w.person("alice"), w.withApp("robert")
			var device *browser
			if c.trusted {
				p.enrollApp()
				device = w.trusted(p)
			}
			h, whole := w.heirs(p, device), w.heirs(other, nil)
			if got := h.open(); len(got) < 5 {
				t.Fatalf("before: only %v", got)
			}
			if c.act != nil {
				c.act(t, w, p)
			}
			if len(c.change) > 0 {
				n := w.Restart(c.change...)
				h.on(n)
				whole.on(n)
			}
			if got := h.open(); len(got) > 0 {
				t.Errorf("still open: %v", got)
			}
			r, header, _ := w.exchange(h.refresh)
			if r.Want(400).Refused("a refresh token"); header != "" {
				t.Error("exchanged")
			}
			// A user who proved both factors is not affected.
			if name != "addresses must be confirmed now" {
				whole.browser.in(other, 2)
				r, header, _ = w.exchange(whole.refresh)
				r.Want(200)
				w.program("Authentication-Token", header).in(other, 2)
			}
		})
	}
}

// TestR170_ASessionOfOneFactorReachesTheSetUp checks that a session of one factor can only enroll
// once a second factor is required. It regains full access after the enrollment.
func TestR170_ASessionOfOneFactorReachesTheSetUp(t *testing.T) {
	w := newWorld(t, tokens, plenty)
	p := w.person("alice")
	b := w.plantSession(p)
	b.in(p, 1)
	n := w.Restart(func(c *twofold.Config) { c.TwoFactor.Required = true })
	b.on(n)
	r := b.Get("/app/user").Want(403)
	if r.JSON["tf_required"] != true || r.JSON["tf_setup_url"] != "/tf-setup" {
		t.Errorf("%s", r.Body)
	}
	if to := b.Page("/app/user").Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/tf-setup") {
		t.Errorf("sent to %q", to)
	}
	for _, path := range n.Auth.Paths() {
		path = strings.ReplaceAll(path, "{token}", "AAAA")
		for _, method := range []string{"GET", "POST", "DELETE"} {
			switch path {
			case "/logout", "/tf-setup", "/tf-setup/AAAA", "/tf-validate", "/tf-select", "/tf-resend", "/verify",
				"/wan-verify", "/wan-verify/AAAA", "/wan-register",
				"/wan-register/AAAA", "/tf-static/":
				continue
			}
			if r := b.copy().Do(method, path, testkit.TypeJSON, "{}", "Accept",
				testkit.TypeJSON); r.JSON["user"] != nil || strings.Contains(r.Body, p.Email) {
				t.Errorf("%s %s: %d %s", method, path, r.Status, r.Body)
			}
		}
	}
	b.Post("/tf-sessions", m{}).Want(403)
	state := b.Post("/wan-register", m{"name": "key", "usage": "first"}).Want(200).Text("wan_state")
	if usage := w.number(`SELECT COUNT(*) FROM twofold_drafts WHERE destination = 'secondary'`); state == "" ||
		usage != 1 {
		t.Error("a passkey that opens the account alone is set up in place of a second factor")
	}
	got, ask := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, n.Origin+"/public", nil)
	ask.AddCookie(&http.Cookie{Name: "twofold", Value: b.Jar["twofold"]})
	n.Auth.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := twofold.UserOf(r); ok {
			t.Errorf("a public page takes it for %s", u.Email)
		}
	})).ServeHTTP(got, ask)
	w.Advance(20 * time.Minute)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401) // not fresh any more
	b.Post("/verify", m{"password": secret}).Want(200)
	b.out("proven again, with the same one factor")
	s := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+s.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	b.in(p, 2)

	t.Run("whose second factor the policy takes no more", func(t *testing.T) {
		w := newWorld(t, plenty)
		a, c := w.person("alice").enrollSMS("+16502530000"), w.person("carol").enrollSMS("+16502530001").enrollApp()
		old, both := w.plantSession(a), w.plantSession(c)
		if c.Factors()[0].Method != storage.SMS {
			t.Fatal("the app comes first")
		}
		n := w.Restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = true })
		old.on(n).out("proven by text alone")
		both.on(n).out("proven by text, with an app at hand")
		s := old.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		a.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
		old.Post("/tf-setup/"+s.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200)
		old.in(a, 2)
		both.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Refused("a set-up by a session that is over")
	})
}

// noDevices is a store that cannot list devices for a while.
type noDevices struct {
	storage.Store
	out atomic.Bool
}

func (d *noDevices) DevicesOf(ctx context.Context, userID string, now time.Time) ([]storage.Device, error) {
	if d.out.Load() {
		return nil, storage.ErrUnavailable
	}
	return d.Store.DevicesOf(ctx, userID, now)
}

// TestR170_AFailureOfTheStoreEndsNoToken checks that a refresh token is not spent if a store error prevents
// the check.
func TestR170_AFailureOfTheStoreEndsNoToken(t *testing.T) {
	w := newWorld(t, tokens, remembering, plenty)
	p := w.withApp("alice")
	h := w.heirs(p, w.trusted(p))
	f := &noDevices{}
	n := w.Start(func(s storage.Store) storage.Store { f.Store = s; return f })
	b := w.browser().on(n)
	b.Bare = true
	f.out.Store(true)
	b.Post("/refresh-token", m{"refresh_token": h.refresh}).Want(503)
	h.browser.copy().on(n).Get("/app/user").Want(503)
	f.out.Store(false)
	b.Post("/refresh-token", m{"refresh_token": h.refresh}).Want(200)
}

// TestR170_EndingAllOtherSessionsKeepsThisOne checks that ending all other sessions ends all trusted devices,
// but not the session that asked for it.
func TestR170_EndingAllOtherSessionsKeepsThisOne(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("alice")
	b := w.trusted(p)
	b.login(p).Want(200)
	other := w.trusted(p)
	other.login(p).Want(200)
	b.Post("/tf-sessions", m{}).Want(200)
	if user, two := b.sees(); user != p.Email+" level 1 trusted true" || two != user {
		t.Errorf("who ended the others is (%q, %q)", user, two)
	}
	other.out("ended by another session")
	n := w.Restart(func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	b.on(n).out("where no browser is trusted now")
}

// TestR170_AChangeOfAddressInATrustedBrowserKeepsTheSession checks the same for a change of the
// address, whose link requires no fresh sign-in.
func TestR170_AChangeOfAddressInATrustedBrowserKeepsTheSession(t *testing.T) {
	w := newWorld(t, plenty, func(c *twofold.Config) { c.Accounts.ChangeEmail = true })
	p := w.withApp("alice")
	b := w.browser()
	b.login(p, m{"remember": true}).Want(200)
	b.validate(p.Next()).Want(200)
	b.Post("/change-email", m{"email": "elsewhere@example.org"}).Want(200)
	link := w.link("change_email", "elsewhere@example.org")
	b.only("tf_validity").login(p).Want(200)
	b.Post(link, m{}).Want(200)
	if user, two := b.sees(); user != "elsewhere@example.org level 1 trusted true" || two != user {
		t.Errorf("who moved is (%q, %q)", user, two)
	}
}

// TestR170_EndingAllTrustKeepsTheLevelOfTheSession checks that a session that ended all trust, including
// that of its own browser, still counts as one with a trusted browser.
func TestR170_EndingAllTrustKeepsTheLevelOfTheSession(t *testing.T) {
	w := newWorld(t, plenty)
	byText, byApp := w.person("carol").enrollSMS("+16502530001").enrollApp(), w.withApp("alice")
	sessions := map[*person]*browser{}
	for _, p := range []*person{byText, byApp} {
		b := w.browser()
		b.login(p, m{"remember": true}).Want(200)
		if p == byText {
			b.Post("/tf-select", m{"which": storage.SMS})
			b.validate(p.Texted()).Want(200)
		} else {
			b.validate(p.Next()).Want(200)
		}
		b.only("tf_validity").login(p).Want(200)
		for range 2 { // once more, when nothing but the session knows
			b.Post("/tf-sessions", m{}).Want(200)
			if user, two := b.sees(); user != p.Email+" level 1 trusted true" || two != user {
				t.Fatalf("who ended the others is (%q, %q)", user, two)
			}
		}
		sessions[p] = b
	}
	n := w.Restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = true })
	sessions[byText].on(n).out("trusted for a text, where texts do not count")
	if user, _ := sessions[byApp].on(n).sees(); user != byApp.Email+" level 1 trusted true" {
		t.Errorf("trusted for an app: %q", user)
	}
	for _, text := range []string{`id`, `id || ' '`, `id || ' []'`, `id || ' null'`, `id || ' {'`, `''`} {
		w.write(`UPDATE twofold_sessions SET trusted_by = ` + text)
		w.Restart()
		sessions[byApp].on(w.Nodes[0]).out("trusted by nothing: " + text)
	}
}

// TestR170_APasskeyCountsAsThePolicySays checks that a session opened with a passkey as both
// factors ends when passkeys no longer count as both.
func TestR170_APasskeyCountsAsThePolicySays(t *testing.T) {
	w := newWorld(t, tokens, plenty)
	p, k := w.withKey("alice", storage.UseFirst, phoneKey)
	p.enrollApp()
	b := w.browser()
	options, state := b.asks("/wan-signin", m{})
	r := b.Post("/wan-signin/"+state+"?include_auth_token", m{"credential": w.gets(k, options)}).Want(200)
	user, _ := r.JSON["user"].(m)
	h := &heirs{w: w, p: p, browser: b.copy().only("twofold"), stays: w.browser()}
	h.header, _ = user["authentication_token"].(string)
	h.refresh, _ = user["refresh_token"].(string)
	h.own, _ = b.personal("read")
	if got := h.open(); h.refresh == "" || h.own == "" || len(got) < 5 {
		t.Fatalf("before: only %v, %s", got, r.Body)
	}
	robert := w.withApp("robert")
	whole := w.plantSession(robert)
	n := w.Restart(func(c *twofold.Config) { c.Passkeys.MultiFactor = false })
	h.on(n)
	if got := h.open(); len(got) > 0 {
		t.Errorf("still open: %v", got)
	}
	r, header, _ := w.exchange(h.refresh)
	if r.Want(400).Refused("a refresh token"); header != "" {
		t.Error("exchanged")
	}
	whole.on(n)
	whole.in(robert, 2) // who proved both factors is not concerned
}
