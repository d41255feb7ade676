package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// byLink is a site where a mailed link replaces the password.
func byLink(c *twofold.Config) {
	life(c)
	c.Accounts.MagicLink = true
}

// wants requests a login link and returns its path.
func (b *browser) wants(p *person, more ...string) string {
	b.w.T.Helper()
	b.w.Advance(31 * time.Second)
	body := m{"email": p.Email}
	if len(more) > 0 {
		body["next"] = more[0]
	}
	b.Post("/login", body).Want(200)
	return p.loginLink()
}

// loginLink returns the path in the newest mail with a login link.
func (p *person) loginLink() string {
	p.w.T.Helper()
	p.w.settled()
	for _, mail := range p.w.letters("login", p.Email) {
		if l := testkit.Link(mail, "login"); l != "" {
			p.w.handedOut("token to login", strings.TrimPrefix(l, "/login/"))
			return l
		}
	}
	p.w.T.Fatal("no mail with a link to sign in")
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
			r := scanner.Do(method, link, "", "", "Accept", "text/html").Want(200)
			if r.Cookie("twofold") != "" || r.Header.Get("Referrer-Policy") != "strict-origin" ||
				!strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %v", method, r.Header)
			}
		}
	}
	if w.rows("sessions", "counters", "users") != rows {
		t.Error("opening the link changed something")
	}
	for _, body := range []m{{}, {"meant": false}, {"meant": nil}} {
		scanner.Post(link, body).Want(400).Refused("another browser, without a word")
	}
	b.Do("POST", link, testkit.TypeForm, "meant=true", "Sec-Fetch-Site", "cross-site").Want(403)
	scanner.out("another browser, without a word")
	b.Post(link, m{}).Want(200)
	b.in(p, 1)
	for _, again := range []*browser{w.browser(), scanner} {
		again.Post(link, m{"meant": true}).Want(400).Refused("a link that was used")
		again.Get(link).Want(200) // it is not told from one that works
	}
	elsewhere := w.browser()
	elsewhere.Post(w.browser().wants(p), m{"meant": true}).Want(200)
	elsewhere.in(p, 1)

	for why, change := range map[string]func(){
		"too old":            func() { w.Advance(10*time.Minute + time.Second) },
		"credentials change": func() { w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, newSecret)) },
		"switched off and on": func() {
			w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false))
			w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, true))
		},
		"address": func() {
			w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, "x"+p.Email, p.Name))
			p.Email = "x" + p.Email
			p.setProven(p.Email)
		},
		"factor": func() { p.enrollApp() },
	} {
		b := w.browser()
		link := b.wants(p)
		change()
		r := b.Post(link, m{"meant": true}).Want(400).Refused(why)
		if (why == "too old") != strings.Contains(r.Body, "within 10 minutes") {
			t.Errorf("%s: %s", why, r.Body)
		}
		b.Page(link).Want(303)
	}
}

// TestR007_ALoginLinkIsOneFactor checks that a second factor is required, and that the mailbox does
// not count as one.
func TestR007_ALoginLinkIsOneFactor(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.withApp("alice")
	b := w.browser()
	if r := b.Post(b.wants(p), m{}).Want(200); r.JSON["tf_required"] != true || r.Text("tf_method") != "authenticator" {
		t.Errorf("after the link: %s", r.Body)
	}
	b.out("a link alone")
	options, _ := b.Get("/tf-rescue").Want(200).JSON["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil {
		t.Errorf("rescue by the same mailbox: %v", options)
	}
	b.validate(p.Next()).Want(200)
	b.in(p, 2)

	q := w.person("erika").enrollMail()
	b = w.browser()
	b.Post(b.wants(q), m{}).Want(400).Refused("one mailbox twice")
	b.out("one mailbox twice")
	b.validate(q.Mailed()).Refused("a code after it")
}

// TestR022_ALoginLinkObeysARequiredFactor checks that a required factor is enrolled before there is
// a session or a header token.
func TestR022_ALoginLinkObeysARequiredFactor(t *testing.T) {
	w := newWorld(t, byLink, func(c *twofold.Config) { c.TwoFactor.Required = true })
	p := w.person("alice")
	b := w.browser()
	r := b.Post(b.wants(p)+"?include_auth_token", m{}).Want(200)
	if r.JSON["tf_state"] != "setup_from_login" || r.JSON["user"] != nil {
		t.Errorf("after the link: %s", r.Body)
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
	w.Must(w.Nodes[0].Auth.SetActive(t.Context(), off.ID, false))
	w.browser().Post("/register", m{"email": "waiting@good.test"}).Want(200)
	w.settled()
	shape := func(email string) string {
		r, page := w.browser().Post("/login", m{"email": email}).Want(200),
			w.browser().Form("/login", "email", email).Want(200)
		return blank(r) + mask(r) + strings.ReplaceAll(page.Body[strings.Index(page.Body, "<main"):], email, "E")
	}
	masked := regexp.MustCompile(`name="csrf_token" value="[^"]*"`)
	want := masked.ReplaceAllString(shape(known.Email), "")
	for _, email := range []string{"nobody@good.test", off.Email, "locked@good.test", "waiting@good.test"} {
		if got := masked.ReplaceAllString(shape(email), ""); got != want {
			t.Errorf("%s:\n%s\nwant, as for an account:\n%s", email, got, want)
		}
	}
	w.settled()
	for email, n := range map[string]int{known.Email: 2, off.Email: 0, "locked@good.test": 0, "waiting@good.test": 0,
		"nobody@good.test": 0} {
		if got := len(w.letters("login", email)); got != n {
			t.Errorf("%s: %d links, want %d", email, got, n)
		}
	}
	if len(w.letters("confirm", "waiting@good.test")) != 3 { // the one of the registration, and one each
		t.Error("who is not confirmed is not sent the link that confirms")
	}
}

// TestR050_StrangersCannotInvalidateALoginLink checks that strangers can neither invalidate a login link
// nor prevent the next one.
func TestR050_StrangersCannotInvalidateALoginLink(t *testing.T) {
	w := newWorld(t, byLink, proxied)
	p := w.person("victim")
	mine := w.browser()
	mine.Header["X-Forwarded-For"] = "203.0.113.9"
	link := mine.wants(p)
	for i := range 100 {
		b := w.browser()
		b.Header["X-Forwarded-For"] = "198.51.100." + fmt.Sprint(1+i%20)
		b.Post("/login", m{"email": p.Email})
	}
	w.settled()
	mine.copy().Post(link, m{}).Want(200)
	again := w.browser()
	again.Header["X-Forwarded-For"] = "203.0.113.9"
	again.Post(again.wants(p), m{}).Want(200)
	again.in(p, 1)
}

// TestR121_LoginLinksAreLimited checks the limits by browser, by client address, and in total.
func TestR121_LoginLinksAreLimited(t *testing.T) {
	w := newWorld(t, byLink, func(c *twofold.Config) {
		c.Advanced.Limits.SendShort, c.Advanced.Limits.SendGap = 3, 30*time.Second
	})
	for _, email := range []string{w.person("known").Email, "nobody@good.test"} {
		b := w.browser()
		b.Post("/login", m{"email": email}).Want(200)
		if r := b.Post("/login", m{"email": email}).Want(429); r.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		w.browser().Post("/login", m{"email": email}).Want(200)
		w.browser().Post("/login", m{"email": email}).Want(200)
		w.browser().Post("/login", m{"email": email}).Want(429)
	}
	// A link that is used releases its place, so a user can sign in any number of times a day.
	p := w.person("busy")
	for range 8 {
		b := w.browser()
		b.Post(b.wants(p), m{}).Want(200)
	}
}

// TestR136_LoginLinksAreTyped checks that no other link signs in, that a login link has no other
// use, and that it is valid only for its account.
func TestR136_LoginLinksAreTyped(t *testing.T) {
	w := newWorld(t, byLink, unified)
	p, q := w.person("alice"), w.person("robert")
	q.begins("email")
	b := w.browser()
	b.Post("/register", m{"email": "new@good.test"}).Want(200)
	c := w.browser()
	c.ask(q.Email, "email").Want(200)
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), w.person("susan").ID, newSecret))
	tokens := map[string]string{
		"login": b.wants(p), "confirm": w.link("confirm", "new@good.test"), "reset": b.resets(p.Email),
		"us-verify-link": q.linked(),
		"tf-not-me":      "/tf-not-me/" + (w.of(testkit.Person{Email: "susan@good.test"})).stopToken(),
	}
	before := w.rows("users", "sessions")
	for kind, link := range tokens {
		token := link[strings.LastIndex(link, "/")+1:]
		for path := range tokens {
			if path == kind {
				continue
			}
			for _, x := range []*browser{b.copy(), c.copy(), w.browser()} {
				x.Post("/"+path+"/"+token, m{}).Refused(kind + " at " + path)
				x.out(kind + " at " + path)
			}
		}
	}
	payload, mac, _ := strings.Cut(strings.TrimPrefix(tokens["login"], "/login/"), ".")
	for _, bad := range []string{payload, mac, payload + ".", payload + "." + mac[1:], swapCase(payload) + "." + mac,
		"A", strings.Repeat("A", 5000)} {
		b.Post("/login/"+bad, m{"meant": true}).Refused("no token")
	}
	if w.rows("users", "sessions") != before {
		t.Error("something changed")
	}
}

// TestR144_ALoginLinkOnceInParallel checks that fifty concurrent clicks on two nodes open one
// session.
func TestR144_ALoginLinkOnceInParallel(t *testing.T) {
	w := newWorld(t, byLink, plenty)
	w.Start(nil)
	p := w.person("alice")
	for round := range 5 {
		b := w.browser()
		link, sessions := b.wants(p), w.count("sessions")
		statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
			c := b.copy().on(n)
			return c, c.Post(link, m{})
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
	b.Post(link, m{}).Want(400).Refused("locked")
	locked = false
	b = w.browser()
	link = b.wants(p)
	w.write(`UPDATE twofold_users SET active = 0 WHERE email_key = ?`, p.Email)
	b.Post(link, m{}).Want(400).Refused("disabled")
	w.write(`UPDATE twofold_users SET active = 1, confirmed_at = 0 WHERE email_key = ?`, p.Email)
	b = w.browser()
	b.Post("/login", m{"email": p.Email}).Want(200)
	if n := len(w.letters("login", p.Email)); n != 2 {
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
			p := w.of(testkit.Person{Email: "victim@good.test"})
			attacker := w.browser()
			attacker.Post("/register", m{"email": p.Email, "password": secret, "password_confirm": secret}).Want(200)
			attacker.out("registered")
			attacker.Post("/us-signin",
				m{"identity": p.Email, "passcode": secret}).Want(400).Refused("the password planted")
			w.identify(p)
			if name == "confirming" {
				w.browser().Post(w.link("confirm", p.Email), m{}).Want(200)
			} else {
				owner := w.browser()
				owner.Post(p.loginLink(), m{"meant": true}).Want(200)
				owner.in(p, 1)
			}
			owner := w.browser()
			owner.Post(owner.wants(p), m{}).Want(200)
			owner.in(p, 1)
			attacker.out("after the owner came")
			attacker.Post("/us-signin",
				m{"identity": p.Email, "passcode": secret}).Want(400).Refused("the password planted")
		})
	}
}

// TestR107_ALoginLinkKnowsWhereToGo checks that the redirect works in the browser that requested
// it, and only within this site.
func TestR107_ALoginLinkKnowsWhereToGo(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.person("alice")
	b := w.browser()
	if to := b.Form(b.wants(p, "/profile?x=1")).Want(303).Header.Get("Location"); to != "/profile?x=1" {
		t.Errorf("to %s", to)
	}
	link := w.browser().wants(p, "/profile")
	if to := w.browser().Form(link, "meant", "true").Want(303).Header.Get("Location"); to != "/" {
		t.Errorf("another browser is sent to %s", to)
	}
	for _, next := range []string{"https://evil.test/", "//evil.test", `/\evil.test`} {
		w.browser().Post("/login", m{"email": p.Email, "next": next}).Want(400)
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
		b.Post(link, body).Want(400).Refused("signed in as another")
	}
	b.Get(link).Want(400)
	b.in(p, 1)
	half := w.plantPending(q)
	half.Post(w.browser().wants(p), m{"meant": true}).Want(200)
	half.in(p, 1)
	half.validate(q.Next()).Want(400).Refused("the sign-in of another")
}

// TestR053_ByLinkASecurityChangeNeedsAFreshSignIn checks that a new sign-in is a fresh one, and
// that the page that would ask for a password explains it.
func TestR053_ByLinkASecurityChangeNeedsAFreshSignIn(t *testing.T) {
	w := newWorld(t, byLink)
	p := w.of(testkit.Person{Email: "new@good.test"})
	b := w.browser()
	b.Post("/register", m{"email": p.Email}).Want(200)
	b.Post(w.link("confirm", p.Email), m{}).Want(200)
	b.Post(b.wants(p), m{}).Want(200)
	w.Advance(16 * time.Minute)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
	if to := b.Page("/tf-setup").Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/verify") {
		t.Errorf("to prove oneself again: %s", to)
	}
	page := b.Page("/verify?next=/tf-setup").Want(200)
	if strings.Contains(page.Body, `name="password"`) || !strings.Contains(page.Body, `value="/login?next=/tf-setup"`) {
		t.Errorf("the page asks for a password that there is none of:\n%s", page.Body)
	}
	if to := b.Form("/logout", "next",
		"/login?next=/tf-setup").Want(303).Header.Get("Location"); to != "/login?next=/tf-setup" {
		t.Errorf("signing out leads to %s", to)
	}
	b.out("signed out")
	if to := b.Form(b.wants(p, "/tf-setup")).Want(303).Header.Get("Location"); to != "/tf-setup" {
		t.Errorf("signing in leads to %s", to)
	}
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
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
		"a magic link": {byLink, func(_ *world, b *browser, p *person) { b.Post(b.wants(p), m{}).Want(200) }},
		"a reset that signs in": {signsInByLinks, func(_ *world, b *browser, p *person) {
			b.Post(b.resets(p.Email), chosen).Want(200)
		}},
		"a confirmation that signs in": {signsInByLinks, func(w *world, b *browser, _ *person) {
			b.Post("/register", m{"email": "new@good.test", "password": newSecret,
				"password_confirm": newSecret}).Want(200)
			b.Post(w.link("confirm", "new@good.test"), m{}).Want(200)
		}},
		"an invitation": {life, func(w *world, b *browser, _ *person) { b.Post(w.invite(invited), chosen).Want(200) }},
		"a code in place of a password": {unified, func(w *world, b *browser, p *person) {
			p.begins("email")
			w.Must(w.Nodes[0].Auth.EndSessions(w.T.Context(), p.ID)) // the trail does not know a planted one
			w.Advance(time.Minute)
			b.ask(p.Email, "email").Want(200)
			b.Post("/us-signin", m{"identity": p.Email, "passcode": p.Mailed()}).Want(200)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, c.site)
			c.signIn(w, w.browser(), w.person("alice"))
			w.settled()
			r, err := w.Nodes[0].Auth.Checks().Store(t.Context())
			w.Must(err)
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
	b.through(corp, "corp").Want(200)
	b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
	b.in(ann, 1)
	r, err := w.Nodes[0].Auth.Checks().Store(t.Context())
	w.Must(err)
	if len(r.Problems) > 0 {
		t.Errorf("the doctor: %q", r.Problems)
	}
}
