package security_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// altcha returns a site with Altcha on all its forms.
func altcha(c *twofold.Config) { c.Accounts.Captcha, c.Accounts.CaptchaCost = "altcha", 1000 }

// solve solves the challenge of a JSON answer.
func (a *answer) solve() string {
	a.w.t.Helper()
	facts, _ := a.json["captcha"].(m)
	q, _ := facts["challenge"].(m)
	if q == nil {
		a.w.t.Fatalf("%s: no challenge in %.300s", a.what, a.body)
	}
	salt, _ := q["salt"].(string)
	for n := range 1001 {
		sum := sha256.Sum256([]byte(salt + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == q["challenge"] {
			raw, err := json.Marshal(m{
				"algorithm": q["algorithm"], "challenge": q["challenge"], "number": n,
				"salt": salt, "signature": q["signature"],
			})
			a.w.must(err)
			return base64.StdEncoding.EncodeToString(raw)
		}
	}
	a.w.t.Fatal("no number solves the challenge")
	return ""
}

// asksCaptcha checks that a form was refused because it has no captcha.
func (a *answer) asksCaptcha(why string) *answer {
	a.w.t.Helper()
	fields, _ := a.json["field_errors"].(m)
	if a.status != http.StatusBadRequest || a.json["captcha_required"] != true || fields["captcha"] == nil {
		a.w.t.Errorf("%s: %s: status %d: %.300s", why, a.what, a.status, a.body)
	}
	return a
}

// places returns the sum of all counters of the budgets with one of these names.
func (w *world) places(budgets ...string) (n int) {
	w.t.Helper()
	for _, name := range budgets {
		n += w.number(`SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name LIKE '` + name + `:%'`)
	}
	return n
}

// TestR383_EveryFormThatAnyoneSendsAsks lists the forms. Registration and forms that cause mail
// always require a captcha. Forms that start a sign-in require one after failed sign-ins.
func TestR383_EveryFormThatAnyoneSendsAsks(t *testing.T) {
	for name, change := range map[string]func(*twofold.Config){
		"password": life, "unified": func(c *twofold.Config) { life(c); unified(c) },
		"unified at /login": func(c *twofold.Config) { life(c); unified(c); c.Passwordless.ReplacesLogin = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change, altcha)
			p := w.person("alice")
			forms := map[string]m{
				"/register":         {"email": "new@good.test", "password": newSecret, "password_confirm": newSecret},
				"/reset":            {"email": p.email},
				"/confirm":          {"email": p.email},
				"/recover-username": {"email": p.email},
			}
			signIns := map[string]m{
				"/login": {"email": p.email, "identity": p.email, "password": "wrong", "passcode": "wrong"},
			}
			if name != "password" {
				signIns["/us-signin"] = m{"identity": p.email, "passcode": "wrong"}
				signIns["/us-signin/send-code"] = m{"identity": p.email, "chosen_method": "email"}
			}
			for path, body := range forms {
				if w.browser().get(path).json["captcha"] == nil {
					t.Errorf("GET %s does not say that there is a captcha", path)
				}
				w.browser().post(path, body).asksCaptcha("at once")
			}
			for path, body := range signIns {
				if a := w.browser().post(path, body); a.json["captcha_required"] != nil {
					t.Errorf("%s asks before a sign-in has failed", path)
				}
				w.advance(time.Minute)
			}
			for range 3 {
				w.browser().post("/login", signIns["/login"])
			}
			for path, body := range signIns {
				w.browser().post(path, body).asksCaptcha("after failures")
			}
			w.settled()
			if w.count("users") != 1 || len(w.mail.To("new@good.test"))+len(w.mail.To(p.email)) > 1 {
				t.Error("a form that was refused has done something")
			}
		})
	}
}

// TestR383_ALinkIsAskedForWithACaptcha covers sign-in with a mailed link after failed sign-ins from
// the same network.
func TestR383_ALinkIsAskedForWithACaptcha(t *testing.T) {
	w := newWorld(t, byLink, altcha, func(c *twofold.Config) { unified(c); c.Accounts.CaptchaAt = []string{"sign-in"} })
	p := w.person("alice")
	for range 15 {
		w.browser().post("/us-signin", m{"identity": p.email, "passcode": "123456"})
	}
	asked := w.browser().post("/login", m{"email": p.email}).asksCaptcha("after failures")
	w.browser().post("/login", m{"email": p.email, "altcha": asked.solve()}).want(200)
	w.registers("new@good.test", newSecret).want(200)
}

// TestR383_ACaptchaComesBeforeAnAccount checks that without a valid, unused answer no account is
// created and no shared budget is used. The response is the same for an address that is taken.
func TestR383_ACaptchaComesBeforeAnAccount(t *testing.T) {
	w := newWorld(t, open, altcha)
	p := w.person("alice")
	fill := func(email, answer string) m {
		return m{"email": email, "password": newSecret, "password_confirm": newSecret, "altcha": answer}
	}
	used := w.browser().get("/register").solve()
	w.browser().post("/register", fill("first@good.test", used)).want(200)
	before := w.places("register", "sendall", "link1h", "link24h")
	for what, answer := range map[string]string{"none": "", "wrong": "eyJudW1iZXIiOjF9", "used": used} {
		said := map[string]string{}
		for _, email := range []string{"new@good.test", p.email} {
			a := w.browser().post("/register", fill(email, answer)).asksCaptcha(what)
			said[email] = fmt.Sprint(a.json["errors"])
		}
		if said["new@good.test"] != said[p.email] {
			t.Errorf("%s: the answer tells who has an account: %v", what, said)
		}
	}
	w.settled()
	if now := w.places("register", "sendall", "link1h", "link24h"); now != before || w.count("users") != 2 {
		t.Errorf("%d places of budgets and %d accounts, before %d and 2", now, w.count("users"), before)
	}
	b := w.browser()
	b.post("/register", fill("new@good.test", b.get("/register").solve())).want(200)
}

// TestR382_OneAnswerMakesOneAccount sends one answer to several nodes at once.
func TestR382_OneAnswerMakesOneAccount(t *testing.T) {
	w := newWorld(t, open, altcha)
	second := w.start(nil, func(c *twofold.Config) { c.Origin = w.nodes[0].origin })
	answer := w.browser().get("/register").solve()
	var made atomic.Int64
	par(8, func(i int) {
		b := w.browser()
		if i%2 == 1 {
			b.on(second).host = w.nodes[0].addr
		}
		a := b.post("/register", m{
			"email": fmt.Sprintf("p%d@good.test", i), "password": newSecret, "password_confirm": newSecret,
			"altcha": answer,
		})
		if a.status == 200 {
			made.Add(1)
		}
	})
	if made.Load() != 1 || w.count("users") != 1 {
		t.Errorf("%d registrations succeed, %d accounts", made.Load(), w.count("users"))
	}
}

// TestR383_FailedSignInsAskForACaptcha checks that failures require a captcha for existing and
// unknown identities alike, even with the right password. A sign-in refused for this reason does
// not count as a guess. A browser that signed in before needs no captcha.
func TestR383_FailedSignInsAskForACaptcha(t *testing.T) {
	w := newWorld(t, altcha, proxied)
	p := w.person("alice")
	home := w.at("203.0.113.1")
	home.login(p).want(200)
	said := map[string]string{}
	for _, email := range []string{p.email, "nobody@good.test"} {
		for i := range 3 {
			w.at(fmt.Sprintf("198.51.100.%d", i)).post("/login", m{"email": email, "password": "wrong"}).want(400)
		}
		before := w.places("first", "firstaccount", "firstknown", "address", "wave")
		a := w.at("198.51.100.9").post("/login", m{"email": email, "password": secret}).asksCaptcha(email)
		said[email] = fmt.Sprint(a.json["errors"])
		wrong := w.at("198.51.100.9").post("/login", m{"email": email, "password": secret, "altcha": "e30="})
		wrong.asksCaptcha("a wrong answer")
		if now := w.places("first", "firstaccount", "firstknown", "address", "wave"); now != before {
			t.Errorf("%s: refusals for want of a captcha used up %d places", email, now-before)
		}
	}
	if said[p.email] != said["nobody@good.test"] {
		t.Errorf("the refusal tells who has an account: %v", said)
	}
	if home.noted().login(p, m{"password": "wrong"}).want(400).json["captcha_required"] != nil {
		t.Error("the browser that signed in before is asked")
	}
	guess := w.at("198.51.100.10")
	asked := guess.login(p).asksCaptcha("another browser")
	if guess.login(p, m{"password": "wrong", "altcha": asked.solve()}).want(400).json["captcha_required"] != nil {
		t.Error("a right answer is refused")
	}
	w.at("198.51.100.10").login(p, m{"altcha": asked.solve()}).asksCaptcha("an answer that was used")
	w.at("198.51.100.11").login(p, m{"altcha": guess.login(p).solve()}).want(200)
	w.at("198.51.100.12").login(p, m{"password": "wrong"}).want(400)
	w.at("198.51.100.12").login(p).want(200) // a right password ended what was counted
}

// TestR383_ParallelGuessesCannotBeatTheCaptcha checks that parallel guesses are limited to the same
// number as sequential ones.
func TestR383_ParallelGuessesCannotBeatTheCaptcha(t *testing.T) {
	w := newWorld(t, altcha)
	p := w.person("alice")
	var asked atomic.Int64
	par(24, func(int) {
		if a := w.browser().login(p, m{"password": "wrong"}); a.json["captcha_required"] == true {
			asked.Add(1)
		}
	})
	if tried := len(happened[event.UserFailedAuthn](w)); tried != 3 || asked.Load() != 21 {
		t.Errorf("%d guesses were tried and %d asked for a captcha, want 3 and 21", tried, asked.Load())
	}
}

// TestR383_ANetworkThatGuessesManyIsAsked checks that the network needs a captcha for every
// account.
func TestR383_ANetworkThatGuessesManyIsAsked(t *testing.T) {
	w := newWorld(t, altcha, proxied)
	p := w.person("alice")
	for i := range 15 {
		w.at("198.51.100.1").post("/login", m{"email": fmt.Sprintf("p%d@good.test", i), "password": "wrong"}).want(400)
	}
	w.at("198.51.100.1").login(p).asksCaptcha("the network guesses")
	w.at("198.51.100.2").login(p).want(200)
	w.advance(16 * time.Minute)
	w.at("198.51.100.1").login(p).want(200)
}

// service is a captcha service whose answers a test sets.
type service struct {
	*httptest.Server
	status atomic.Int64
	body   atomic.Value
	asked  atomic.Int64
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		w.WriteHeader(int(s.status.Load()))
		body, _ := s.body.Load().(string)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) says(status int, body string) { s.status.Store(int64(status)); s.body.Store(body) }

func (s *service) config(c *twofold.Config) {
	c.Accounts.Captcha, c.Accounts.CaptchaSiteKey, c.Accounts.CaptchaSecret = "turnstile", "site-key", "captcha-secret"
	c.Accounts.CaptchaVerifyURL = s.URL + "/siteverify"
}

// TestR381_ABrokenServiceIsHeldAgainstNoOne checks that a failed captcha service causes a 503,
// changes nothing, uses no budget, and keeps the input on the page. Requests succeed again when the
// service is back.
func TestR381_ABrokenServiceIsHeldAgainstNoOne(t *testing.T) {
	s := newService(t)
	w := newWorld(t, life, s.config)
	p := w.person("alice")
	const field = "cf-turnstile-response"
	for range 3 {
		w.signsIn(p.email, "wrong")
	}
	forms := map[string]m{
		"/register": {"email": "new@good.test", "password": newSecret, "password_confirm": newSecret},
		"/reset":    {"email": p.email}, "/login": {"email": p.email, "password": secret},
	}
	const counted = `SELECT COALESCE(SUM(n), 0) FROM twofold_counters`
	before := w.number(counted)
	for _, broken := range []struct {
		status int
		body   string
	}{{500, ""}, {200, "no JSON"}, {200, `{"success":false,"error-codes":["invalid-input-secret"]}`}, {302, ""}} {
		s.says(broken.status, broken.body)
		for path, body := range forms {
			body[field] = "token"
			a := w.browser().post(path, body).want(503)
			if fields, _ := a.json["field_errors"].(m); fields["captcha"] == nil || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %.300s", a.what, a.body)
			}
		}
		b := w.browser()
		b.page("/register")
		page := b.form("/register", "email", "new@good.test", "password", newSecret, "password_confirm", newSecret,
			field, "token").want(503)
		if !strings.Contains(page.body, `value="new@good.test"`) || !strings.Contains(page.body, "cf-turnstile") {
			t.Errorf("the page has lost what was typed:\n%.3000s", page.body)
		}
	}
	if now := w.number(counted); now != before || w.count("users") != 1 || w.mails() != 0 {
		t.Errorf("%d places, before %d; %d accounts, %d mails", now, before, w.count("users"), w.mails())
	}
	s.says(200, `{"success":true,"hostname":"localhost"}`)
	for path, body := range forms {
		w.browser().post(path, body).want(200)
	}
	if strings.Contains(w.log.String(), "captcha-secret") || strings.Contains(w.replies.String(), "captcha-secret") {
		t.Error("the secret of the captcha is in the log, or in an answer")
	}
}

// TestR383_AnAnswerIsCheckedOnlyIfItIsAskedFor also checks that the service is queried a limited
// number of times for a network that sends wrong answers.
func TestR383_AnAnswerIsCheckedOnlyIfItIsAskedFor(t *testing.T) {
	s := newService(t)
	w := newWorld(t, open, s.config, proxied)
	p := w.person("alice")
	s.says(200, `{"success":false,"error-codes":["invalid-input-response"]}`)
	w.browser().login(p, m{"cf-turnstile-response": "token"}).want(200)
	if s.asked.Load() != 0 {
		t.Error("the service is asked where no captcha is")
	}
	par(10, func(int) {
		for range 21 {
			w.at("198.51.100.1").post("/register", m{
				"email": "new@good.test", "password": newSecret, "password_confirm": newSecret,
				"cf-turnstile-response": "x",
			})
		}
	})
	if n := s.asked.Load(); n != 200 {
		t.Errorf("the service was asked %d times for one network, want 200", n)
	}
	w.at("198.51.100.1").login(p).want(200) // and the owner there signs in
	s.says(200, `{"success":true,"hostname":"localhost"}`)
	w.at("198.51.100.2").post("/register", m{
		"email": "new@good.test", "password": newSecret, "password_confirm": newSecret, "cf-turnstile-response": "x",
	}).want(200)
}

// TestR384_OnlyPagesWithACaptchaLoadFromItsService checks that other pages, JSON answers and pages
// of signed-in users do not load from the service. No page shows the answer to a captcha.
func TestR384_OnlyPagesWithACaptchaLoadFromItsService(t *testing.T) {
	s := newService(t)
	w := newWorld(t, life, s.config)
	p := w.person("alice")
	const from = "https://challenges.cloudflare.com"
	loads := func(a *answer) bool {
		policy := strings.Contains(a.header.Get("Content-Security-Policy"), from)
		if script := strings.Contains(a.body, `src="`+from); a.json == nil && script != policy {
			t.Errorf("%s: script %v, policy %q", a.what, script, a.header.Get("Content-Security-Policy"))
		}
		return policy
	}
	without := []string{"/login", "/tf-rescue", "/"}
	for _, path := range []string{"/register", "/reset", "/confirm", "/recover-username"} {
		if a := w.browser().page(path); !loads(a) || !strings.Contains(a.body, `data-sitekey="site-key"`) ||
			!strings.Contains(a.body, "<noscript>") {
			t.Errorf("%s shows no captcha", path)
		}
		if loads(w.browser().get(path)) {
			t.Errorf("%s: JSON loads nothing", path)
		}
	}
	for _, path := range without {
		if loads(w.browser().page(path)) {
			t.Errorf("%s shows a captcha", path)
		}
	}
	in := w.browser()
	in.login(p).want(200)
	for _, path := range []string{"/reset", "/me", "/change", "/verify"} {
		if loads(in.page(path)) {
			t.Errorf("%s shows a captcha to someone who is signed in", path)
		}
	}
	b := w.browser()
	for range 3 {
		b.page("/login")
		b.form("/login", "email", "bob@good.test", "password", "wrong")
	}
	b.page("/login")
	shown := b.form("/login", "email", "bob@good.test", "password", "wrong", "cf-turnstile-response", "")
	if !loads(shown) || !strings.Contains(shown.body, "not a robot") {
		t.Errorf("after failures the page shows no captcha:\n%.2500s", shown.body)
	}
	s.says(200, `{"success":false}`)
	again := b.form("/login", "email", "bob@good.test", "password", "wrong",
		"cf-turnstile-response", "a-token-of-theirs")
	if !loads(again) || strings.Contains(again.body, "a-token-of-theirs") {
		t.Errorf("a wrong answer:\n%.2500s", again.body)
	}
}

// TestR384_AltchaNeedsNoOtherSite checks that the page with Altcha has the same policy as every
// page, and that its challenge is the one that is verified.
func TestR384_AltchaNeedsNoOtherSite(t *testing.T) {
	w := newWorld(t, open, altcha)
	b := w.browser()
	page := b.page("/register")
	const name = "Content-Security-Policy"
	if policy := page.header.Get(name); policy != w.browser().page("/login").header.Get(name) {
		t.Errorf("the policy is %s", policy)
	}
	found := regexp.MustCompile(`data-altcha="([^"]+)"`).FindStringSubmatch(page.body)
	if found == nil || !strings.Contains(page.body, "/captcha.") || !strings.Contains(page.body, "<noscript>") {
		t.Fatalf("no challenge in the page:\n%.3000s", page.body)
	}
	var q m
	w.must(json.Unmarshal([]byte(html.UnescapeString(found[1])), &q))
	answer := (&answer{w: w, json: m{"captcha": m{"challenge": q}}}).solve()
	b.form("/register", "email", "new@good.test", "password", newSecret, "password_confirm", newSecret,
		"altcha", answer).want(303)
	if w.count("users") != 1 {
		t.Error("the answer to the challenge of the page is refused")
	}
}

// TestR383_ACaptchaIsNoFirstFactor checks that a captcha replaces neither a password nor a code.
func TestR383_ACaptchaIsNoFirstFactor(t *testing.T) {
	w := newWorld(t, altcha, func(c *twofold.Config) { c.TwoFactor.EnabledMethods = []string{storage.Authenticator} })
	p := w.withApp("alice")
	for range 3 {
		w.signsIn(p.email, "wrong")
	}
	b := w.browser()
	b.login(p, m{"altcha": b.login(p).solve(), "password": "wrong"}).refused("a captcha alone")
	b.out("a captcha alone")
	b.login(p, m{"altcha": b.login(p).solve()}).want(200)
	b.out("a captcha and a password, of an account with a second factor")
	b.validate(p.next()).want(200)
	b.in(p, 2)
}
