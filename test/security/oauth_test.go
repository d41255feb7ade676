package security_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// sites starts a world with two trusted providers, "corp" and "club", which have the same users
// under the same names.
func sites(t *testing.T, change ...func(*twofold.Config)) (*world, *federatedtest.Provider, *federatedtest.Provider) {
	t.Helper()
	var now func() time.Time
	clock := func() time.Time { return now() }
	corp, club := federatedtest.New(t, clock), federatedtest.New(t, clock)
	return newWorld(t, append([]func(*twofold.Config){func(c *twofold.Config) {
		now = c.Advanced.Now
		for _, site := range []*federatedtest.Provider{corp, club} {
			name := "corp"
			if site == club {
				name = "club"
			}
			p, err := oidc.New(oidc.Settings{Name: name, Issuer: site.URL, ClientID: site.ClientID,
				ClientSecret: site.Secret, Now: c.Advanced.Now})
			if err != nil {
				t.Fatal(err)
			}
			c.Accounts.OAuth = append(c.Accounts.OAuth, federated.Provider(p))
		}
	}}, change...)...), corp, club
}

// leave follows the redirect to the provider and returns the path of the callback.
func (b *browser) leave(site *federatedtest.Provider, start string) string {
	b.w.T.Helper()
	away := b.Do("POST", start, testkit.TypeJSON, "", "Accept", testkit.TypeJSON).Want(302)
	return b.path(site.Visit(away.Header.Get("Location")))
}

func (b *browser) path(u *url.URL) string {
	b.w.T.Helper()
	if u.Scheme+"://"+u.Host != b.Origin {
		b.w.T.Fatalf("sent back to %s", u)
	}
	return u.RequestURI()
}

// through signs in through a provider and returns the answer.
func (b *browser) through(site *federatedtest.Provider, name string) *answer {
	b.w.T.Helper()
	return b.Get(b.leave(site, "/login/oauthstart/"+name))
}

// connected connects the provider's current user to p's account.
func (p *person) connected(site *federatedtest.Provider, name string) *browser {
	p.w.T.Helper()
	b := p.w.plantSession(p)
	b.Get(b.leave(site, "/login/oauth-connect/"+name)).Want(200)
	return b
}

// TestR111_UsersAreIdentifiedByIssuerAndSubject checks that users are identified by issuer and subject,
// never by e-mail address, and that all other requirements still apply.
func TestR111_UsersAreIdentifiedByIssuerAndSubject(t *testing.T) {
	w, corp, club := sites(t)
	plain, full := w.person("alice"), w.withApp("full")
	corp.Lie(func(c map[string]any) { c["email"], c["email_verified"] = plain.Email, true })
	w.browser().through(corp, "corp").Want(400).Refused("the address of an account here")
	if w.count("connections") != 0 {
		t.Fatal("connected by e-mail address")
	}
	corp.Lie(nil)
	plain.connected(corp, "corp")
	b := w.browser()
	if a := b.through(corp, "corp").Want(200); a.JSON["tf_required"] != false {
		t.Errorf("answered %v", a.JSON)
	}
	b.in(plain, 1)
	w.browser().through(club, "club").Want(400).Refused("the same subject of another issuer")
	corp.SignIn("bob")
	w.browser().through(corp, "corp").Want(400).Refused("another subject of the same issuer")
	full.connected(corp, "corp")
	b = w.browser()
	if a := b.through(corp, "corp").Want(200); a.JSON["tf_required"] != true ||
		a.JSON["tf_method"] != "authenticator" || a.JSON["user"] != nil {
		t.Errorf("answered %v", a.JSON)
	}
	b.out("before the second factor")
	b.validate(full.Next()).Want(200)
	b.in(full, 2)
}

// TestR111_StateIsOfThisBrowserProviderAndMoment.
func TestR111_StateIsOfThisBrowserProviderAndMoment(t *testing.T) {
	w, corp, club := sites(t)
	p := w.person("alice")
	p.connected(corp, "corp")
	p.connected(club, "club")
	refused := func(why string, b *browser, path string) {
		t.Helper()
		b.Get(path).Refused(why)
		b.out(why)
		b.Do("GET", path, "", "", "Accept", "text/html")
		b.out(why + ", as a page")
	}
	b := w.browser()
	back := b.leave(corp, "/login/oauthstart/corp")
	refused("somebody's answer in a browser that never asked", w.browser(), back)
	other := w.browser()
	other.leave(corp, "/login/oauthstart/corp")
	refused("somebody's answer in a browser that asked for another", other, back)
	b.Get(back).Want(200)
	b.in(p, 1)

	b = w.browser()
	back = b.leave(corp, "/login/oauthstart/corp")
	thief := b.copy()
	refused("at another provider's path", b.copy(), strings.Replace(back, "/corp?", "/club?", 1))
	refused("at the path of asking again", b.copy(), strings.Replace(back, "oauthresponse", "oauth-verify-response", 1))
	for _, q := range []string{"", "?code=x", "?state=", "?" + strings.SplitN(back, "?", 2)[1] + "&state=x"} {
		refused("parameters "+q, b.copy(), strings.SplitN(back, "?", 2)[0]+q)
	}
	b.Do("HEAD", back, "", "").Want(405)
	b.Get(back).Want(200)
	refused("a second time", thief, back)

	b = w.browser()
	back = b.leave(corp, "/login/oauthstart/corp")
	w.Advance(10 * time.Minute)
	refused("ten minutes later", b, back)

	for name, answer := range map[string]func(url.Values){
		"no code":         func(v url.Values) { v.Del("code") },
		"denied":          func(v url.Values) { v.Set("error", "access_denied") },
		"another issuer":  func(v url.Values) { v.Set("iss", club.URL) },
		"no issuer":       func(v url.Values) { v.Del("iss") },
		"another's code":  func(v url.Values) { v.Set("code", "AAAA") },
		"markup in error": func(v url.Values) { v.Set("error", "<script>alert(1)</script>") },
	} {
		corp.Answer(answer)
		b := w.browser()
		refused(name, b, b.leave(corp, "/login/oauthstart/corp"))
	}
	if strings.Contains(w.replies.String(), "<script>alert") {
		t.Error("an error of the other site stands in a reply")
	}
}

// TestR111_ConnectingNeedsAFreshSessionOfTheAccount checks that the session must have all factors
// and be the same from start to callback, and that freshness is checked before the redirect.
func TestR111_ConnectingNeedsAFreshSessionOfTheAccount(t *testing.T) {
	w, corp, _ := sites(t)
	p, eve := w.withApp("alice"), w.person("evelyn")
	w.browser().Post("/login/oauth-connect/corp", nil).Want(401)
	w.plantPending(p).Post("/login/oauth-connect/corp", nil).Want(401)
	b := w.plantSession(p)
	b.Do("POST", "/login/oauth-connect/corp", testkit.TypeJSON, "", "Accept", testkit.TypeJSON, "Sec-Fetch-Site",
		"cross-site").Want(403)
	b.Get("/login/oauth-connect/corp").Want(405)

	back := b.leave(corp, "/login/oauth-connect/corp")
	w.Advance(16 * time.Minute)
	b.Get(back).Refused("sixteen minutes after the sign-in")
	b.Post("/login/oauth-connect/corp", nil).Want(401)

	b, thief := w.plantSession(p), w.plantSession(eve)
	back = thief.leave(corp, "/login/oauth-connect/corp")
	for _, name := range []string{"twofold-oauth"} { // the attacker's errand in the victim's browser
		b.Jar[name] = thief.Jar[name]
	}
	b.Get(back).Refused("an errand that another session began")
	if w.count("connections") != 0 {
		t.Fatal("connected")
	}

	b = w.plantSession(p)
	old, token := b.copy(), b.Jar["twofold"]
	b.Get(b.leave(corp, "/login/oauth-connect/corp")).Want(200)
	b.in(p, 2)
	if b.Jar["twofold"] == token {
		t.Error("the session kept its token")
	}
	old.out("a session from before the change")
	if w.kinds(p.Email)["connection_added"] != 1 {
		t.Error("the owner was not told")
	}
	other := w.plantSession(eve)
	other.Get(other.leave(corp, "/login/oauth-connect/corp")).Want(400).Refused("an account that opens another one")
	if w.count("connections") != 1 {
		t.Error("two connections")
	}
	connections, _ := b.Get("/me").Want(200).JSON["oauth_connections"].([]any)
	id, _ := connections[0].(m)["id"].(string)
	other.Post("/login/oauth-disconnect", m{"id": id}).Want(400)
	w.Advance(16 * time.Minute)
	b.Post("/login/oauth-disconnect", m{"id": id}).Want(401)
	b = w.plantSession(p)
	b.Post("/login/oauth-disconnect", m{"id": id}).Want(200)
	b.in(p, 2)
	w.browser().through(corp, "corp").Want(400).Refused("disconnected")
	if w.kinds(p.Email)["connection_removed"] != 1 {
		t.Error("the owner was not told")
	}
}

// TestR022_AnotherSiteIsOneFactor checks that a provider counts as one factor whatever it claims,
// and that the account must be active.
func TestR022_AnotherSiteIsOneFactor(t *testing.T) {
	w, corp, _ := sites(t)
	p := w.withApp("alice")
	p.connected(corp, "corp")
	corp.Lie(func(c map[string]any) { c["amr"], c["acr"] = []string{"pwd", "otp", "mfa", "hwk"}, "urn:mfa" })
	b := w.browser()
	b.through(corp, "corp").Want(200)
	b.out("its word for a second factor")
	b.validate(p.Wrong()).Want(400)
	b.out("a wrong code")
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
	w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false))
	off := w.browser()
	off.through(corp, "corp").Want(400).Refused("an account that is off")
	off.out("an account that is off")
}

// TestR054_AskingAgainThroughAnotherSite checks that re-authentication requires the connected
// account of the provider, and that its user authenticated there just now.
func TestR054_AskingAgainThroughAnotherSite(t *testing.T) {
	w, corp, club := sites(t)
	p, q, full := w.person("alice"), w.person("robert"), w.withApp("full")
	p.connected(corp, "corp")
	corp.SignIn("bob")
	q.connected(corp, "corp")
	corp.SignIn("full")
	full.connected(corp, "corp")
	stale := func(p *person) *browser {
		b := w.plantSession(p)
		w.Advance(16 * time.Minute)
		b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
		return b
	}
	verify := func(b *browser, site *federatedtest.Provider, name string) *answer {
		return b.Get(b.leave(site, "/login/oauth-verify-start/"+name))
	}
	b := stale(p)
	for user, why := range map[string]string{"bob": "another user's account there",
		"nobody": "an account there that opens none"} {
		corp.SignIn(user)
		verify(b, corp, "corp").Want(400).Refused(why)
		b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
	}
	club.SignIn("alice")
	verify(b, club, "club").Want(400).Refused("the same name at another site")
	corp.SignIn("alice")
	corp.Lie(func(c map[string]any) { c["auth_time"] = w.Now().Add(-time.Hour).Unix() })
	verify(b, corp, "corp").Want(400).Refused("a proof an hour old")
	corp.Lie(nil)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
	w.browser().Post("/login/oauth-verify-start/corp", nil).Want(401)
	second := stale(p)
	verify(b, corp, "corp").Want(200)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	second.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)

	corp.SignIn("full")
	b = stale(full)
	if a := verify(b, corp, "corp").Want(200); a.JSON["tf_required"] != true {
		t.Errorf("answered %v", a.JSON)
	}
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
	b.validate(full.Next()).Want(200)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}

// TestR107_TheWayThroughAnotherSiteLeadsHome.
func TestR107_TheWayThroughAnotherSiteLeadsHome(t *testing.T) {
	w, corp, _ := sites(t)
	p := w.person("alice")
	p.connected(corp, "corp")
	for _, next := range []string{"https://evil.test/", "//evil.test", `/\evil.test`, "/\t/evil.test",
		"javascript:alert(1)", strings.Repeat("/a", 400)} {
		b := w.browser()
		away := b.Form("/login/oauthstart/corp", "next", next).Want(200)
		to, ok := strings.CutPrefix(away.Header.Get("Refresh"), "0; url="+corp.URL+"/authorize?")
		if !ok || strings.Contains(to, "evil") {
			t.Fatalf("sent to %q", away.Header.Get("Refresh"))
		}
		a := b.Page(b.path(corp.Visit(corp.URL+"/authorize?"+to)) + "&next=" + url.QueryEscape(next)).Want(303)
		if at := a.Header.Get("Location"); at != "/" && at != strings.Repeat("/a", 400) {
			t.Errorf("%q leads to %q", next, at)
		}
		b.in(p, 1)
	}
	b := w.browser()
	away := b.Form("/login/oauthstart/corp", "next", "/app/user?x=1").Want(200)
	a := b.Page(b.path(corp.Visit(strings.TrimPrefix(away.Header.Get("Refresh"), "0; url=")))).Want(303)
	if a.Header.Get("Location") != "/app/user?x=1" {
		t.Errorf("leads to %q", a.Header.Get("Location"))
	}
}

// TestR146_ASiteThatIsDownOpensNothing also checks that no stored data is lost.
func TestR146_ASiteThatIsDownOpensNothing(t *testing.T) {
	w, corp, _ := sites(t)
	p := w.person("alice")
	corp.Down(true)
	w.browser().Post("/login/oauthstart/corp", nil).Want(503)
	corp.Down(false)
	p.connected(corp, "corp")
	b := w.browser()
	back := b.leave(corp, "/login/oauthstart/corp")
	corp.Down(true)
	b.Get(back).Want(503)
	b.out("no answer of its token endpoint")
	corp.Down(false)
	b.Get(back).Want(400).Refused("the same state again")
	b.through(corp, "corp").Want(200)
	b.in(p, 1)
}

// TestASignedInUserIsToldSoWhateverTheSite checks that a signed-in user gets the same answer for
// known and unknown providers. Without a session, an unknown provider is reported as such.
// Flask-Security checks in the same order.
func TestASignedInUserIsToldSoWhateverTheSite(t *testing.T) {
	w, corp, _ := sites(t)
	p := w.person("alice")
	p.connected(corp, "corp")
	stranger, b := w.browser(), w.browser()
	stranger.Do("POST", "/login/oauthstart/unknown", testkit.TypeJSON, "", "Accept", testkit.TypeJSON).Want(404)
	stranger.Form("/login/oauthstart/corp", "corp", "Sign in with corp").Want(200) // the original's form
	b.Get(b.leave(corp, "/login/oauthstart/corp")).Want(200)
	for _, name := range []string{"corp", "unknown"} {
		b.Do("POST", "/login/oauthstart/"+name, testkit.TypeJSON, "", "Accept", testkit.TypeJSON).Want(400)
		if to := b.Form("/login/oauthstart/" + name).Want(303).Header.Get("Location"); to != "/" {
			t.Errorf("%s leads to %s", name, to)
		}
	}
	b.in(p, 1)
}

// TestR054_ALockedAccountIsSentNoCode checks that if the application locks an account, its session
// continues, and a proof through a provider does not send the code of a second factor.
func TestR054_ALockedAccountIsSentNoCode(t *testing.T) {
	locked := false
	w, corp, _ := sites(t, func(c *twofold.Config) { c.Accounts.Locked = func(twofold.User) bool { return locked } })
	p := w.person("alice")
	corp.SignIn("alice")
	p.connected(corp, "corp")
	p.enrollSMS("+16502530001")
	b, before := w.plantSession(p), w.texts()
	locked = true
	b.Get(b.leave(corp, "/login/oauth-verify-start/corp")).Want(400)
	if n := w.texts() - before; n != 0 {
		t.Errorf("%d texts were sent", n)
	}
}
