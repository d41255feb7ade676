package security_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const signUpPath = "/login/oauth-signup"

// signsUp lets users of the provider corp create accounts, but not users of club. Registration is
// closed.
func signsUp(c *twofold.Config) {
	open(c)
	c.Accounts.Registerable, c.Accounts.OAuthSignUp = false, []string{"corp"}
}

// owned makes corp authoritative for addresses of its domain.
func owned(site *federatedtest.Provider) func(*twofold.Config) {
	return func(c *twofold.Config) {
		p, err := oidc.New(oidc.Settings{
			Name: "corp", Issuer: site.URL, ClientID: site.ClientID, ClientSecret: site.Secret, Now: c.Advanced.Now,
			Domains: []string{"corp.test"},
		})
		if err != nil {
			panic(err)
		}
		c.Accounts.OAuth = []federated.Provider{p}
	}
}

// newAt returns a person who has an account at corp and none here.
func (w *world) newAt(corp *federatedtest.Provider, name string) *person {
	corp.SignIn(name)
	return w.of(testkit.Person{Email: name + "@corp.test"})
}

// TestR385_AnAccountIsMadeOfAProvenAddressOnly checks that the provider must report the address as
// verified, and that the mailed code must be entered. Before that there is no account to sign in
// to.
func TestR385_AnAccountIsMadeOfAProvenAddressOnly(t *testing.T) {
	w, corp, club := sites(t, signsUp)
	ann := w.newAt(corp, "ann")
	club.SignIn("ann")
	w.browser().through(club, "club").Want(400).Refused("a site whose users make no accounts")
	if asked := club.Asked().Get("scope"); asked != "openid" {
		t.Errorf("that site is asked for %q", asked)
	}
	for what, lie := range map[string]func(map[string]any){
		"not verified":  func(c map[string]any) { c["email_verified"] = false },
		"the text true": func(c map[string]any) { c["email_verified"] = "true" },
		"not said":      func(c map[string]any) { delete(c, "email_verified") },
		"no address":    func(c map[string]any) { delete(c, "email") },
		"several":       func(c map[string]any) { c["email"] = "ann@corp.test,eve@evil.test" },
		"with a name":   func(c map[string]any) { c["email"] = "Ann <ann@corp.test>" },
		"no domain":     func(c map[string]any) { c["email"] = "ann" },
	} {
		corp.Lie(lie)
		b := w.browser()
		b.through(corp, "corp").Want(400).Refused(what)
		b.Post(signUpPath, m{"code": "000000"}).Want(400).Refused(what)
	}
	corp.Lie(nil)
	if w.count("users")+len(w.Mail.To(ann.Email)) != 0 {
		t.Fatal("something was made or sent")
	}

	b := w.browser()
	r := b.through(corp, "corp").Want(200)
	if r.JSON["oauth_signup"] != "code" || r.JSON["email"] != ann.Email || r.JSON["user"] != nil {
		t.Errorf("answered %s", r.Body)
	}
	b.out("before the code")
	code := ann.Mailed()
	b.Post(signUpPath, m{}).Want(400)
	b.Post(signUpPath, m{"code": ann.Wrong()}).Want(400)
	other := w.browser()
	other.through(corp, "corp").Want(200)
	other.Post(signUpPath, m{"code": code}).Want(400).Refused("the code of another browser")
	w.browser().Post(signUpPath, m{"code": code}).Want(400).Refused("a browser that was never there")
	if w.count("users") != 0 {
		t.Fatal("an account was made without the code")
	}
	b.Post(signUpPath, m{"code": code}).Want(200)
	b.in(ann, 1)
	u, there := w.found(ann.Email)
	if !there || u.Email != ann.Email || w.count("users") != 1 || w.count("connections") != 1 {
		t.Fatalf("%+v", u)
	}
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200) // the address counts as proven
	again := w.browser()
	again.through(corp, "corp").Want(200)
	again.in(ann, 1)
	e := happened[event.UserRegistered](w)
	if len(e) != 1 || e[0].Provider != "corp" || e[0].User.Email != ann.Email {
		t.Errorf("told %+v", e)
	}
}

// TestR385_ASiteThatRunsTheMailboxProvesTheAddress checks that a provider proves only addresses of
// its own domains.
func TestR385_ASiteThatRunsTheMailboxProvesTheAddress(t *testing.T) {
	var now func() time.Time
	corp := federatedtest.New(t, func() time.Time { return now() })
	w := newWorld(t, signsUp, func(c *twofold.Config) { now = c.Advanced.Now }, owned(corp))
	ann := w.newAt(corp, "ann")
	b := w.browser()
	if r := b.through(corp, "corp").Want(200); r.JSON["tf_required"] != false {
		t.Errorf("answered %s", r.Body)
	}
	b.in(ann, 1)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	corp.SignIn("bob")
	corp.Lie(func(c map[string]any) { c["email"] = "bob@elsewhere.test" })
	if r := w.browser().through(corp, "corp").Want(200); r.JSON["oauth_signup"] != "code" {
		t.Errorf("an address of another domain: %s", r.Body)
	}
	corp.Lie(func(c map[string]any) { c["email_verified"] = false })
	w.browser().through(corp, "corp").Want(400).Refused("an address of its own that it did not verify")
	if w.count("users") != 1 {
		t.Error("an account too many")
	}
}

// TestR386_ATakenAddressIsNeverLinked covers an account whose owner proved the address, and one
// that was only registered with it. The conflict is shown only to a person for whom the provider
// verified the address.
func TestR386_ATakenAddressIsNeverLinked(t *testing.T) {
	w, corp, _ := sites(t, signsUp, func(c *twofold.Config) { c.Accounts.Registerable = true })
	ann := w.newAt(corp, "ann")
	w.registers(ann.Email, newSecret).Want(200) // and the address was not proven
	w.settled()
	before := len(w.Mail.To(ann.Email))
	corp.Lie(func(c map[string]any) { c["email"] = "ANN@corp.test" })
	b := w.browser()
	r := b.through(corp, "corp").Want(400)
	if !strings.Contains(r.Body, "Sign in to it, then connect") {
		t.Errorf("answered %s", r.Body)
	}
	b.out("the address of an account")
	b.Post(signUpPath, m{"code": "000000"}).Want(400)
	p := w.browser()
	at := p.Page(p.leave(corp, "/login/oauthstart/corp")).Want(303).Header.Get("Location")
	if at != "/login" || !strings.Contains(p.Page(at).Want(200).Body, "Sign in to it, then connect") {
		t.Errorf("a browser is led to %s", at)
	}
	if w.count("connections") != 0 || w.count("users") != 1 || len(w.Mail.To(ann.Email)) != before {
		t.Error("something was made or sent")
	}
	corp.Lie(func(c map[string]any) { c["email_verified"] = false })
	unproven := w.browser().through(corp, "corp").Want(400).Body
	corp.Lie(func(c map[string]any) { c["email"], c["email_verified"] = "nobody@corp.test", false })
	if nobody := w.browser().through(corp, "corp").Want(400).Body; nobody != unproven {
		t.Errorf("an address that is not verified: %s, and of no account: %s", unproven, nobody)
	}

	// While the sign-up is pending, another person registers the address.
	corp.Lie(nil)
	bob := w.newAt(corp, "bobby")
	late := w.browser()
	late.through(corp, "corp").Want(200)
	code := bob.Mailed()
	w.Advance(time.Minute)
	w.registers(bob.Email, newSecret).Want(200)
	late.Post(signUpPath, m{"code": code}).Want(400)
	late.out("an address that was registered meanwhile")
	if w.count("connections") != 0 {
		t.Error("linked")
	}
}

// TestR387_OneSignUpMakesOneAccount covers concurrent callbacks from several browsers, a form sent
// several times, and a callback that is repeated.
func TestR387_OneSignUpMakesOneAccount(t *testing.T) {
	var now func() time.Time
	corp := federatedtest.New(t, func() time.Time { return now() })
	w := newWorld(t, signsUp, func(c *twofold.Config) { now = c.Advanced.Now }, owned(corp))
	w.Start(nil)
	ann := w.newAt(corp, "ann")
	backs, browsers := make([]string, storm), make([]*browser, storm)
	for i := range storm {
		browsers[i] = w.browser().on(w.Nodes[i%2])
		backs[i] = browsers[i].leave(corp, "/login/oauthstart/corp")
	}
	statuses, in := w.submit(func(i int, _ *node) (*browser, *answer) { return browsers[i], browsers[i].Get(backs[i]) })
	if statuses[200] != storm || len(in) != storm || w.count("users") != 1 || w.count("connections") != 1 {
		t.Errorf("%v, %d sessions, %d accounts", statuses, len(in), w.count("users"))
	}
	in[0].in(ann, 1)
	browsers[0].copy().Get(backs[0]).Refused("the same answer again")

	corp.Lie(func(c map[string]any) { c["email"] = "bobby@elsewhere.test" }) // a code is asked for
	w.newAt(corp, "bobby")
	b := w.browser()
	b.through(corp, "corp").Want(200)
	b.Post(signUpPath, m{"code": w.Mail.Code(t, "bobby@elsewhere.test")}).Want(200)
	if w.count("users") != 2 {
		t.Fatal("no account")
	}
}

// TestR387_AFormIsTakenOnce checks this on two nodes. A store error leaves either nothing or the
// account with its connection.
func TestR387_AFormIsTakenOnce(t *testing.T) {
	w, corp, _ := sites(t, asksFor, signsUp)
	w.Start(nil)
	ann := w.newAt(corp, "ann")
	b := w.browser()
	b.through(corp, "corp").Want(200)
	if r := b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200); r.JSON["oauth_signup"] != "details" {
		t.Fatalf("answered %s", r.Body)
	}
	form := m{"name": "Ann", "terms": true}
	statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
		c := b.copy().on(n)
		return c, c.Post(signUpPath, form)
	})
	if statuses[200] != 1 || len(in) != 1 || w.count("users") != 1 || w.count("connections") != 1 {
		t.Errorf("%v, %d sessions, %d accounts", statuses, len(in), w.count("users"))
	}
	b.copy().Post(signUpPath, form).Want(400).Refused("the same form again")
}

// TestR387_AFailingStoreCreatesNoHalfAccount fails each write in turn. There is then an account
// with its connection or neither, and the person can sign in at once or after another try.
func TestR387_AFailingStoreCreatesNoHalfAccount(t *testing.T) {
	w, corp, _ := sites(t, asksFor, signsUp)
	f := &faulty{}
	w.Nodes[0].Stop()
	w.Nodes = nil
	w.Start(f.wrap)
	for k := 1; k <= 20; k++ {
		ann := w.newAt(corp, "ann"+strings.Repeat("n", k))
		b := w.browser()
		b.through(corp, "corp").Want(200)
		b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
		users := w.count("users")
		f.arm(k, false)
		r := b.Post(signUpPath, m{"name": "Ann", "terms": true})
		failed := f.disarm()
		if failed != "" && r.Status != 503 {
			t.Fatalf("%s failed, and the answer is %d %s", failed, r.Status, r.Body)
		}
		if w.count("users") != w.count("connections") {
			t.Fatalf("%s failed: %d accounts and %d connections", failed, w.count("users"), w.count("connections"))
		}
		if failed == "" {
			b.in(ann, 1)
			return
		}
		b.out(failed + " failed")
		if w.count("users") == users { // the form can be sent again, or the way gone again
			if r := b.Post(signUpPath, m{"name": "Ann", "terms": true}); r.Status == 200 {
				b.in(ann, 1)
			}
			continue
		}
		b = w.browser()
		b.through(corp, "corp").Want(200)
		b.in(ann, 1)
	}
	t.Error("more than twenty writes")
}

// TestR388_ANewAccountFollowsTheSameRules checks that the fields of registration are required,
// that the application's hook decides, and that a required second factor is enrolled before the
// first session.
func TestR388_ANewAccountFollowsTheSameRules(t *testing.T) {
	var h hooked
	w, corp, _ := sites(t, asksFor, signsUp, func(c *twofold.Config) {
		c.TwoFactor.Required, c.Accounts.UsernameRequired, c.Accounts.OnRegister = true, true, h.ask
	})
	taken := w.person("taken")
	corp.Lie(func(c map[string]any) { c["name"], c["preferred_username"] = `Ann <script>`, "annann" })
	ann := w.newAt(corp, "ann")
	b := w.browser()
	b.through(corp, "corp").Want(200)
	early := m{"name": "Ann", "terms": true, "username": "annann"}
	b.Post(signUpPath, early).Want(400).Refused("the fields, and no code")
	r := b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
	if r.JSON["oauth_signup"] != "details" || r.JSON["username_required"] != true ||
		len(r.JSON["fields"].([]any)) != 3 || r.JSON["values"].(m)["name"] != "Ann <script>" {
		t.Errorf("answered %s", r.Body)
	}
	page := b.Page(signUpPath).Want(200).Body
	if !strings.Contains(page, `value="Ann &lt;script&gt;"`) || !strings.Contains(page, `value="annann"`) {
		t.Errorf("the page is %s", page)
	}
	form := func(change m) m {
		out := m{"name": "Ann", "terms": true, "username": "annann"}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	for what, change := range map[string]m{
		"no name": {"name": ""}, "no terms": {"terms": false}, "no username": {"username": ""},
		"a username that is none": {"username": "a b"}, "a username that is taken": {"username": taken.Name},
		"another plan": {"plan": "admin"},
	} {
		b.Post(signUpPath, form(change)).Want(400).Refused(what)
	}
	h.refusal.Store("Not you.")
	if r := b.Post(signUpPath, form(nil)).Want(400); !strings.Contains(r.Body, "Not you.") {
		t.Errorf("refused with %s", r.Body)
	}
	h.refusal.Store("")
	h.fails.Store(true)
	b.Post(signUpPath, form(nil)).Want(503)
	h.fails.Store(false)
	if w.count("connections") != 0 || w.count("users") != 1 {
		t.Fatal("a refused form made an account")
	}
	r = b.Post(signUpPath, form(m{"email": "other@corp.test"})).Want(200)
	if r.JSON["tf_required"] != true || r.JSON["tf_state"] != "setup_from_login" || r.JSON["user"] != nil {
		t.Errorf("answered %s", r.Body)
	}
	b.out("before the second factor is set up")
	if _, there := w.found("other@corp.test"); there {
		t.Error("the form chose the address")
	}
	b.Post("/tf-setup", m{"setup": "email"}).Refused("a code to the mailbox after an account that counts as it")
	r = b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	ann.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.validate(ann.Code(0)).Want(200)
	b.in(ann, 2)
	again := w.browser()
	if r := again.through(corp, "corp").Want(200); r.JSON["tf_required"] != true {
		t.Errorf("answered %s", r.Body)
	}
	again.out("one factor")
	if made := happened[event.UserRegistered](w); len(made) != 1 || !slices.Contains(made[0].Fields, "name") {
		t.Errorf("told %+v", made)
	}
}

// TestR388_SignUpsHaveTheBudgetsOfRegistrations.
func TestR388_SignUpsHaveTheBudgetsOfRegistrations(t *testing.T) {
	w, corp, _ := sites(t, signsUp, func(c *twofold.Config) { c.Advanced.Limits.RegisterHour = 3 })
	for i := range 3 {
		w.newAt(corp, strings.Repeat("x", i+3))
		w.browser().through(corp, "corp").Want(200)
	}
	last := w.newAt(corp, "last")
	b := w.browser()
	b.through(corp, "corp").Want(429)
	b.Post(signUpPath, m{"code": "000000"}).Want(400)
	if len(w.Mail.To(last.Email)) != 0 {
		t.Error("a code was sent beyond the budget")
	}
}

// TestR388_GuessesAtTheCodeAreCountedByAddress checks that several sign-ups share one count.
func TestR388_GuessesAtTheCodeAreCountedByAddress(t *testing.T) {
	w, corp, _ := sites(t, signsUp, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{} })
	ann := w.newAt(corp, "ann")
	guesses := 0
	for range 4 {
		b := w.browser()
		if b.through(corp, "corp").Status != 200 {
			break
		}
		for range 5 {
			if r := b.Post(signUpPath, m{"code": ann.Wrong()}); r.Status == 429 {
				break
			}
			guesses++
		}
		w.Advance(31 * time.Second)
	}
	if guesses > 5 {
		t.Errorf("%d guesses in two minutes", guesses)
	}
	b := w.browser()
	if r := b.through(corp, "corp"); r.Status == 200 {
		b.Post(signUpPath, m{"code": ann.Mailed()}).Want(429)
	}
	if w.count("users") != 0 {
		t.Error("an account was made")
	}
}

// TestR386_AnApplicationIsToldInTheQuery checks that the redirect says what a sign-up requires or
// that the address is taken, without the address.
func TestR386_AnApplicationIsToldInTheQuery(t *testing.T) {
	w, corp, _ := sites(t, app, func(c *twofold.Config) { c.Accounts.OAuthSignUp = []string{"corp"} })
	back := func(b *browser) *url.URL {
		t.Helper()
		to, err := url.Parse(b.Page(b.leave(corp, "/login/oauthstart/corp")).Want(303).Header.Get("Location"))
		w.Must(err)
		if to.Scheme+"://"+to.Host+to.Path != appOrigin+"/login-error" {
			t.Errorf("leads to %s", to)
		}
		return to
	}
	ann := w.newAt(corp, "ann")
	b := w.browser()
	if to := back(b); to.RawQuery != "oauth_signup=code" {
		t.Errorf("leads to %s", to)
	}
	b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
	b.in(ann, 1)
	alice := w.person("alice")
	corp.SignIn("other")
	corp.Lie(func(c map[string]any) { c["email"] = alice.Email })
	to := back(w.browser())
	if q := to.Query(); len(q) != 1 || !strings.Contains(q.Get("error"), "already an account") {
		t.Errorf("leads to %s", to)
	}
}

// TestR389_ASignUpIsBoundToItsBrowserAndTime checks that the provider's data is stored on the server,
// not in the browser. A sign-up expires, ends when sign-up is disabled, and can request another
// code if the first could not be sent.
func TestR389_ASignUpIsBoundToItsBrowserAndTime(t *testing.T) {
	w, corp, _ := sites(t, asksFor, signsUp)
	off := w.Start(nil, func(c *twofold.Config) { c.Accounts.OAuthSignUp = []string{"club"} })
	ann := w.newAt(corp, "ann")
	begun := func() *browser {
		b := w.browser()
		b.through(corp, "corp").Want(200)
		return b
	}
	b := begun()
	if cookie := b.Jar["twofold-signup"]; len(cookie) != 43 || strings.Contains(w.rows("drafts"), cookie) {
		t.Errorf("the cookie is %q", cookie)
	}
	b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
	b.copy().on(off).Post(signUpPath, m{"name": "Ann", "terms": true}).Want(400).Refused("switched off")
	forged := b.copy()
	forged.Jar["twofold-signup"] = strings.Repeat("A", 43)
	forged.Post(signUpPath, m{"name": "Ann", "terms": true}).Want(400).Refused("a cookie that is made up")
	b.Post(signUpPath, m{"name": "Ann", "terms": true}, "Sec-Fetch-Site", "cross-site").Want(403)
	for _, path := range []string{signUpPath, "/login", "/me"} {
		b.Get(path)
	}
	if w.count("users") != 0 {
		t.Fatal("reading made an account")
	}
	late := b.copy()
	w.Advance(10 * time.Minute)
	late.Post(signUpPath, m{"name": "Ann", "terms": true}).Want(400).Refused("ten minutes later")
	late.Get(signUpPath).Want(400)

	w.Mail.FailWith(errBroken)
	b = w.browser()
	b.through(corp, "corp").Want(500)
	b.Post(signUpPath, m{"code": "000000"}).Want(400)
	w.Mail.FailWith(nil)
	w.Advance(time.Minute)
	b.Post(signUpPath, m{"resend": true}).Want(200)
	b.Post(signUpPath, m{"code": ann.Mailed(), "name": "Ann", "terms": true}).Want(200)
	b.in(ann, 1)
	b.Get(signUpPath).Want(400) // for those who are not signed in
}

// TestR383_ASignUpThroughAnotherSiteAsksForACaptcha checks that if registration requires a captcha,
// no account is created without one, even if nothing else is missing.
func TestR383_ASignUpThroughAnotherSiteAsksForACaptcha(t *testing.T) {
	w, corp, _ := sites(t, signsUp, altcha)
	ann := w.newAt(corp, "ann")
	b := w.browser()
	b.through(corp, "corp").Want(200)
	r := b.Post(signUpPath, m{"code": ann.Mailed()}).Want(200)
	if r.JSON["oauth_signup"] != "details" || r.JSON["captcha"] == nil {
		t.Errorf("no captcha is asked for: %s", r.Body)
	}
	if w.count("users") != 0 {
		t.Fatal("an account was made without a captcha")
	}
	asksCaptcha(b.Post(signUpPath, m{}), "no answer")
	asksCaptcha(b.Post(signUpPath, m{"altcha": "wrong"}).Want(400), "a wrong answer")
	if page := b.Page(signUpPath).Want(200).Body; !strings.Contains(page, "data-altcha") {
		t.Errorf("the page shows no captcha:\n%s", page)
	}
	b.out("no captcha was answered")
	if w.count("users") != 0 {
		t.Fatal("an account was made without a captcha")
	}
	b.Post(signUpPath, m{"altcha": solve(r)}).Want(200)
	b.in(ann, 1)
}

// TestR383_AnAddressThatNeedsNoCodeNeedsTheCaptcha covers a provider that proves the address and
// supplies all required fields. No account is created until the captcha is solved. If registration
// requires no captcha, it is created at once.
func TestR383_AnAddressThatNeedsNoCodeNeedsTheCaptcha(t *testing.T) {
	var now func() time.Time
	corp := federatedtest.New(t, func() time.Time { return now() })
	w := newWorld(t, signsUp, altcha, func(c *twofold.Config) { now = c.Advanced.Now }, owned(corp))
	ann := w.newAt(corp, "ann")
	b := w.browser()
	r := b.through(corp, "corp").Want(200)
	if r.JSON["oauth_signup"] != "details" || r.JSON["captcha"] == nil {
		t.Errorf("no captcha is asked for: %s", r.Body)
	}
	asksCaptcha(b.Post(signUpPath, m{}), "no answer")
	b.out("no captcha was answered")
	if w.count("users") != 0 {
		t.Fatal("an account was made without a captcha")
	}
	b.Post(signUpPath, m{"altcha": solve(r)}).Want(200)
	b.in(ann, 1)

	elsewhere := w.Start(nil, func(c *twofold.Config) { c.Accounts.CaptchaAt = []string{"sign-in"} })
	bob := w.newAt(corp, "bob")
	bobs := w.browser().on(elsewhere)
	bobs.through(corp, "corp").Want(200)
	bobs.in(bob, 1)
}
