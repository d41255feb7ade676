package security_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

const stayCookie = "remember_token"

func remembering(c *twofold.Config) { c.Sessions.Remember = 30 * 24 * time.Hour }

// staying signs p in with "remember me" and returns the browser without its session cookie.
func (w *world) staying(p *person) *browser {
	w.t.Helper()
	b := w.browser()
	b.login(p, m{"remember": true}).want(200)
	if p.app != nil {
		b.validate(p.next()).want(200)
	}
	if b.jar[stayCookie] == "" {
		w.t.Fatalf("%s is not remembered", p.name)
	}
	return b.only(stayCookie)
}

// back checks that this browser is signed in as p, who has a second factor, with the rights of a
// trusted device.
func (b *browser) back(p *person) {
	b.w.t.Helper()
	if user, two := b.sees(); user != p.email+" level 1 trusted true" || two != user {
		b.w.t.Errorf("back as (%q, %q), want %s", user, two, p.email)
	}
}

// TestR023_RememberedAfterTheLastStep checks that a browser is remembered only on request, where
// the site allows it, after all required factors.
func TestR023_RememberedAfterTheLastStep(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, n := w.withApp("alice"), w.person("newcomer")
	b := w.browser()
	none := func(r *answer, why string) {
		t.Helper()
		if r.cookie(stayCookie) != "" {
			t.Errorf("remembered %s", why)
		}
	}
	none(b.login(a, m{"remember": true}).want(200), "after the password")
	b.copy().only(stayCookie).out("the password alone")
	none(b.validate(a.wrong()).want(400), "after a wrong code")
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	none(b.validate(a.mailed()).want(200), "after a rescue")
	plain := w.browser()
	plain.login(a).want(200)
	none(plain.validate(a.next()).want(200), "without having asked")
	none(w.browser().login(n).want(200), "without having asked")
	w.staying(a)
	r := w.browser().login(n, m{"remember": true}).want(200)
	if r.cookie(stayCookie) == "" || r.cookie("tf_validity") != "" {
		t.Error("an account of one factor is not remembered, or its browser is trusted")
	}
	trusted := w.trusted(a)
	if r := trusted.login(a, m{"remember": true}).want(200); r.json["tf_required"] != false ||
		r.cookie(stayCookie) == "" {
		t.Errorf("a trusted browser is not remembered: %s", r.body)
	}
	late := w.trusted(a)
	w.advance(20 * 24 * time.Hour)
	late.login(a, m{"remember": true}).want(200)
	w.advance(9 * 24 * time.Hour)
	if user, _ := late.only(stayCookie).sees(); user == "" {
		t.Error("gone before the trust was")
	}
	w.advance(25 * time.Hour)
	late.only(stayCookie).out("longer than the device that stood for the second factor")

	off := w.restart(func(c *twofold.Config) { c.Sessions.Remember = 0 })
	old := w.browser().on(off)
	none(old.login(n, m{"remember": true}).want(200), "though the site remembers nobody")
	strict := w.restart(func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	c := w.browser().on(strict)
	c.login(a, m{"remember": true}).want(200)
	none(c.validate(a.next()).want(200), "though its second factor is always asked for")
	must := w.restart(func(c *twofold.Config) { c.TwoFactor.Required = true })
	f := w.browser().on(must)
	none(f.login(n, m{"remember": true}).want(200), "before the second factor that must be set up")
	s := f.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	n.app = decode(w, s.text("tf_authr_b32key"))
	if f.validate(n.code(0)).want(200).cookie(stayCookie) == "" {
		t.Error("not remembered after the set-up, which was the last step")
	}
}

// TestR023_RestoredIsNeverMore checks that a restored session has one factor, is never fresh, and
// meets a second factor only as a trusted device does.
func TestR023_RestoredIsNeverMore(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, n := w.withApp("alice"), w.person("newcomer")
	for p, want := range map[*person]string{a: a.email + " level 1 trusted true",
		n: n.email + " level 1 trusted false"} {
		b := w.staying(p)
		user, two := b.sees() // at once: what was proven a moment ago was proven elsewhere
		if user != want || p == a && two != want || p == n && two != "" {
			t.Errorf("signed in as (%q, %q), want %q", user, two, want)
		}
		if len(b.jar["twofold"]) != 43 {
			t.Error("no session was begun")
		}
		me := b.get("/me").want(200).json["user"].(m)
		if proof := me["methods"].([]any)[0].(m); me["fresh"] != false || proof["method"] != "remember" ||
			len(me["methods"].([]any)) != 1 {
			t.Errorf("%v", me)
		}
		for _, c := range []m{{"setup": "disable"}, {"setup": "authenticator"}, {"setup": "email", "add": true}} {
			b.post("/tf-setup", c).want(401).refused("security change by a cookie")
		}
		b.post("/tf-devices", m{}).want(401)
		b.post("/tf-sessions", m{}).want(401)
		if r := b.get("/app/user?include_auth_token"); strings.Contains(r.body, "token") ||
			r.header.Get("Authentication-Token") != "" {
			t.Error("a cookie begot a header token")
		}
		// After all factors are proven again, it is a regular session.
		b.post("/verify", m{"password": secret}).want(200)
		if p == a {
			b.validate(p.next()).want(200)
		}
		b.get("/tf-setup").want(200)
	}
}

// TestR023_PolicyIsAskedEachTime checks that the policy is applied when the browser returns, not
// when it was remembered.
func TestR023_PolicyIsAskedEachTime(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, n := w.withApp("alice"), w.person("newcomer")
	for name, c := range map[string]struct {
		change func(*twofold.Config)
		out    []*person
	}{
		"nothing changed":       {func(*twofold.Config) {}, nil},
		"nobody is remembered":  {func(c *twofold.Config) { c.Sessions.Remember = 0 }, []*person{a, n}},
		"no browser is trusted": {func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 }, []*person{a}},
		"hers are not": {func(c *twofold.Config) {
			c.TwoFactor.Trust = func(twofold.User) bool { return false }
		}, []*person{a}},
		"second factors are due": {func(c *twofold.Config) { c.TwoFactor.Required = true }, []*person{n}},
		"the account of n is off": {
			func(*twofold.Config) { w.write(`UPDATE twofold_users SET active = 0 WHERE id = ?`, n.id) }, []*person{n}},
	} {
		w.write(`UPDATE twofold_users SET active = 1`)
		w.restart()
		jars := map[*person]*browser{a: w.staying(a), n: w.staying(n)}
		node := w.restart(c.change)
		for p, b := range jars {
			refused := false
			for _, q := range c.out {
				refused = refused || p == q
			}
			user, _ := b.on(node).sees()
			if (user == "") != refused {
				t.Errorf("%s: %s sees %q", name, p.name, user)
			}
			if refused && name != "nobody is remembered" && b.jar[stayCookie] != "" {
				t.Errorf("%s: the cookie of %s stays", name, p.name)
			}
		}
	}
}

// TestR023_CookieCannotBeForged checks that the cookie is valid for one account and one browser.
func TestR023_CookieCannotBeForged(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.staying(a)
	cookie := b.jar[stayCookie]
	if again := w.staying(a).jar[stayCookie]; again == cookie {
		t.Error("two browsers have one value")
	}
	his := w.staying(v).jar[stayCookie]
	body, sig, _ := strings.Cut(cookie, ".")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	w.must(err)
	other, hisSig, _ := strings.Cut(his, ".")
	enc := base64.RawURLEncoding.EncodeToString
	forged := []string{
		"", ".", body, body + ".", "." + sig, cookie[:len(cookie)-1], cookie + "A", strings.ToUpper(cookie),
		body + "." + hisSig, other + "." + sig,
		enc([]byte(strings.ReplaceAll(string(payload), a.id, v.id))) + "." + sig,
		enc(payload) + "." + enc(make([]byte, 32)),
		a.id + "|" + sig, w.trusted(a).jar["tf_validity"],
	}
	for i := 0; i < len(cookie); i += 31 {
		forged = append(forged, cookie[:i]+string(cookie[i]^1)+cookie[i+1:])
	}
	for i, c := range forged {
		if c == cookie {
			continue
		}
		thief := w.browser()
		thief.jar[stayCookie] = c
		thief.out(fmt.Sprintf("forged %d", i))
	}
	trust := w.browser()
	trust.jar["tf_validity"] = cookie
	trust.asked(a, "for a trusted device's cookie")
	w.write(`UPDATE twofold_devices SET user_id = ?`, v.id)
	b.copy().out("the record was moved to another user")
	w.write(`UPDATE twofold_devices SET user_id = ?`, a.id)
	for _, cell := range w.dump() {
		if strings.Contains(cell.text, sig) ||
			strings.Contains(cell.text, string(payload[strings.Index(string(payload), `"s":"`)+5:][:43])) {
			t.Errorf("%s.%s holds the secret", cell.table, cell.column)
		}
	}
	if line := w.cookies[stayCookie][0]; !strings.Contains(line, "HttpOnly") ||
		!strings.Contains(line, "SameSite=Strict") || !strings.Contains(line, "Max-Age=2592000") {
		t.Errorf("attributes: %s", line)
	}
	if user, _ := b.sees(); user == "" || b.jar[stayCookie] == cookie || len(b.jar[stayCookie]) < 200 {
		t.Errorf("the real one does not work, or is the same after its use: %q", user)
	}
}

// TestR023_RememberedDies checks that the cookie ends with everything it depends on.
func TestR023_RememberedDies(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	ctx := t.Context()
	cases := []struct {
		name string
		end  func(a *person, b *browser) // b is in by its cookie
	}{
		{"life", func(*person, *browser) { w.advance(30*24*time.Hour + time.Second) }},
		{"password", func(a *person, _ *browser) {
			w.must(w.nodes[0].auth.SetPassword(ctx, a.id, "another horse 71 battery"))
		}},
		{"identity", func(a *person, _ *browser) {
			w.must(w.nodes[0].auth.SetIdentity(ctx, a.id, "new-"+a.email, ""))
		}},
		{"a factor more", func(a *person, _ *browser) { a.enrollMail() }},
		{"no factor more", func(a *person, _ *browser) {
			w.plantSession(a).post("/tf-setup", m{"setup": "disable"}).want(200)
		}},
		{"signing out", func(_ *person, b *browser) { b.form("/logout").want(303) }},
		{"signing out with the cookie alone",
			func(_ *person, b *browser) { b.only(stayCookie).form("/logout").want(303) }},
		{"all others ended", func(a *person, _ *browser) { w.plantSession(a).post("/tf-sessions", m{}).want(200) }},
		{"its session ended from elsewhere", func(a *person, b *browser) {
			_, mine := b.list("sessions")
			w.plantSession(a).post("/tf-sessions/"+mine["id"].(string), m{}).want(200)
			b.out("the session")
		}},
		{"its record ended from elsewhere", func(a *person, b *browser) {
			_, mine := b.list("devices")
			if mine["stays"] != true {
				t.Errorf("listed as %v", mine)
			}
			w.plantSession(a).post("/tf-devices/"+mine["id"].(string), m{}).want(200)
		}},
		{"all records ended", func(a *person, _ *browser) { w.plantSession(a).post("/tf-devices", m{}).want(200) }},
		{"this was not me", func(a *person, _ *browser) {
			w.browser().form("/tf-not-me/" + a.stopToken()).want(200)
		}},
		{"rescue", func(a *person, _ *browser) {
			r := w.plantPending(a)
			r.post("/tf-rescue", m{"help_setup": "email"}).want(200)
			r.validate(a.mailed()).want(200)
		}},
		{"switched off", func(a *person, _ *browser) { w.must(w.nodes[0].auth.SetActive(ctx, a.id, false)) }},
		{"reset by an operator", func(a *person, _ *browser) { w.must(w.nodes[0].auth.ResetAccess(ctx, a.id)) }},
		{"somebody else signs in there", func(_ *person, b *browser) {
			b.only(stayCookie)
			v := w.person("victor")
			b.login(v).want(200)
			if b.jar[stayCookie] != "" {
				t.Error("the cookie stays")
			}
			b.in(v, 1)
		}},
	}
	for i, c := range cases {
		a := w.withApp(fmt.Sprintf("alice%d", i))
		b := w.staying(a)
		if user, _ := b.sees(); user == "" {
			t.Fatalf("%s: not in before", c.name)
		}
		before := b.copy().only(stayCookie)
		c.end(a, b)
		before.out(c.name)
		b.only(stayCookie).out(c.name)
		w.must(w.nodes[0].auth.SetActive(ctx, a.id, true))
		before.out(c.name + ", later")
	}
}

// TestR023_CopyEndsIt presents a value that was already exchanged, so two clients must have it. The
// sessions of both end, the owner is notified, and the other sessions of the account continue.
func TestR023_CopyEndsIt(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a := w.withApp("alice")
	bystander := w.staying(a)
	bystander.sees()
	owner := w.staying(a)
	thief := owner.copy()
	first := owner.jar[stayCookie]
	owner.sees()
	if owner.jar[stayCookie] == first {
		t.Error("the cookie is the same after its use")
	}
	w.advance(29 * time.Second)
	tab := thief.copy()
	if user, _ := tab.sees(); user == "" {
		t.Error("a page of the same start is refused within the grace")
	}
	w.advance(2 * time.Second)
	thief.out("a copy")
	owner.out("the owner's session after the copy came back")
	tab.out("what the grace let in")
	owner.only(stayCookie).out("the owner's newest cookie")
	bystander.back(a)
	bystander.only(stayCookie).back(a)
	if n := w.kinds(a.email)["staying_copied"]; n != 1 {
		t.Errorf("the owner was told %d times", n)
	}
	if n := len(happened[event.StayingCopied](w)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestR023_ManyPagesAtOnce covers a browser that requests all its pages at startup, from several
// nodes. All are accepted, the cookie is exchanged once, and no reuse is reported.
func TestR023_ManyPagesAtOnce(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	w.start(nil)
	a := w.withApp("alice")
	b := w.staying(a)
	before := w.count("devices")
	for round := range 5 {
		tabs := make([]*browser, 16)
		for i := range tabs {
			tabs[i] = b.copy().on(w.nodes[i%len(w.nodes)])
		}
		old := b.jar[stayCookie]
		par(len(tabs), func(i int) { tabs[i].get("/app/user").want(200) })
		next := map[string]bool{}
		for _, tab := range tabs {
			tab.copy().only("twofold").back(a)
			if tab.jar[stayCookie] != old {
				next[tab.jar[stayCookie]] = true
				b = tab
			}
		}
		if n := w.count("devices"); len(next) != 1 || n != before || len(happened[event.StayingCopied](w)) > 0 {
			t.Fatalf("round %d: %d new cookies, %d records, %d copies", round, len(next), n,
				len(happened[event.StayingCopied](w)))
		}
		w.advance(time.Hour)
		b.only(stayCookie)
	}
	// Signing out while other pages restore the session leaves no session.
	for range 5 {
		b := w.staying(a)
		tabs := []*browser{b.copy(), b.copy(), b.copy()}
		tabs[0].get("/app/user").want(200)
		par(3, func(i int) {
			if i == 0 {
				tabs[0].form("/logout")
				return
			}
			tabs[i].get("/app/user")
		})
		for _, tab := range tabs {
			tab.out("after signing out")
		}
	}
}

// TestR023_OnlyThisSiteAsks checks that no page of another site can restore a session, and that a
// refused request does not spend the cookie. A request with a session does not spend it either.
func TestR023_OnlyThisSiteAsks(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a := w.withApp("alice")
	b := w.staying(a)
	origin := w.nodes[0].origin
	for _, c := range []struct {
		method string
		in     bool
		header []string
	}{
		{"GET", false, []string{"Sec-Fetch-Site", "cross-site"}},
		{"GET", false, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest",
			"document"}},
		{"GET", false, []string{"Sec-Fetch-Site", "same-site"}},
		{"GET", false, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.test"}},
		{"GET", false, []string{"Sec-Fetch-Site", "", "Origin", "null"}},
		{"GET", false, []string{"Authentication-Token", "x"}},
		{"GET", false, []string{"Authorization", "Bearer x"}},
		{"POST", false, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}},
		{"POST", false, []string{"Sec-Fetch-Site", "none"}},
		{"POST", false, []string{"Sec-Fetch-Site", ""}},
		{"POST", false, []string{"Sec-Fetch-Site", "", "Origin", strings.Replace(origin, "http:", "https:", 1)}},
		{"POST", true, []string{"Sec-Fetch-Site", "", "Origin", origin}},
		{"POST", true, []string{"Sec-Fetch-Site", "same-origin"}},
		{"GET", true, []string{"Sec-Fetch-Site", "none"}},
		{"GET", true, []string{"Sec-Fetch-Site", ""}},
		{"HEAD", true, nil},
	} {
		was := b.jar[stayCookie]
		r := b.do(c.method, "/app/user", "", "", append([]string{"Accept", typeJSON}, c.header...)...)
		if (r.status == http.StatusOK) != c.in || (b.jar[stayCookie] != was) != c.in ||
			(b.jar["twofold"] != "") != c.in {
			t.Errorf("%s %v: status %d, exchanged %v", c.method, c.header, r.status, b.jar[stayCookie] != was)
		}
		w.advance(time.Minute)
		b.only(stayCookie)
	}
	b.get("/app/user").want(200)
	was := b.jar[stayCookie]
	for range 3 {
		w.advance(40 * time.Second)
		b.get("/app/user").want(200)
	}
	if b.jar[stayCookie] != was {
		t.Error("exchanged though there is a session")
	}
}

// TestR023_PagesOfOurs checks that the sign-in page and the account pages restore a session, that
// steps of a pending sign-in do not, and that a sign-in is for the user whom it names.
func TestR023_PagesOfOurs(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.staying(a)
	if r := b.page("/login?next=/app/user").want(303); r.header.Get("Location") != "/" &&
		r.header.Get("Location") != "/app/user" {
		t.Errorf("to %s", r.header.Get("Location"))
	}
	b.back(a)
	for _, path := range []string{"/me", "/tf-sessions", "/tf-devices", "/tf-factors"} {
		b.only(stayCookie).get(path).want(200)
		w.advance(time.Minute)
	}
	if page := b.page("/tf-devices").want(200); !strings.Contains(page.body, "Stays signed in") {
		t.Error("the list does not say that it stays signed in")
	}
	b.only(stayCookie)
	b.login(v).want(200)
	b.get("/tf-validate").want(200)
	b.validate(v.next()).want(200)
	b.in(v, 2)
	b.only(stayCookie).out("the former cookie")
	page := w.browser().page("/login").want(200)
	if !strings.Contains(page.body, `name="remember"`) || strings.Contains(page.body, "checked") {
		t.Error("the box is not there, or ticked")
	}
	ticked := w.restart(func(c *twofold.Config) { c.Sessions.RememberByDefault = true })
	if page := w.browser().on(ticked).page("/login").want(200); !strings.Contains(page.body, " checked") {
		t.Error("the box is not ticked")
	}
	d := w.browser().on(ticked)
	d.login(a).want(200)
	if d.validate(a.next()).want(200).cookie(stayCookie) == "" {
		t.Error("a JSON sign-in that does not say is not remembered")
	}
	f := w.browser().on(ticked)
	f.form("/login", "email", a.email, "password", secret).want(303)
	if f.validate(a.next()).want(200).cookie(stayCookie) != "" {
		t.Error("remembered though the box was not ticked")
	}
}
