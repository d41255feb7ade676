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
	"github.com/twofold-auth/twofold/internal/testkit"
)

// altcha returns a site with Altcha on all its forms.
func altcha(c *twofold.Config) { c.Accounts.Captcha, c.Accounts.CaptchaCost = "altcha", 1000 }

// solve solves the challenge of a JSON answer.
func solve(a *answer) string {
	a.T.Helper()
	facts, _ := a.JSON["captcha"].(m)
	q, _ := facts["challenge"].(m)
	if q == nil {
		a.T.Fatalf("%s: no challenge in %.300s", a.What, a.Body)
	}
	salt, _ := q["salt"].(string)
	for n := range 1001 {
		sum := sha256.Sum256([]byte(salt + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == q["challenge"] {
			raw, err := json.Marshal(m{
				"algorithm": q["algorithm"], "challenge": q["challenge"], "number": n,
				"salt": salt, "signature": q["signature"],
			})
			if err != nil {
				a.T.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(raw)
		}
	}
	a.T.Fatal("no number solves the challenge")
	return ""
}

// asksCaptcha checks that a form was refused because it has no captcha.
func asksCaptcha(a *answer, why string) *answer {
	a.T.Helper()
	fields, _ := a.JSON["field_errors"].(m)
	if a.Status != http.StatusBadRequest || a.JSON["captcha_required"] != true || fields["captcha"] == nil {
		a.T.Errorf("%s: %s: status %d: %.300s", why, a.What, a.Status, a.Body)
	}
	return a
}

// places returns the sum of all counters of the budgets with one of these names.
func (w *world) places(budgets ...string) (n int) {
	w.T.Helper()
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
				"/reset":            {"email": p.Email},
				"/confirm":          {"email": p.Email},
				"/recover-username": {"email": p.Email},
			}
			signIns := map[string]m{
				"/login": {"email": p.Email, "identity": p.Email, "password": "wrong", "passcode": "wrong"},
			}
			if name != "password" {
				signIns["/us-signin"] = m{"identity": p.Email, "passcode": "wrong"}
				signIns["/us-signin/send-code"] = m{"identity": p.Email, "chosen_method": "email"}
			}
			for path, body := range forms {
				if w.browser().Get(path).JSON["captcha"] == nil {
					t.Errorf("GET %s does not say that there is a captcha", path)
				}
				asksCaptcha(w.browser().Post(path, body), "at once")
			}
			for path, body := range signIns {
				if a := w.browser().Post(path, body); a.JSON["captcha_required"] != nil {
					t.Errorf("%s asks before a sign-in has failed", path)
				}
				w.Advance(time.Minute)
			}
			for range 3 {
				w.browser().Post("/login", signIns["/login"])
			}
			for path, body := range signIns {
				asksCaptcha(w.browser().Post(path, body), "after failures")
			}
			w.settled()
			if w.count("users") != 1 || len(w.Mail.To("new@good.test"))+len(w.Mail.To(p.Email)) > 1 {
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
		w.browser().Post("/us-signin", m{"identity": p.Email, "passcode": "123456"})
	}
	asked := asksCaptcha(w.browser().Post("/login", m{"email": p.Email}), "after failures")
	w.browser().Post("/login", m{"email": p.Email, "altcha": solve(asked)}).Want(200)
	w.registers("new@good.test", newSecret).Want(200)
}

// TestR383_ACaptchaComesBeforeAnAccount checks that without a valid, unused answer no account is
// created and no shared budget is used. The response is the same for an address that is taken.
func TestR383_ACaptchaComesBeforeAnAccount(t *testing.T) {
	w := newWorld(t, open, altcha)
	p := w.person("alice")
	fill := func(email, answer string) m {
		return m{"email": email, "password": newSecret, "password_confirm": newSecret, "altcha": answer}
	}
	used := solve(w.browser().Get("/register"))
	w.browser().Post("/register", fill("first@good.test", used)).Want(200)
	before := w.places("register", "sendall", "link1h", "link24h")
	for what, answer := range map[string]string{"none": "", "wrong": "eyJudW1iZXIiOjF9", "used": used} {
		said := map[string]string{}
		for _, email := range []string{"new@good.test", p.Email} {
			a := asksCaptcha(w.browser().Post("/register", fill(email, answer)), what)
			said[email] = fmt.Sprint(a.JSON["errors"])
		}
		if said["new@good.test"] != said[p.Email] {
			t.Errorf("%s: the answer tells who has an account: %v", what, said)
		}
	}
	w.settled()
	if now := w.places("register", "sendall", "link1h", "link24h"); now != before || w.count("users") != 2 {
		t.Errorf("%d places of budgets and %d accounts, before %d and 2", now, w.count("users"), before)
	}
	b := w.browser()
	b.Post("/register", fill("new@good.test", solve(b.Get("/register")))).Want(200)
}

// TestR382_OneAnswerMakesOneAccount sends one answer to several nodes at once.
func TestR382_OneAnswerMakesOneAccount(t *testing.T) {
	w := newWorld(t, open, altcha)
	second := w.Start(nil, func(c *twofold.Config) { c.Origin = w.Nodes[0].Origin })
	answer := solve(w.browser().Get("/register"))
	var made atomic.Int64
	testkit.Par(8, func(i int) {
		b := w.browser()
		if i%2 == 1 {
			b.on(second).Host = w.Nodes[0].Addr
		}
		a := b.Post("/register", m{
			"email": fmt.Sprintf("p%d@good.test", i), "password": newSecret, "password_confirm": newSecret,
			"altcha": answer,
		})
		if a.Status == 200 {
			made.Add(1)
		}
	})
	if made.Load() != 1 || w.count("users") != 1 {
		t.Errorf("%d registrations succeed, %d accounts", made.Load(), w.count("users"))
	}
}

// TestR383_FailedSignInsAskForACaptcha checks that failures require a captcha for existing and
// unknown identities alike, even with the correct password. A sign-in refused for this reason does
// not count as a guess. A browser that signed in before needs no captcha.
func TestR383_FailedSignInsAskForACaptcha(t *testing.T) {
	w := newWorld(t, altcha, proxied)
	p := w.person("alice")
	home := w.at("203.0.113.1")
	home.login(p).Want(200)
	said := map[string]string{}
	for _, email := range []string{p.Email, "nobody@good.test"} {
		for i := range 3 {
			w.at(fmt.Sprintf("198.51.100.%d", i)).Post("/login", m{"email": email, "password": "wrong"}).Want(400)
		}
		before := w.places("first", "firstaccount", "firstknown", "address", "wave")
		a := asksCaptcha(w.at("198.51.100.9").Post("/login", m{"email": email, "password": secret}), email)
		said[email] = fmt.Sprint(a.JSON["errors"])
		wrong := w.at("198.51.100.9").Post("/login", m{"email": email, "password": secret, "altcha": "e30="})
		asksCaptcha(wrong, "a wrong answer")
		if now := w.places("first", "firstaccount", "firstknown", "address", "wave"); now != before {
			t.Errorf("%s: refusals for want of a captcha used up %d places", email, now-before)
		}
	}
	if said[p.Email] != said["nobody@good.test"] {
		t.Errorf("the refusal tells who has an account: %v", said)
	}
	if home.noted().login(p, m{"password": "wrong"}).Want(400).JSON["captcha_required"] != nil {
		t.Error("the browser that signed in before is asked")
	}
	guess := w.at("198.51.100.10")
	asked := asksCaptcha(guess.login(p), "another browser")
	if guess.login(p, m{"password": "wrong", "altcha": solve(asked)}).Want(400).JSON["captcha_required"] != nil {
		t.Error("a right answer is refused")
	}
	asksCaptcha(w.at("198.51.100.10").login(p, m{"altcha": solve(asked)}), "an answer that was used")
	w.at("198.51.100.11").login(p, m{"altcha": solve(guess.login(p))}).Want(200)
	w.at("198.51.100.12").login(p, m{"password": "wrong"}).Want(400)
	w.at("198.51.100.12").login(p).Want(200) // a correct password ended what was counted
}

// TestR383_ParallelGuessesCannotBeatTheCaptcha checks that parallel guesses are limited to the same
// number as sequential ones.
func TestR383_ParallelGuessesCannotBeatTheCaptcha(t *testing.T) {
	w := newWorld(t, altcha)
	p := w.person("alice")
	var asked atomic.Int64
	testkit.Par(24, func(int) {
		if a := w.browser().login(p, m{"password": "wrong"}); a.JSON["captcha_required"] == true {
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
		w.at("198.51.100.1").Post("/login", m{"email": fmt.Sprintf("p%d@good.test", i), "password": "wrong"}).Want(400)
	}
	asksCaptcha(w.at("198.51.100.1").login(p), "the network guesses")
	w.at("198.51.100.2").login(p).Want(200)
	w.Advance(16 * time.Minute)
	w.at("198.51.100.1").login(p).Want(200)
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

// TestR381_AFailureOfTheServiceCountsAgainstNoOne checks that a failed captcha service causes a 503,
// changes nothing, uses no budget, and keeps the input on the page. Requests succeed again when the
// service is back.
func TestR381_AFailureOfTheServiceCountsAgainstNoOne(t *testing.T) {
	s := newService(t)
	w := newWorld(t, life, s.config)
	p := w.person("alice")
	const field = "cf-turnstile-response"
	for range 3 {
		w.signsIn(p.Email, "wrong")
	}
	forms := map[string]m{
		"/register": {"email": "new@good.test", "password": newSecret, "password_confirm": newSecret},
		"/reset":    {"email": p.Email}, "/login": {"email": p.Email, "password": secret},
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
			a := w.browser().Post(path, body).Want(503)
			if fields, _ := a.JSON["field_errors"].(m); fields["captcha"] == nil || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %.300s", a.What, a.Body)
			}
		}
		b := w.browser()
		b.Page("/register")
		page := b.Form("/register", "email", "new@good.test", "password", newSecret, "password_confirm", newSecret,
			field, "token").Want(503)
		if !strings.Contains(page.Body, `value="new@good.test"`) || !strings.Contains(page.Body, "cf-turnstile") {
			t.Errorf("the page has lost what was typed:\n%.3000s", page.Body)
		}
	}
	if now := w.number(counted); now != before || w.count("users") != 1 || w.mails() != 0 {
		t.Errorf("%d places, before %d; %d accounts, %d mails", now, before, w.count("users"), w.mails())
	}
	s.says(200, `{"success":true,"hostname":"localhost"}`)
	for path, body := range forms {
		w.browser().Post(path, body).Want(200)
	}
	if strings.Contains(w.Log.String(), "captcha-secret") || strings.Contains(w.replies.String(), "captcha-secret") {
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
	w.browser().login(p, m{"cf-turnstile-response": "token"}).Want(200)
	if s.asked.Load() != 0 {
		t.Error("the service is asked where no captcha is")
	}
	testkit.Par(10, func(int) {
		for range 21 {
			w.at("198.51.100.1").Post("/register", m{
				"email": "new@good.test", "password": newSecret, "password_confirm": newSecret,
				"cf-turnstile-response": "x",
			})
		}
	})
	if n := s.asked.Load(); n != 200 {
		t.Errorf("the service was asked %d times for one network, want 200", n)
	}
	w.at("198.51.100.1").login(p).Want(200) // and the owner there signs in
	s.says(200, `{"success":true,"hostname":"localhost"}`)
	w.at("198.51.100.2").Post("/register", m{
		"email": "new@good.test", "password": newSecret, "password_confirm": newSecret, "cf-turnstile-response": "x",
	}).Want(200)
}

// TestR384_OnlyPagesWithACaptchaLoadFromItsService checks that other pages, JSON answers and pages
// of signed-in users do not load from the service. No page shows the answer to a captcha.
func TestR384_OnlyPagesWithACaptchaLoadFromItsService(t *testing.T) {
	s := newService(t)
	w := newWorld(t, life, s.config)
	p := w.person("alice")
	const from = "https://challenges.cloudflare.com"
	loads := func(a *answer) bool {
		policy := strings.Contains(a.Header.Get("Content-Security-Policy"), from)
		if script := strings.Contains(a.Body, `src="`+from); a.JSON == nil && script != policy {
			t.Errorf("%s: script %v, policy %q", a.What, script, a.Header.Get("Content-Security-Policy"))
		}
		return policy
	}
	without := []string{"/login", "/tf-rescue", "/"}
	for _, path := range []string{"/register", "/reset", "/confirm", "/recover-username"} {
		if a := w.browser().Page(path); !loads(a) || !strings.Contains(a.Body, `data-sitekey="site-key"`) ||
			!strings.Contains(a.Body, "<noscript>") {
			t.Errorf("%s shows no captcha", path)
		}
		if loads(w.browser().Get(path)) {
			t.Errorf("%s: JSON loads nothing", path)
		}
	}
	for _, path := range without {
		if loads(w.browser().Page(path)) {
			t.Errorf("%s shows a captcha", path)
		}
	}
	in := w.browser()
	in.login(p).Want(200)
	for _, path := range []string{"/reset", "/me", "/change", "/verify"} {
		if loads(in.Page(path)) {
			t.Errorf("%s shows a captcha to someone who is signed in", path)
		}
	}
	b := w.browser()
	for range 3 {
		b.Page("/login")
		b.Form("/login", "email", "bob@good.test", "password", "wrong")
	}
	b.Page("/login")
	shown := b.Form("/login", "email", "bob@good.test", "password", "wrong", "cf-turnstile-response", "")
	if !loads(shown) || !strings.Contains(shown.Body, "not a robot") {
		t.Errorf("after failures the page shows no captcha:\n%.2500s", shown.Body)
	}
	s.says(200, `{"success":false}`)
	again := b.Form("/login", "email", "bob@good.test", "password", "wrong",
		"cf-turnstile-response", "a-token-of-theirs")
	if !loads(again) || strings.Contains(again.Body, "a-token-of-theirs") {
		t.Errorf("a wrong answer:\n%.2500s", again.Body)
	}
}

// TestR384_AltchaNeedsNoOtherSite checks that the page with Altcha has the same policy as every
// page, and that its challenge is the one that is verified.
func TestR384_AltchaNeedsNoOtherSite(t *testing.T) {
	w := newWorld(t, open, altcha)
	b := w.browser()
	page := b.Page("/register")
	const name = "Content-Security-Policy"
	if policy := page.Header.Get(name); policy != w.browser().Page("/login").Header.Get(name) {
		t.Errorf("the policy is %s", policy)
	}
	found := regexp.MustCompile(`data-altcha="([^"]+)"`).FindStringSubmatch(page.Body)
	if found == nil || !strings.Contains(page.Body, "/captcha.") || !strings.Contains(page.Body, "<noscript>") {
		t.Fatalf("no challenge in the page:\n%.3000s", page.Body)
	}
	var q m
	w.Must(json.Unmarshal([]byte(html.UnescapeString(found[1])), &q))
	answer := solve((&answer{T: w.T, JSON: m{"captcha": m{"challenge": q}}}))
	b.Form("/register", "email", "new@good.test", "password", newSecret, "password_confirm", newSecret,
		"altcha", answer).Want(303)
	if w.count("users") != 1 {
		t.Error("the answer to the challenge of the page is refused")
	}
}

// TestR383_ACaptchaIsNoFirstFactor checks that a captcha replaces neither a password nor a code.
func TestR383_ACaptchaIsNoFirstFactor(t *testing.T) {
	w := newWorld(t, altcha, func(c *twofold.Config) { c.TwoFactor.EnabledMethods = []string{storage.Authenticator} })
	p := w.withApp("alice")
	for range 3 {
		w.signsIn(p.Email, "wrong")
	}
	b := w.browser()
	b.login(p, m{"altcha": solve(b.login(p)), "password": "wrong"}).Refused("a captcha alone")
	b.out("a captcha alone")
	b.login(p, m{"altcha": solve(b.login(p))}).Want(200)
	b.out("a captcha and a password, of an account with a second factor")
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}
