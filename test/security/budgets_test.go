package security_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// proxied trusts this machine as a proxy.
func proxied(c *twofold.Config) {
	c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// guess sends a wrong password from an address. The password is too long, so that the attempt
// counts but is not hashed.
func (w *world) guess(email, address string) int {
	w.T.Helper()
	b := w.browser()
	b.Header["X-Forwarded-For"] = address
	return b.Post("/login", m{"email": email, "password": strings.Repeat("x", 1100)}).Status
}

// TestR113_TheOperatorIsToldOfPasswordSpraying checks that the operator is notified of many failed
// sign-ins once an hour, over how many accounts and addresses they are spread. Users can still sign
// in.
func TestR113_TheOperatorIsToldOfPasswordSpraying(t *testing.T) {
	w := newWorld(t, proxied, func(c *twofold.Config) { c.Advanced.Limits.HourFailures = 30 })
	second := w.Start(nil)
	a := w.person("alice")
	wave := func(n, from int) {
		t.Helper()
		for i := range n {
			b := w.browser()
			b.Header["X-Forwarded-For"] = fmt.Sprintf("198.51.%d.%d", from, i)
			b.Post("/login", m{"email": fmt.Sprintf("nobody%d-%d@good.test", from, i), "password": "wrong"}).Want(400)
		}
	}
	told := func(want int, why string) {
		t.Helper()
		if n := len(happened[event.PasswordsGuessed](w)); n != want {
			t.Errorf("%s: told %d times, want %d", why, n, want)
		}
	}
	wave(29, 0)
	told(0, "29 wrong passwords")
	w.browser().on(second).Post("/login", m{"email": a.Email, "password": "wrong"}).Want(400)
	told(1, "30 over two nodes")
	wave(5, 100)
	told(1, "35")
	w.browser().login(a).Want(200) // no one is kept out
	w.Advance(2 * time.Hour)
	wave(29, 200)
	told(1, "29 in another hour")
	wave(1, 201)
	told(2, "30 in another hour")
	rows := 0
	for _, e := range w.trail(0) {
		if e.Event == "passwords-guessed" && e.User == "" {
			rows++
		}
	}
	if rows != 2 || !strings.Contains(w.Log.String(), "possible password spraying") {
		t.Errorf("%d rows, and the log", rows)
	}
}

// TestR113_DistributedAndSpraying checks the budgets of guesses: ten at an account from one
// network, a hundred a day from all networks, and one budget per address for all accounts together.
func TestR113_DistributedAndSpraying(t *testing.T) {
	w := newWorld(t, proxied)
	a := w.person("alice")
	tried := 0
	for range 15 {
		if w.guess(a.Email, "198.51.100.1") == 400 {
			tried++
		}
	}
	if tried != 10 {
		t.Errorf("one address had %d guesses at one account, want 10", tried)
	}
	for i := range 150 {
		if w.guess(a.Email, fmt.Sprintf("198.51.%d.%d", i, i)) == 400 {
			tried++
		}
	}
	if tried != 100 {
		t.Errorf("151 addresses had %d guesses at one account, want 100", tried)
	}
	for name, address := range map[string]func(i int) string{
		"one address": func(int) string { return "203.0.113.7" },
		"one /64":     func(i int) string { return fmt.Sprintf("2001:db8:1:2:%x::%x", i+1, i+9) },
	} {
		tried = 0
		for i := range 200 {
			if w.guess(fmt.Sprintf("user%d-%s@good.test", i, strings.Trim(name, "one /")), address(i)) == 400 {
				tried++
			}
		}
		if tried != 100 {
			t.Errorf("%s had %d guesses at 200 accounts, want 100", name, tried)
		}
	}
	if got := w.guess("somebody@good.test", "2001:db8:1:3::1"); got != 400 {
		t.Errorf("the neighbour of a closed network: %d", got)
	}
	b := w.browser()
	b.Header["X-Forwarded-For"] = "203.0.113.7"
	b.login(w.person("erika")).Want(429).Refused("a right password from a closed address")
	w.Advance(15*time.Minute + time.Second)
	b.login(w.of(testkit.Person{Email: "erika@good.test"})).Want(200)
	for range 9 { // correct passwords cost an address nothing
		b.login(w.of(testkit.Person{Email: "erika@good.test"}))
	}
}

// TestR119_LockOutIsNoWeapon checks that guesses from many networks do not affect the owner: the
// session continues, a trusted browser can sign in, and the second factor is not locked.
func TestR119_LockOutIsNoWeapon(t *testing.T) {
	w := newWorld(t, proxied)
	a := w.withApp("alice")
	session, trusted := w.plantSession(a), w.trusted(a)
	second := func() int {
		return w.number(`SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name LIKE 'second:%' OR name LIKE 'factor:%'`)
	}
	before := second()
	for i := range 110 {
		w.guess(a.Email, fmt.Sprintf("198.51.100.%d", i))
		b := w.browser()
		b.validate("000000").Refused("a code without a password")
		b.Post("/tf-rescue", m{"help_setup": "email"}).Refused("a rescue without a password")
	}
	locked := w.browser()
	locked.Header["X-Forwarded-For"] = "203.0.113.77"
	locked.login(a).Want(429)
	session.in(a, 2)
	session.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
	for range 3 {
		if r := trusted.only("tf_validity").login(a); r.Status != 200 || r.JSON["tf_required"] != false {
			t.Fatalf("the trusted browser: %d %s", r.Status, r.Body)
		}
		w.Advance(11 * time.Second)
	}
	if second() != before {
		t.Error("anonymous requests moved the counters of the second factor")
	}
	for i := range 60 { // for hours: the wait never gets longer than an hour
		w.guess(a.Email, fmt.Sprintf("198.51.100.%d", i))
		w.Advance(5 * time.Minute)
	}
	var wait int
	for i := range 120 {
		w.guess(a.Email, fmt.Sprintf("192.0.2.%d", i))
	}
	_, err := fmt.Sscan(locked.login(a).Want(429).Header.Get("Retry-After"), &wait)
	w.Must(err)
	if wait > 3600 {
		t.Errorf("the wait is %d seconds", wait)
	}
	own := w.trusted2(a, trusted)
	for range 10 { // the trusted browser's own budget ends too
		own.copy().Post("/login", m{"email": a.Email, "password": "wrong password"}).Want(400)
	}
	own.copy().login(a).Want(429)
	forged := w.browser()
	forged.Header["X-Forwarded-For"] = "203.0.113.78"
	forged.Jar["tf_validity"] = "x" + own.Jar["tf_validity"]
	forged.login(a).Want(429)
	w.Advance(time.Duration(wait) * time.Second)
	locked.login(a).Want(200)
	locked.validate(a.Next()).Want(200)
	locked.in(a, 2)
}

// trusted2 returns a browser with the newest cookie of a trusted device.
func (w *world) trusted2(p *person, b *browser) *browser { return b.copy().only("tf_validity") }

// TestR121_CostlyActionsAreLimited checks the limits on registrations, enrollments and messages, and on
// what one person can have pending at once.
func TestR121_CostlyActionsAreLimited(t *testing.T) {
	w := newWorld(t)
	made := map[int]int{}
	for i := range 300 {
		made[w.registers(fmt.Sprintf("new%d@good.test", i), secret).Status]++
	}
	if made[200] != 20 || made[429] != 280 {
		t.Errorf("300 registrations from one address: %v", made)
	}
	a := w.person("alice")
	b, begun := w.plantSession(a), map[int]int{}
	for i := range 300 {
		if i%100 == 0 {
			b = w.plantSession(a)
		}
		begun[b.Post("/tf-setup", m{"setup": "authenticator"}).Status]++
	}
	if begun[200] != 30 || begun[429] != 270 {
		t.Errorf("300 secrets for one account: %v", begun)
	}
	e := w.person("erika").enrollMail()
	w.settled()
	sent := w.Mail.Count(e.Email)
	p, asked := w.plantPending(e), map[int]int{}
	for range 300 {
		asked[p.Post("/tf-resend", m{}).Status]++
	}
	if asked[200] != 1 || asked[429] != 299 || w.Mail.Count(e.Email) != sent+1 {
		t.Errorf("300 sends: %v, %d mails", asked, w.Mail.Count(e.Email)-sent)
	}
	if n := w.number(`SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM twofold_drafts GROUP BY owner) AS every`); n > 1 {
		t.Errorf("%d drafts of one session", n)
	}
	v := w.withApp("victor")
	old := w.plantPending(v)
	w.Advance(time.Second)
	var newest *browser
	for range 20 {
		newest = w.plantPending(v)
		w.Advance(time.Second)
	}
	if n := w.number(`SELECT COUNT(*) FROM twofold_pendings WHERE user_id = ?`, v.ID); n > 5 {
		t.Errorf("%d pending sign-ins of one account, want 5 at most", n)
	}
	old.validate(v.Code(0)).Want(400).Refused("the oldest of many")
	newest.validate(v.Next()).Want(200)
	drafts := w.number(`SELECT COUNT(*) FROM twofold_drafts WHERE user_id = ?`, a.ID)
	if drafts > 10 {
		t.Errorf("%d drafts of one account", drafts)
	}
	for _, n := range []limit.Limits{{SetupHour: -1}, {RegisterHour: -1}, {SendAddress: -1}, {RescueHour: 100_000}} {
		_, err := twofold.New(twofold.Config{Advanced: twofold.Advanced{Limits: n}})
		if err == nil || !strings.Contains(err.Error(), "Advanced.Limits.") {
			t.Errorf("%+v is taken: %v", n, err)
		}
	}
}

// TestR140_LogsWithoutSecrets checks the library's log at level debug, and the log and access log
// of the program.
func TestR140_LogsWithoutSecrets(t *testing.T) {
	w, p := lived(t)
	log := w.Log.String()
	for value, what := range w.known() {
		if len(value) > 6 && strings.Contains(log, value) || len(value) == 6 && hasWord(log, value) {
			t.Errorf("the log holds a %s", what)
		}
	}
	for _, full := range []string{"+16505551212", p.Email, hashed, firstKey} {
		if strings.Contains(log, full) {
			t.Errorf("the log holds %s", full)
		}
	}
	if !strings.Contains(log, "message sent") {
		t.Error("nothing was logged: this test looks in the wrong place")
	}
	for _, format := range []string{"json", "text"} {
		s := runProgram(t, []string{"TWOFOLD_LOG_FORMAT=" + format}, "serve", "--dev", "--listen", "127.0.0.1:0")
		typed := "my secret password 81"
		s.do(400, "POST", "/login", `{"email":"`+typed+`","password":"`+typed+`"}`)
		s.do(0, "GET", "/login?password=hunter2hunter2&code=555123&next=/x?token=QQsecretQQ", "")
		s.do(200, "POST", "/login", `{"email":"test@me.com","password":"password","remember":true}`)
		var state struct {
			Response struct {
				Token string `json:"tf_state_token"`
			}
		}
		w.Must(json.Unmarshal([]byte(s.do(200, "POST", "/tf-setup", `{"setup":"sms","phone":"+16502530000"}`)), &state))
		code := testkit.Code(s.do(200, "GET", "/dev/outbox", ""))
		s.do(400, "POST", "/tf-setup/"+state.Response.Token, `{"code":"`+other(code)+`"}`)
		s.do(200, "POST", "/tf-setup/"+state.Response.Token+"?code="+code, `{"code":"`+code+`"}`)
		link := stopIn(s.do(200, "GET", "/dev/outbox", ""))
		for range 3000 {
			if link != "" {
				break
			}
			time.Sleep(20 * time.Millisecond)
			link = stopIn(s.do(200, "GET", "/dev/outbox", ""))
		}
		if link == "" {
			t.Fatal("no notice came")
		}
		s.do(0, "GET", "/tf-not-me/"+link, "")
		s.do(0, "GET", "/no/"+link+"/"+state.Response.Token, "")
		secrets := []string{typed, "hunter2hunter2", "QQsecretQQ", state.Response.Token, link, "+16502530000",
			"test@me.com\"", "password\":"}
		cookies := s.client.Jar.Cookies(s.request(t.Context(), "GET", "/", "").URL)
		for _, c := range cookies {
			if len(c.Value) > 20 {
				secrets = append(secrets, c.Value)
			}
		}
		log := s.log.String()
		for _, value := range secrets {
			if strings.Contains(log, value) {
				t.Errorf("%s log holds %q", format, value)
			}
		}
		if hasWord(log, code) || hasWord(log, other(code)) || hasWord(log, "555123") {
			t.Errorf("%s log holds a code", format)
		}
		if len(cookies) == 0 || !strings.Contains(log, "/tf-setup/{token}") || !strings.Contains(log, "/login") {
			t.Errorf("%s: this test looks in the wrong place: %.300s", format, log)
		}
	}
}

// TestR141_LogInjection checks that no input adds a line or a control character to a log entry.
func TestR141_LogInjection(t *testing.T) {
	w := newWorld(t, open)
	const forged = "x\r\nlevel=INFO msg=\"login ok\" user=admin\x1b[2J\u2028\u0085y"
	b := w.browser()
	b.Post("/login", m{"email": forged, "password": forged, "next": forged})
	b.Post("/login", m{"username": forged, "password": secret})
	b.Post("/register", m{"email": forged + "@good.test", "username": forged, "password": secret,
		"password_confirm": secret})
	p := w.person("alice").enrollMail()
	w.Mail.FailWith(fmt.Errorf("the server says %s", forged)) // a sender's answer is logged
	b = w.plantPending(p)
	b.Post("/tf-resend", m{}).Want(500)
	w.Mail.FailWith(nil)
	b.validate(forged)
	b = w.plantSession(p)
	b.Post("/tf-setup", m{"setup": forged, "phone": forged, "name": forged})
	for _, path := range []string{"/login%0d%0alevel=INFO%20msg=login%20ok", "/%1b%5b2J%0alevel=INFO",
		"/tf-not-me/%0alevel=INFO"} {
		b.Do("GET", path, "", "")
		b.Do("POST", path, testkit.TypeJSON, "{}")
	}
	for _, agent := range []string{"x\x1b[2J", "x\r\nlevel: INFO", "x\x00y"} {
		w.raw(w.Nodes[0], "GET /me HTTP/1.1\r\nHost: "+w.Nodes[0].Addr+"\r\nUser-Agent: "+agent+
			"\r\nConnection: close\r\n\r\n")
	}
	oneLineEach(t, "the library", w.Log.String())
	if !strings.Contains(w.Log.String(), "the server says") {
		t.Error("the sender's answer was not logged: this test looks in the wrong place")
	}
	for _, e := range w.trail(0) {
		if strings.ContainsAny(fmt.Sprintf("%+v", e), "\r\n\x1b\x00") {
			t.Errorf("a row holds control characters: %+v", e)
		}
	}
	for _, format := range []string{"json", "text"} {
		s := runProgram(t, []string{"TWOFOLD_LOG_FORMAT=" + format}, "serve", "--dev", "--listen", "127.0.0.1:0")
		body, err := json.Marshal(m{"email": forged, "password": "p"})
		w.Must(err)
		s.do(0, "POST", "/login", string(body))
		for _, path := range []string{"/a%0d%0alevel=INFO", "/a%1b%5b2J", "/%00/b", "/login%0A", "/tf-setup/%0a%1b"} {
			s.do(0, "GET", path, "")
		}
		lines := s.log.String()
		if format == "json" {
			for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
				if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %q", line)
				}
			}
		}
		from := strings.Index(lines, "msg=") // after the banner
		if format == "text" && from >= 0 {
			lines = lines[strings.LastIndexByte(lines[:from], '\n')+1:]
			oneLineEach(t, "the program", lines[strings.Index(lines, "serving"):])
		}
		if strings.ContainsAny(lines, "\x1b\r\x00") {
			t.Errorf("control characters in the %s log", format)
		}
	}
}

var entry = regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=`)

func oneLineEach(t *testing.T, whose, log string) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSpace(log), "\n") {
		if i > 0 && line != "" && !entry.MatchString(line) {
			t.Errorf("%s: a line that is no entry: %q", whose, line)
		}
		if strings.ContainsAny(line, "\r\x1b\x00\u2028\u0085") {
			t.Errorf("%s: control characters: %q", whose, line)
		}
	}
}

// TestR124_MethodsAreSeenAfterTheFirstFactor checks that a user's methods are not shown earlier.
func TestR124_MethodsAreSeenAfterTheFirstFactor(t *testing.T) {
	w := newWorld(t, with(limit.Limits{AddressFailures: 100_000}))
	w.person("plain")
	w.person("susan").enrollSMS("+16505551212")
	w.withApp("alice").enrollMail()
	bodies := map[string][]string{}
	for _, name := range []string{"plain", "susan", "alice", "nobody"} {
		email := name + "@good.test"
		for _, path := range []string{"/tf-select", "/tf-validate", "/tf-rescue", "/tf-setup", "/login"} {
			r := w.browser().Get(path + "?email=" + email + "&username=" + name)
			bodies["GET "+path] = append(bodies["GET "+path],
				fmt.Sprint(r.Status, masked.ReplaceAllString(r.Body, "*")))
		}
		for path, body := range map[string]m{
			"/login": {"email": email}, "/tf-select": {"which": "sms"}, "/tf-rescue": {"help_setup": "email"},
			"/tf-resend": {}, "/tf-validate": {"code": "123456"},
		} {
			for _, again := range []string{path, path + "?email=" + email} {
				r := w.browser().Post(again, body).Refused(email)
				bodies["POST "+path] = append(bodies["POST "+path],
					fmt.Sprint(r.Status, masked.ReplaceAllString(r.Body, "*")))
			}
		}
		r := w.browser().Post("/login", m{"email": email, "password": "wrong password"}).Want(400)
		bodies["wrong"] = append(bodies["wrong"], masked.ReplaceAllString(r.Body, "*"))
	}
	for what, texts := range bodies {
		slices.Sort(texts)
		if len(slices.Compact(texts)) != 1 {
			t.Errorf("%s tells accounts apart: %q", what, texts)
		}
	}
}
