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
	w.t.Helper()
	b := w.browser()
	if device != nil {
		b = device
	}
	r := b.post("/login?include_auth_token", m{"email": p.email, "password": secret, "remember": true}).want(200)
	if r.json["tf_required"] == true {
		r = b.post("/tf-validate?include_auth_token", m{"code": p.next()}).want(200)
	}
	user, _ := r.json["user"].(m)
	h := &heirs{w: w, p: p, browser: b.copy().only("twofold"), stays: b.copy().only(stayCookie)}
	h.header, _ = user["authentication_token"].(string)
	h.refresh, _ = user["refresh_token"].(string)
	if h.header == "" || h.refresh == "" || h.stays.jar[stayCookie] == "" {
		w.t.Fatalf("too little was handed out: %s", r.body)
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
	h.w.t.Helper()
	opens := func(what string, b *browser) {
		for _, path := range []string{"/app/user", "/app/two", "/me", "/tf-sessions", "/access-tokens"} {
			if r := b.copy().get(path); r.status == 200 {
				out = append(out, what+" "+path)
			}
		}
	}
	opens("the session", h.browser)
	opens("the header token", h.w.program("Authentication-Token", h.header))
	opens("the browser that stays", h.stays.copy())
	if h.own != "" {
		prog := h.w.program("Authorization", "Bearer "+h.own)
		if r := prog.get("/token-check?scope=read"); r.status == 200 {
			out = append(out, "the personal token")
		}
	}
	return out
}

// TestR170_DescendantsAskWhatASignInIsAsked checks that a session, a refresh token, a personal
// token and a remembered browser must meet the current requirements of the account, however they
// were created.
func TestR170_DescendantsAskWhatASignInIsAsked(t *testing.T) {
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
			w.must(w.nodes[0].auth.SetRoles(t.Context(), p.id, "admin"))
		}},
		"the owner ended all trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			w.plantSession(p).do("DELETE", "/tf-devices", "", "", "Accept", typeJSON).want(200)
		}},
		"the trust is over": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			w.write(`UPDATE twofold_devices SET expires_at = 1 WHERE stays = 0`)
			w.advance(2 * time.Second)
			time.Sleep(1100 * time.Millisecond) // what a process may answer from memory
		}},
		"a rescue ended all trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			b := w.plantPending(p)
			b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
			b.validate(p.mailed()).want(200)
		}},
		"the owner ended this trust": {trusted: true, act: func(t *testing.T, w *world, p *person) {
			b := w.plantSession(p)
			for _, d := range b.get("/tf-devices").want(200).json["devices"].([]any) {
				if d := d.(m); d["stays"] == false {
					b.do("DELETE", "/tf-devices/"+d["id"].(string), "", "", "Accept", typeJSON).want(200)
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
				n := w.restart(c.change...)
				h.on(n)
				whole.on(n)
			}
			if got := h.open(); len(got) > 0 {
				t.Errorf("still open: %v", got)
			}
			r, header, _ := w.exchange(h.refresh)
			if r.want(400).refused("a refresh token"); header != "" {
				t.Error("exchanged")
			}
			// A user who proved both factors is not affected.
			if name != "addresses must be confirmed now" {
				whole.browser.in(other, 2)
				r, header, _ = w.exchange(whole.refresh)
				r.want(200)
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
	n := w.restart(func(c *twofold.Config) { c.TwoFactor.Required = true })
	b.on(n)
	r := b.get("/app/user").want(403)
	if r.json["tf_required"] != true || r.json["tf_setup_url"] != "/tf-setup" {
		t.Errorf("%s", r.body)
	}
	if to := b.page("/app/user").want(303).header.Get("Location"); !strings.HasPrefix(to, "/tf-setup") {
		t.Errorf("sent to %q", to)
	}
	for _, path := range n.auth.Paths() {
		path = strings.ReplaceAll(path, "{token}", "AAAA")
		for _, method := range []string{"GET", "POST", "DELETE"} {
			switch path {
			case "/logout", "/tf-setup", "/tf-setup/AAAA", "/tf-validate", "/tf-select", "/tf-resend", "/verify",
				"/wan-verify", "/wan-verify/AAAA", "/wan-register",
				"/wan-register/AAAA", "/tf-static/":
				continue
			}
			if r := b.copy().do(method, path, typeJSON, "{}", "Accept", typeJSON); r.json["user"] != nil ||
				strings.Contains(r.body, p.email) {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
		}
	}
	b.post("/tf-sessions", m{}).want(403)
	state := b.post("/wan-register", m{"name": "key", "usage": "first"}).want(200).text("wan_state")
	if usage := w.number(`SELECT COUNT(*) FROM twofold_drafts WHERE destination = 'secondary'`); state == "" ||
		usage != 1 {
		t.Error("a passkey that opens the account alone is set up in place of a second factor")
	}
	got, ask := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, n.origin+"/public", nil)
	ask.AddCookie(&http.Cookie{Name: "twofold", Value: b.jar["twofold"]})
	n.auth.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := twofold.UserOf(r); ok {
			t.Errorf("a public page takes it for %s", u.Email)
		}
	})).ServeHTTP(got, ask)
	w.advance(20 * time.Minute)
	b.post("/tf-setup", m{"setup": "authenticator"}).want(401) // not fresh any more
	b.post("/verify", m{"password": secret}).want(200)
	b.out("proven again, with the same one factor")
	s := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, s.text("tf_authr_b32key"))
	b.post("/tf-setup/"+s.text("tf_state_token"), m{"code": p.code(0)}).want(200)
	b.in(p, 2)

	t.Run("whose second factor the policy takes no more", func(t *testing.T) {
		w := newWorld(t, plenty)
		a, c := w.person("alice").enrollSMS("+16502530000"), w.person("carol").enrollSMS("+16502530001").enrollApp()
		old, both := w.plantSession(a), w.plantSession(c)
		if c.factors()[0].Method != storage.SMS {
			t.Fatal("the app comes first")
		}
		n := w.restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = true })
		old.on(n).out("proven by text alone")
		both.on(n).out("proven by text, with an app at hand")
		s := old.post("/tf-setup", m{"setup": "authenticator"}).want(200)
		a.app = decode(w, s.text("tf_authr_b32key"))
		old.post("/tf-setup/"+s.text("tf_state_token"), m{"code": a.code(0)}).want(200)
		old.in(a, 2)
		both.post("/tf-setup", m{"setup": "authenticator", "add": true}).refused("a set-up by a session that is over")
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

// TestR170_TroubleCostsNoToken checks that a refresh token is not spent if a store error prevents
// the check.
func TestR170_TroubleCostsNoToken(t *testing.T) {
	w := newWorld(t, tokens, remembering, plenty)
	p := w.withApp("alice")
	h := w.heirs(p, w.trusted(p))
	f := &noDevices{}
	n := w.start(func(s storage.Store) storage.Store { f.Store = s; return f })
	b := w.browser().on(n)
	b.bare = true
	f.out.Store(true)
	b.post("/refresh-token", m{"refresh_token": h.refresh}).want(503)
	h.browser.copy().on(n).get("/app/user").want(503)
	f.out.Store(false)
	b.post("/refresh-token", m{"refresh_token": h.refresh}).want(200)
}

// TestR170_WhoEndsTheOthersStays checks that ending all other sessions ends all trusted devices,
// but not the session that asked for it.
func TestR170_WhoEndsTheOthersStays(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("alice")
	b := w.trusted(p)
	b.login(p).want(200)
	other := w.trusted(p)
	other.login(p).want(200)
	b.post("/tf-sessions", m{}).want(200)
	if user, two := b.sees(); user != p.email+" level 1 trusted true" || two != user {
		t.Errorf("who ended the others is (%q, %q)", user, two)
	}
	other.out("ended by another session")
	n := w.restart(func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	b.on(n).out("where no browser is trusted now")
}

// TestR170_WhoMovesInATrustedBrowserStays checks the same for a change of the address, whose link
// requires no fresh sign-in.
func TestR170_WhoMovesInATrustedBrowserStays(t *testing.T) {
	w := newWorld(t, plenty, func(c *twofold.Config) { c.Accounts.ChangeEmail = true })
	p := w.withApp("alice")
	b := w.browser()
	b.login(p, m{"remember": true}).want(200)
	b.validate(p.next()).want(200)
	b.post("/change-email", m{"email": "elsewhere@example.org"}).want(200)
	link := w.link("change_email", "elsewhere@example.org")
	b.only("tf_validity").login(p).want(200)
	b.post(link, m{}).want(200)
	if user, two := b.sees(); user != "elsewhere@example.org level 1 trusted true" || two != user {
		t.Errorf("who moved is (%q, %q)", user, two)
	}
}

// TestR170_WhoEndedAllTrustIsAskedAsBefore checks that a session that ended all trust, including
// that of its own browser, still counts as one with a trusted browser.
func TestR170_WhoEndedAllTrustIsAskedAsBefore(t *testing.T) {
	w := newWorld(t, plenty)
	byText, byApp := w.person("carol").enrollSMS("+16502530001").enrollApp(), w.withApp("alice")
	sessions := map[*person]*browser{}
	for _, p := range []*person{byText, byApp} {
		b := w.browser()
		b.login(p, m{"remember": true}).want(200)
		if p == byText {
			b.post("/tf-select", m{"which": storage.SMS})
			b.validate(p.texted()).want(200)
		} else {
			b.validate(p.next()).want(200)
		}
		b.only("tf_validity").login(p).want(200)
		for range 2 { // once more, when nothing but the session knows
			b.post("/tf-sessions", m{}).want(200)
			if user, two := b.sees(); user != p.email+" level 1 trusted true" || two != user {
				t.Fatalf("who ended the others is (%q, %q)", user, two)
			}
		}
		sessions[p] = b
	}
	n := w.restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = true })
	sessions[byText].on(n).out("trusted for a text, where texts do not count")
	if user, _ := sessions[byApp].on(n).sees(); user != byApp.email+" level 1 trusted true" {
		t.Errorf("trusted for an app: %q", user)
	}
	for _, text := range []string{`id`, `id || ' '`, `id || ' []'`, `id || ' null'`, `id || ' {'`, `''`} {
		w.write(`UPDATE twofold_sessions SET trusted_by = ` + text)
		w.restart()
		sessions[byApp].on(w.nodes[0]).out("trusted by nothing: " + text)
	}
}

// TestR170_APasskeyIsWorthWhatThePolicySays checks that a session opened with a passkey as both
// factors ends when passkeys no longer count as both.
func TestR170_APasskeyIsWorthWhatThePolicySays(t *testing.T) {
	w := newWorld(t, tokens, plenty)
	p, k := w.withKey("alice", storage.UseFirst, phoneKey)
	p.enrollApp()
	b := w.browser()
	options, state := b.asks("/wan-signin", m{})
	r := b.post("/wan-signin/"+state+"?include_auth_token", m{"credential": w.gets(k, options)}).want(200)
	user, _ := r.json["user"].(m)
	h := &heirs{w: w, p: p, browser: b.copy().only("twofold"), stays: w.browser()}
	h.header, _ = user["authentication_token"].(string)
	h.refresh, _ = user["refresh_token"].(string)
	h.own, _ = b.personal("read")
	if got := h.open(); h.refresh == "" || h.own == "" || len(got) < 5 {
		t.Fatalf("before: only %v, %s", got, r.body)
	}
	robert := w.withApp("robert")
	whole := w.plantSession(robert)
	n := w.restart(func(c *twofold.Config) { c.Passkeys.MultiFactor = false })
	h.on(n)
	if got := h.open(); len(got) > 0 {
		t.Errorf("still open: %v", got)
	}
	r, header, _ := w.exchange(h.refresh)
	if r.want(400).refused("a refresh token"); header != "" {
		t.Error("exchanged")
	}
	whole.on(n)
	whole.in(robert, 2) // who proved both factors is not concerned
}
