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
	"github.com/twofold-auth/twofold/internal/testkit"
)

const stayCookie = "remember_token"

func remembering(c *twofold.Config) { c.Sessions.Remember = 30 * 24 * time.Hour }

// staying signs p in with "remember me" and returns the browser without its session cookie.
func (w *world) staying(p *person) *browser {
	w.T.Helper()
	b := w.browser()
	b.login(p, m{"remember": true}).Want(200)
	if p.App != nil {
		b.validate(p.Next()).Want(200)
	}
	if b.Jar[stayCookie] == "" {
		w.T.Fatalf("%s is not remembered", p.Name)
	}
	return b.only(stayCookie)
}

// back checks that this browser is signed in as p, who has a second factor, with the rights of a
// trusted device.
func (b *browser) back(p *person) {
	b.w.T.Helper()
	if user, two := b.sees(); user != p.Email+" level 1 trusted true" || two != user {
		b.w.T.Errorf("back as (%q, %q), want %s", user, two, p.Email)
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
		if r.Cookie(stayCookie) != "" {
			t.Errorf("remembered %s", why)
		}
	}
	none(b.login(a, m{"remember": true}).Want(200), "after the password")
	b.copy().only(stayCookie).out("the password alone")
	none(b.validate(a.Wrong()).Want(400), "after a wrong code")
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	none(b.validate(a.Mailed()).Want(200), "after a rescue")
	plain := w.browser()
	plain.login(a).Want(200)
	none(plain.validate(a.Next()).Want(200), "without having asked")
	none(w.browser().login(n).Want(200), "without having asked")
	w.staying(a)
	r := w.browser().login(n, m{"remember": true}).Want(200)
	if r.Cookie(stayCookie) == "" || r.Cookie("tf_validity") != "" {
		t.Error("an account of one factor is not remembered, or its browser is trusted")
	}
	trusted := w.trusted(a)
	if r := trusted.login(a, m{"remember": true}).Want(200); r.JSON["tf_required"] != false ||
		r.Cookie(stayCookie) == "" {
		t.Errorf("a trusted browser is not remembered: %s", r.Body)
	}
	late := w.trusted(a)
	w.Advance(20 * 24 * time.Hour)
	late.login(a, m{"remember": true}).Want(200)
	w.Advance(9 * 24 * time.Hour)
	if user, _ := late.only(stayCookie).sees(); user == "" {
		t.Error("gone before the trust was")
	}
	w.Advance(25 * time.Hour)
	late.only(stayCookie).out("longer than the device that stood for the second factor")

	off := w.Restart(func(c *twofold.Config) { c.Sessions.Remember = 0 })
	old := w.browser().on(off)
	none(old.login(n, m{"remember": true}).Want(200), "though the site remembers nobody")
	strict := w.Restart(func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	c := w.browser().on(strict)
	c.login(a, m{"remember": true}).Want(200)
	none(c.validate(a.Next()).Want(200), "though its second factor is always asked for")
	must := w.Restart(func(c *twofold.Config) { c.TwoFactor.Required = true })
	f := w.browser().on(must)
	none(f.login(n, m{"remember": true}).Want(200), "before the second factor that must be set up")
	s := f.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	n.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	if f.validate(n.Code(0)).Want(200).Cookie(stayCookie) == "" {
		t.Error("not remembered after the set-up, which was the last step")
	}
}

// TestR023_RestoredIsNeverMore checks that a restored session has one factor, is never fresh, and
// meets a second factor only as a trusted device does.
func TestR023_RestoredIsNeverMore(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, n := w.withApp("alice"), w.person("newcomer")
	for p, want := range map[*person]string{a: a.Email + " level 1 trusted true",
		n: n.Email + " level 1 trusted false"} {
		b := w.staying(p)
		user, two := b.sees() // at once: what was proven a moment ago was proven elsewhere
		if user != want || p == a && two != want || p == n && two != "" {
			t.Errorf("signed in as (%q, %q), want %q", user, two, want)
		}
		if len(b.Jar["twofold"]) != 43 {
			t.Error("no session was begun")
		}
		me := b.Get("/me").Want(200).JSON["user"].(m)
		if proof := me["methods"].([]any)[0].(m); me["fresh"] != false || proof["method"] != "remember" ||
			len(me["methods"].([]any)) != 1 {
			t.Errorf("%v", me)
		}
		for _, c := range []m{{"setup": "disable"}, {"setup": "authenticator"}, {"setup": "email", "add": true}} {
			b.Post("/tf-setup", c).Want(401).Refused("security change by a cookie")
		}
		b.Post("/tf-devices", m{}).Want(401)
		b.Post("/tf-sessions", m{}).Want(401)
		if r := b.Get("/app/user?include_auth_token"); strings.Contains(r.Body, "token") ||
			r.Header.Get("Authentication-Token") != "" {
			t.Error("a cookie begot a header token")
		}
		// After all factors are proven again, it is a regular session.
		b.Post("/verify", m{"password": secret}).Want(200)
		if p == a {
			b.validate(p.Next()).Want(200)
		}
		b.Get("/tf-setup").Want(200)
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
			func(*twofold.Config) { w.write(`UPDATE twofold_users SET active = 0 WHERE id = ?`, n.ID) }, []*person{n}},
	} {
		w.write(`UPDATE twofold_users SET active = 1`)
		w.Restart()
		jars := map[*person]*browser{a: w.staying(a), n: w.staying(n)}
		node := w.Restart(c.change)
		for p, b := range jars {
			refused := false
			for _, q := range c.out {
				refused = refused || p == q
			}
			user, _ := b.on(node).sees()
			if (user == "") != refused {
				t.Errorf("%s: %s sees %q", name, p.Name, user)
			}
			if refused && name != "nobody is remembered" && b.Jar[stayCookie] != "" {
				t.Errorf("%s: the cookie of %s stays", name, p.Name)
			}
		}
	}
}

// TestR023_CookieCannotBeForged checks that the cookie is valid for one account and one browser.
func TestR023_CookieCannotBeForged(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.staying(a)
	cookie := b.Jar[stayCookie]
	if again := w.staying(a).Jar[stayCookie]; again == cookie {
		t.Error("two browsers have one value")
	}
	his := w.staying(v).Jar[stayCookie]
	body, sig, _ := strings.Cut(cookie, ".")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	w.Must(err)
	other, hisSig, _ := strings.Cut(his, ".")
	enc := base64.RawURLEncoding.EncodeToString
	forged := []string{
		"", ".", body, body + ".", "." + sig, cookie[:len(cookie)-1], cookie + "A", strings.ToUpper(cookie),
		body + "." + hisSig, other + "." + sig,
		enc([]byte(strings.ReplaceAll(string(payload), a.ID, v.ID))) + "." + sig,
		enc(payload) + "." + enc(make([]byte, 32)),
		a.ID + "|" + sig, w.trusted(a).Jar["tf_validity"],
	}
	for i := 0; i < len(cookie); i += 31 {
		forged = append(forged, cookie[:i]+string(cookie[i]^1)+cookie[i+1:])
	}
	for i, c := range forged {
		if c == cookie {
			continue
		}
		thief := w.browser()
		thief.Jar[stayCookie] = c
		thief.out(fmt.Sprintf("forged %d", i))
	}
	trust := w.browser()
	trust.Jar["tf_validity"] = cookie
	trust.asked(a, "for a trusted device's cookie")
	w.write(`UPDATE twofold_devices SET user_id = ?`, v.ID)
	b.copy().out("the record was moved to another user")
	w.write(`UPDATE twofold_devices SET user_id = ?`, a.ID)
	for _, cell := range w.dump() {
		if strings.Contains(cell.Text, sig) ||
			strings.Contains(cell.Text, string(payload[strings.Index(string(payload), `"s":"`)+5:][:43])) {
			t.Errorf("%s.%s holds the secret", cell.Table, cell.Column)
		}
	}
	if line := w.cookies[stayCookie][0]; !strings.Contains(line, "HttpOnly") ||
		!strings.Contains(line, "SameSite=Strict") || !strings.Contains(line, "Max-Age=2592000") {
		t.Errorf("attributes: %s", line)
	}
	if user, _ := b.sees(); user == "" || b.Jar[stayCookie] == cookie || len(b.Jar[stayCookie]) < 200 {
		t.Errorf("the real one does not work, or is the same after its use: %q", user)
	}
}

// TestR023_ARememberedBrowserEnds checks that the cookie ends with everything it depends on.
func TestR023_ARememberedBrowserEnds(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	ctx := t.Context()
	cases := []struct {
		name string
		end  func(a *person, b *browser) // b is in by its cookie
	}{
		{"life", func(*person, *browser) { w.Advance(30*24*time.Hour + time.Second) }},
		{"password", func(a *person, _ *browser) {
			w.Must(w.Nodes[0].Auth.SetPassword(ctx, a.ID, "another horse 71 battery"))
		}},
		{"identity", func(a *person, _ *browser) {
			w.Must(w.Nodes[0].Auth.SetIdentity(ctx, a.ID, "new-"+a.Email, ""))
		}},
		{"a factor more", func(a *person, _ *browser) { a.enrollMail() }},
		{"no factor more", func(a *person, _ *browser) {
			w.plantSession(a).Post("/tf-setup", m{"setup": "disable"}).Want(200)
		}},
		{"signing out", func(_ *person, b *browser) { b.Form("/logout").Want(303) }},
		{"signing out with the cookie alone",
			func(_ *person, b *browser) { b.only(stayCookie).Form("/logout").Want(303) }},
		{"all others ended", func(a *person, _ *browser) { w.plantSession(a).Post("/tf-sessions", m{}).Want(200) }},
		{"its session ended from elsewhere", func(a *person, b *browser) {
			_, mine := b.list("sessions")
			w.plantSession(a).Post("/tf-sessions/"+mine["id"].(string), m{}).Want(200)
			b.out("the session")
		}},
		{"its record ended from elsewhere", func(a *person, b *browser) {
			_, mine := b.list("devices")
			if mine["stays"] != true {
				t.Errorf("listed as %v", mine)
			}
			w.plantSession(a).Post("/tf-devices/"+mine["id"].(string), m{}).Want(200)
		}},
		{"all records ended", func(a *person, _ *browser) { w.plantSession(a).Post("/tf-devices", m{}).Want(200) }},
		{"this was not me", func(a *person, _ *browser) {
			w.browser().Form("/tf-not-me/" + a.stopToken()).Want(200)
		}},
		{"rescue", func(a *person, _ *browser) {
			r := w.plantPending(a)
			r.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			r.validate(a.Mailed()).Want(200)
		}},
		{"switched off", func(a *person, _ *browser) { w.Must(w.Nodes[0].Auth.SetActive(ctx, a.ID, false)) }},
		{"reset by an operator", func(a *person, _ *browser) { w.Must(w.Nodes[0].Auth.ResetAccess(ctx, a.ID)) }},
		{"somebody else signs in there", func(_ *person, b *browser) {
			b.only(stayCookie)
			v := w.person("victor")
			b.login(v).Want(200)
			if b.Jar[stayCookie] != "" {
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
		w.Must(w.Nodes[0].Auth.SetActive(ctx, a.ID, true))
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
	first := owner.Jar[stayCookie]
	owner.sees()
	if owner.Jar[stayCookie] == first {
		t.Error("the cookie is the same after its use")
	}
	w.Advance(29 * time.Second)
	tab := thief.copy()
	if user, _ := tab.sees(); user == "" {
		t.Error("a page of the same start is refused within the grace")
	}
	w.Advance(2 * time.Second)
	thief.out("a copy")
	owner.out("the owner's session after the copy came back")
	tab.out("what the grace let in")
	owner.only(stayCookie).out("the owner's newest cookie")
	bystander.back(a)
	bystander.only(stayCookie).back(a)
	if n := w.kinds(a.Email)["staying_copied"]; n != 1 {
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
	w.Start(nil)
	a := w.withApp("alice")
	b := w.staying(a)
	before := w.count("devices")
	for round := range 5 {
		tabs := make([]*browser, 16)
		for i := range tabs {
			tabs[i] = b.copy().on(w.Nodes[i%len(w.Nodes)])
		}
		old := b.Jar[stayCookie]
		testkit.Par(len(tabs), func(i int) { tabs[i].Get("/app/user").Want(200) })
		next := map[string]bool{}
		for _, tab := range tabs {
			tab.copy().only("twofold").back(a)
			if tab.Jar[stayCookie] != old {
				next[tab.Jar[stayCookie]] = true
				b = tab
			}
		}
		if n := w.count("devices"); len(next) != 1 || n != before || len(happened[event.StayingCopied](w)) > 0 {
			t.Fatalf("round %d: %d new cookies, %d records, %d copies", round, len(next), n,
				len(happened[event.StayingCopied](w)))
		}
		w.Advance(time.Hour)
		b.only(stayCookie)
	}
	// Signing out while other pages restore the session leaves no session.
	for range 5 {
		b := w.staying(a)
		tabs := []*browser{b.copy(), b.copy(), b.copy()}
		tabs[0].Get("/app/user").Want(200)
		testkit.Par(3, func(i int) {
			if i == 0 {
				tabs[0].Form("/logout")
				return
			}
			tabs[i].Get("/app/user")
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
	origin := w.Nodes[0].Origin
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
		was := b.Jar[stayCookie]
		r := b.Do(c.method, "/app/user", "", "", append([]string{"Accept", testkit.TypeJSON}, c.header...)...)
		if (r.Status == http.StatusOK) != c.in || (b.Jar[stayCookie] != was) != c.in ||
			(b.Jar["twofold"] != "") != c.in {
			t.Errorf("%s %v: status %d, exchanged %v", c.method, c.header, r.Status, b.Jar[stayCookie] != was)
		}
		w.Advance(time.Minute)
		b.only(stayCookie)
	}
	b.Get("/app/user").Want(200)
	was := b.Jar[stayCookie]
	for range 3 {
		w.Advance(40 * time.Second)
		b.Get("/app/user").Want(200)
	}
	if b.Jar[stayCookie] != was {
		t.Error("exchanged though there is a session")
	}
}

// TestR023_PagesOfOurs checks that the sign-in page and the account pages restore a session, that
// steps of a pending sign-in do not, and that a sign-in is for the user whom it names.
func TestR023_PagesOfOurs(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.staying(a)
	if r := b.Page("/login?next=/app/user").Want(303); r.Header.Get("Location") != "/" &&
		r.Header.Get("Location") != "/app/user" {
		t.Errorf("to %s", r.Header.Get("Location"))
	}
	b.back(a)
	for _, path := range []string{"/me", "/tf-sessions", "/tf-devices", "/tf-factors"} {
		b.only(stayCookie).Get(path).Want(200)
		w.Advance(time.Minute)
	}
	if page := b.Page("/tf-devices").Want(200); !strings.Contains(page.Body, "Stays signed in") {
		t.Error("the list does not say that it stays signed in")
	}
	b.only(stayCookie)
	b.login(v).Want(200)
	b.Get("/tf-validate").Want(200)
	b.validate(v.Next()).Want(200)
	b.in(v, 2)
	b.only(stayCookie).out("the former cookie")
	page := w.browser().Page("/login").Want(200)
	if !strings.Contains(page.Body, `name="remember"`) || strings.Contains(page.Body, "checked") {
		t.Error("the box is not there, or ticked")
	}
	ticked := w.Restart(func(c *twofold.Config) { c.Sessions.RememberByDefault = true })
	if page := w.browser().on(ticked).Page("/login").Want(200); !strings.Contains(page.Body, " checked") {
		t.Error("the box is not ticked")
	}
	d := w.browser().on(ticked)
	d.login(a).Want(200)
	if d.validate(a.Next()).Want(200).Cookie(stayCookie) == "" {
		t.Error("a JSON sign-in that does not say is not remembered")
	}
	f := w.browser().on(ticked)
	f.Form("/login", "email", a.Email, "password", secret).Want(303)
	if f.validate(a.Next()).Want(200).Cookie(stayCookie) != "" {
		t.Error("remembered though the box was not ticked")
	}
}
