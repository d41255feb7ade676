package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// byLink is a site where a mailed link replaces the password.
func byLink(c *twofold.Config) {
	life(c)
	c.Accounts.MagicLink = true
}

var loginLink = regexp.MustCompile(`/login/[A-Za-z0-9._-]+`)

// wants requests a login link and returns its path.
func (b *browser) wants(p *person, more ...string) string {
	b.w.t.Helper()
	b.w.advance(31 * time.Second)
	body := m{"email": p.email}
	if len(more) > 0 {
		body["next"] = more[0]
	}
	b.post("/login", body).want(200)
	return p.loginLink()
}

// loginLink returns the path in the newest mail with a login link.
func (p *person) loginLink() string {
	p.w.t.Helper()
	p.w.settled()
	for _, mail := range p.w.letters("login", p.email) {
		if l := loginLink.FindString(mail); l != "" {
			p.w.handedOut("token to login", strings.TrimPrefix(l, "/login/"))
			return l
		}
	}
	p.w.t.Fatal("no mail with a link to sign in")
	return ""
}

// TestR051_OpeningALoginLinkDoesNothing checks that the page of the link has a button that works
// once. In another browser, the user must confirm first.
func TestR051_OpeningALoginLinkDoesNothing(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.person("alice")
	b, scanner := w.browser(), w.browser()
	link := b.wants(p)
	rows := w.rows("sessions", "counters", "users")
	for range 5 {
		for _, method := range []string{"GET", "HEAD"} {
			r := scanner.do(method, link, "", "", "Accept", "text/html").want(200)
			if r.cookie("twofold") != "" || r.header.Get("Referrer-Policy") != "strict-origin" ||
				!strings.Contains(r.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %v", method, r.header)
			}
		}
	}
	if w.rows("sessions", "counters", "users") != rows {
		t.Error("opening the link changed something")
	}
	for _, body := range []m{{}, {"meant": false}, {"meant": nil}} {
		scanner.post(link, body).want(400).refused("another browser, without a word")
	}
	b.do("POST", link, typeForm, "meant=true", "Sec-Fetch-Site", "cross-site").want(403)
	scanner.out("another browser, without a word")
	b.post(link, m{}).want(200)
	b.in(p, 1)
	for _, again := range []*browser{w.browser(), scanner} {
		again.post(link, m{"meant": true}).want(400).refused("a link that was used")
		again.get(link).want(200) // it is not told from one that works
	}
	elsewhere := w.browser()
	elsewhere.post(w.browser().wants(p), m{"meant": true}).want(200)
	elsewhere.in(p, 1)

	for why, change := range map[string]func(){
		"too old":            func() { w.advance(10*time.Minute + time.Second) },
		"credentials change": func() { w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, newSecret)) },
		"switched off and on": func() {
			w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, false))
			w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, true))
		},
		"address": func() {
			w.must(w.nodes[0].auth.SetIdentity(t.Context(), p.id, "x"+p.email, p.name))
			p.email = "x" + p.email
			p.setProven(p.email)
		},
		"factor": func() { p.enrollApp() },
	} {
		b := w.browser()
		link := b.wants(p)
		change()
		r := b.post(link, m{"meant": true}).want(400).refused(why)
		if (why == "too old") != strings.Contains(r.body, "within 10 minutes") {
			t.Errorf("%s: %s", why, r.body)
		}
		b.page(link).want(303)
	}
}

// TestR007_ALoginLinkIsOneFactor checks that a second factor is required, and that the mailbox does
// not count as one.
func TestR007_ALoginLinkIsOneFactor(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.withApp("alice")
	b := w.browser()
	if r := b.post(b.wants(p), m{}).want(200); r.json["tf_required"] != true || r.text("tf_method") != "authenticator" {
		t.Errorf("after the link: %s", r.body)
	}
	b.out("a link alone")
	options, _ := b.get("/tf-rescue").want(200).json["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil {
		t.Errorf("rescue by the same mailbox: %v", options)
	}
	b.validate(p.next()).want(200)
	b.in(p, 2)

	q := w.person("erika").enrollMail()
	b = w.browser()
	b.post(b.wants(q), m{}).want(400).refused("one mailbox twice")
	b.out("one mailbox twice")
	b.validate(q.mailed()).refused("a code after it")
}

// TestR022_ALoginLinkObeysARequiredFactor checks that a required factor is enrolled before there is
// a session or a header token.
func TestR022_ALoginLinkObeysARequiredFactor(t *testing.T) {
	w := newWorld(t, byLink, func(c *twofold.Config) { c.TwoFactor.Required = true })
	p := w.person("alice")
	b := w.browser()
	r := b.post(b.wants(p)+"?include_auth_token", m{}).want(200)
	if r.json["tf_state"] != "setup_from_login" || r.json["user"] != nil {
		t.Errorf("after the link: %s", r.body)
	}
	b.out("nothing set up")
}

// TestR049_LoginLinksTellNothing checks that the answer is the same for every identity, and that
// only users who may sign in get a mail.
func TestR049_LoginLinksTellNothing(t *testing.T) {
	w := newWorld(t, byLink, func(c *twofold.Config) {
		c.Accounts.Locked = func(i twofold.User) bool { return i.Email == "locked@good.test" }
	})
	known, off := w.person("known"), w.person("gone")
	w.person("locked")
	w.must(w.nodes[0].auth.SetActive(t.Context(), off.id, false))
	w.browser().post("/register", m{"email": "waiting@good.test"}).want(200)
	w.settled()
	shape := func(email string) string {
		r, page := w.browser().post("/login", m{"email": email}).want(200),
			w.browser().form("/login", "email", email).want(200)
		return blank(r) + mask(r) + strings.ReplaceAll(page.body[strings.Index(page.body, "<main"):], email, "E")
	}
	masked := regexp.MustCompile(`name="csrf_token" value="[^"]*"`)
	want := masked.ReplaceAllString(shape(known.email), "")
	for _, email := range []string{"nobody@good.test", off.email, "locked@good.test", "waiting@good.test"} {
		if got := masked.ReplaceAllString(shape(email), ""); got != want {
			t.Errorf("%s:\n%s\nwant, as for an account:\n%s", email, got, want)
		}
	}
	w.settled()
	for email, n := range map[string]int{known.email: 2, off.email: 0, "locked@good.test": 0, "waiting@good.test": 0,
		"nobody@good.test": 0} {
		if got := len(w.letters("login", email)); got != n {
			t.Errorf("%s: %d links, want %d", email, got, n)
		}
	}
	if len(w.letters("confirm", "waiting@good.test")) != 3 { // the one of the registration, and one each
		t.Error("who is not confirmed is not sent the link that confirms")
	}
}

// TestR050_StrangersCannotSpoilALoginLink checks that strangers can neither invalidate a login link
// nor prevent the next one.
func TestR050_StrangersCannotSpoilALoginLink(t *testing.T) {
	w := newWorld(t, byLink, proxied)
	p := w.person("victim")
	mine := w.browser()
	mine.header["X-Forwarded-For"] = "203.0.113.9"
	link := mine.wants(p)
	for i := range 100 {
		b := w.browser()
		b.header["X-Forwarded-For"] = "198.51.100." + fmt.Sprint(1+i%20)
		b.post("/login", m{"email": p.email})
	}
	w.settled()
	mine.copy().post(link, m{}).want(200)
	again := w.browser()
	again.header["X-Forwarded-For"] = "203.0.113.9"
	again.post(again.wants(p), m{}).want(200)
	again.in(p, 1)
}

// TestR121_LoginLinksAreLimited checks the limits by browser, by client address, and in total.
func TestR121_LoginLinksAreLimited(t *testing.T) {
	w := newWorld(t, byLink, func(c *twofold.Config) {
		c.Advanced.Limits.SendShort, c.Advanced.Limits.SendGap = 3, 30*time.Second
	})
	for _, email := range []string{w.person("known").email, "nobody@good.test"} {
		b := w.browser()
		b.post("/login", m{"email": email}).want(200)
		if r := b.post("/login", m{"email": email}).want(429); r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		w.browser().post("/login", m{"email": email}).want(200)
		w.browser().post("/login", m{"email": email}).want(200)
		w.browser().post("/login", m{"email": email}).want(429)
	}
	// A link that is used releases its place, so a user can sign in any number of times a day.
	p := w.person("busy")
	for range 8 {
		b := w.browser()
		b.post(b.wants(p), m{}).want(200)
	}
}

// TestR136_LoginLinksAreTyped checks that no other link signs in, that a login link has no other
// use, and that it is valid only for its account.
func TestR136_LoginLinksAreTyped(t *testing.T) {
	w := newWorld(t, byLink, unified)
	p, q := w.person("alice"), w.person("robert")
	q.begins("email")
	b := w.browser()
	b.post("/register", m{"email": "new@good.test"}).want(200)
	c := w.browser()
	c.ask(q.email, "email").want(200)
	w.must(w.nodes[0].auth.SetPassword(t.Context(), w.person("susan").id, newSecret))
	tokens := map[string]string{
		"login": b.wants(p), "confirm": w.link("confirm", "new@good.test"), "reset": b.resets(p.email),
		"us-verify-link": q.linked(),
		"tf-not-me":      "/tf-not-me/" + (&person{w: w, email: "susan@good.test"}).stopToken(),
	}
	before := w.rows("users", "sessions")
	for kind, link := range tokens {
		token := link[strings.LastIndex(link, "/")+1:]
		for path := range tokens {
			if path == kind {
				continue
			}
			for _, x := range []*browser{b.copy(), c.copy(), w.browser()} {
				x.post("/"+path+"/"+token, m{}).refused(kind + " at " + path)
				x.out(kind + " at " + path)
			}
		}
	}
	payload, mac, _ := strings.Cut(strings.TrimPrefix(tokens["login"], "/login/"), ".")
	for _, bad := range []string{payload, mac, payload + ".", payload + "." + mac[1:], swapCase(payload) + "." + mac,
		"A", strings.Repeat("A", 5000)} {
		b.post("/login/"+bad, m{"meant": true}).refused("no token")
	}
	if w.rows("users", "sessions") != before {
		t.Error("something changed")
	}
}

// TestR144_ALoginLinkOnceInParallel checks that fifty concurrent clicks on two nodes open one
// session.
func TestR144_ALoginLinkOnceInParallel(t *testing.T) {
	w := newWorld(t, byLink, plenty)
	w.start(nil)
	p := w.person("alice")
	for round := range 5 {
		b := w.browser()
		link, sessions := b.wants(p), w.count("sessions")
		statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
			c := b.copy().on(n)
			return c, c.post(link, m{})
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
	}
}

// TestR102_StatesHoldForLoginLinks checks that the state of the account is checked when the link is
// used, not when it is requested.
func TestR102_StatesHoldForLoginLinks(t *testing.T) {
	locked := false
	w := newWorld(t, byLink, func(c *twofold.Config) { c.Accounts.Locked = func(twofold.User) bool { return locked } })
	p := w.person("alice")
	b := w.browser()
	link := b.wants(p)
	locked = true
	b.post(link, m{}).want(400).refused("locked")
	locked = false
	b = w.browser()
	link = b.wants(p)
	w.write(`UPDATE twofold_users SET active = 0 WHERE email_key = ?`, p.email)
	b.post(link, m{}).want(400).refused("disabled")
	w.write(`UPDATE twofold_users SET active = 1, confirmed_at = 0 WHERE email_key = ?`, p.email)
	b = w.browser()
	b.post("/login", m{"email": p.email}).want(200)
	if n := len(w.letters("login", p.email)); n != 2 {
		t.Errorf("%d links, want none for an address that is not proven", n)
	}
}

// TestR008_ByLinkNothingIsPlanted checks that a password sent in a registration is ignored and does
// not sign its sender in, whether or not addresses are confirmed.
func TestR008_ByLinkNothingIsPlanted(t *testing.T) {
	for name, change := range map[string]func(*twofold.Config){"confirming": func(*twofold.Config) {},
		"unconfirming": unconfirming} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, byLink, change, unified)
			p := &person{w: w, email: "victim@good.test"}
			attacker := w.browser()
			attacker.post("/register", m{"email": p.email, "password": secret, "password_confirm": secret}).want(200)
			attacker.out("registered")
			attacker.post("/us-signin",
				m{"identity": p.email, "passcode": secret}).want(400).refused("the password planted")
			w.identify(p)
			if name == "confirming" {
				w.browser().post(w.link("confirm", p.email), m{}).want(200)
			} else {
				owner := w.browser()
				owner.post(p.loginLink(), m{"meant": true}).want(200)
				owner.in(p, 1)
			}
			owner := w.browser()
			owner.post(owner.wants(p), m{}).want(200)
			owner.in(p, 1)
			attacker.out("after the owner came")
			attacker.post("/us-signin",
				m{"identity": p.email, "passcode": secret}).want(400).refused("the password planted")
		})
	}
}

// TestR107_ALoginLinkKnowsWhereToGo checks that the redirect works in the browser that requested
// it, and only within this site.
func TestR107_ALoginLinkKnowsWhereToGo(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.person("alice")
	b := w.browser()
	if to := b.form(b.wants(p, "/profile?x=1")).want(303).header.Get("Location"); to != "/profile?x=1" {
		t.Errorf("to %s", to)
	}
	link := w.browser().wants(p, "/profile")
	if to := w.browser().form(link, "meant", "true").want(303).header.Get("Location"); to != "/" {
		t.Errorf("another browser is sent to %s", to)
	}
	for _, next := range []string{"https://evil.test/", "//evil.test", `/\evil.test`} {
		w.browser().post("/login", m{"email": p.email, "next": next}).want(400)
	}
}

// TestR016_ALoginLinkSwitchesNoAccount checks that a signed-in user stays signed in as themselves,
// and that a pending sign-in of another account ends with all its proofs.
func TestR016_ALoginLinkSwitchesNoAccount(t *testing.T) {
	w := newWorld(t, byLink)
	p, q := w.person("alice"), w.withApp("robert")
	b := w.plantSession(p)
	link := w.browser().wants(q)
	for _, body := range []m{{}, {"meant": true}} {
		b.post(link, body).want(400).refused("signed in as another")
	}
	b.get(link).want(400)
	b.in(p, 1)
	half := w.plantPending(q)
	half.post(w.browser().wants(p), m{"meant": true}).want(200)
	half.in(p, 1)
	half.validate(q.next()).want(400).refused("the sign-in of another")
}

// TestR053_ByLinkASecurityChangeNeedsAFreshSignIn checks that a new sign-in is a fresh one, and
// that the page that would ask for a password explains it.
func TestR053_ByLinkASecurityChangeNeedsAFreshSignIn(t *testing.T) {
	w := newWorld(t, byLink)
	p := &person{w: w, email: "new@good.test"}
	b := w.browser()
	b.post("/register", m{"email": p.email}).want(200)
	b.post(w.link("confirm", p.email), m{}).want(200)
	b.post(b.wants(p), m{}).want(200)
	w.advance(16 * time.Minute)
	b.post("/tf-setup", m{"setup": "authenticator"}).want(401)
	if to := b.page("/tf-setup").want(303).header.Get("Location"); !strings.HasPrefix(to, "/verify") {
		t.Errorf("to prove oneself again: %s", to)
	}
	page := b.page("/verify?next=/tf-setup").want(200)
	if strings.Contains(page.body, `name="password"`) || !strings.Contains(page.body, `value="/login?next=/tf-setup"`) {
		t.Errorf("the page asks for a password that there is none of:\n%s", page.body)
	}
	if to := b.form("/logout", "next",
		"/login?next=/tf-setup").want(303).header.Get("Location"); to != "/login?next=/tf-setup" {
		t.Errorf("signing out leads to %s", to)
	}
	b.out("signed out")
	if to := b.form(b.wants(p, "/tf-setup")).want(303).header.Get("Location"); to != "/tf-setup" {
		t.Errorf("signing in leads to %s", to)
	}
	b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
}

// TestR411_TheDoctorKnowsWhatMailOpens checks that the doctor finds a sent mail for each sign-in by
// mail, and no mail that was used twice.
func TestR411_TheDoctorKnowsWhatMailOpens(t *testing.T) {
	chosen := m{"password": newSecret, "password_confirm": newSecret}
	signsInByLinks := func(c *twofold.Config) { life(c); autoLogin(c) }
	for what, c := range map[string]struct {
		site   func(*twofold.Config)
		signIn func(w *world, b *browser, p *person)
	}{
		"a magic link": {byLink, func(_ *world, b *browser, p *person) { b.post(b.wants(p), m{}).want(200) }},
		"a reset that signs in": {signsInByLinks, func(_ *world, b *browser, p *person) {
			b.post(b.resets(p.email), chosen).want(200)
		}},
		"a confirmation that signs in": {signsInByLinks, func(w *world, b *browser, _ *person) {
			b.post("/register", m{"email": "new@good.test", "password": newSecret,
				"password_confirm": newSecret}).want(200)
			b.post(w.link("confirm", "new@good.test"), m{}).want(200)
		}},
		"an invitation": {life, func(w *world, b *browser, _ *person) { b.post(w.invite(invited), chosen).want(200) }},
		"a code in place of a password": {unified, func(w *world, b *browser, p *person) {
			p.begins("email")
			w.must(w.nodes[0].auth.EndSessions(w.t.Context(), p.id)) // the trail does not know a planted one
			w.advance(time.Minute)
			b.ask(p.email, "email").want(200)
			b.post("/us-signin", m{"identity": p.email, "passcode": p.mailed()}).want(200)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, c.site)
			c.signIn(w, w.browser(), w.person("alice"))
			w.settled()
			r, err := w.nodes[0].auth.Checks().Store(t.Context())
			w.must(err)
			if len(r.Problems) > 0 {
				t.Errorf("the doctor: %q", r.Problems)
			}
			if w.count("sessions") == 0 {
				t.Error("nothing was opened")
			}
		})
	}
}

// TestR411_TheDoctorKnowsTheCodeOfASignUp covers registration through an OAuth provider.
func TestR411_TheDoctorKnowsTheCodeOfASignUp(t *testing.T) {
	w, corp, _ := sites(t, signsUp)
	ann, b := w.newAt(corp, "ann"), w.browser()
	b.through(corp, "corp").want(200)
	b.post(signUpPath, m{"code": ann.mailed()}).want(200)
	b.in(ann, 1)
	r, err := w.nodes[0].auth.Checks().Store(t.Context())
	w.must(err)
	if len(r.Problems) > 0 {
		t.Errorf("the doctor: %q", r.Problems)
	}
}
