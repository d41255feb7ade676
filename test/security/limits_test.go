package security_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// with sets the limits of the budgets.
func with(n limit.Limits) func(*twofold.Config) {
	return func(c *twofold.Config) { c.Advanced.Limits = n }
}

// TestR112_FirstFactorIsLimited checks that after ten failures there is a wait of thirty seconds
// that doubles up to an hour, also across restarts. A hundred failures in a row do not lock the
// account; the wait stays at an hour.
func TestR112_FirstFactorIsLimited(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	wrong := func() *answer {
		return w.browser().post("/login", m{"email": a.email, "password": "wrong password"})
	}
	for range 10 {
		wrong().want(400)
	}
	w.restart()
	bad, good := wrong().want(429), w.browser().login(a).want(429)
	if bad.body != good.body || bad.header.Get("Retry-After") != "30" {
		t.Errorf("while waiting, right and wrong differ, or the wait is %q:\n%s%s", bad.header.Get("Retry-After"),
			bad.body, good.body)
	}
	for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute,
		8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		w.advance(wait - time.Second)
		w.browser().login(a).want(429)
		w.advance(time.Second)
		wrong().want(400)
	}
	w.advance(time.Hour)
	w.browser().login(a).want(200)
	for range 9 {
		wrong().want(400)
	}
	w.browser().login(a).want(200)
}

// TestR114_KeyIsNotTheClients checks that a header does not move a client to another budget. Behind
// a configured proxy, the address that the proxy appended counts. An IPv6 address counts as its
// /64.
func TestR114_KeyIsNotTheClients(t *testing.T) {
	w := newWorld(t, with(limit.Limits{AddressFailures: 10}))
	w.person("alice")
	tooLong := strings.Repeat("x", 1100) // counts, and is refused before it is hashed
	n := 0
	guess := func(lines ...string) int {
		n++
		b := w.browser()
		b.header["User-Agent"] = fmt.Sprint("agent ", n)
		return b.do("POST", []string{"/login", "/%6cogin", "/login?x=" + fmt.Sprint(n)}[n%3], typeJSON,
			fmt.Sprintf(`{"email":"nobody%d@good.test","password":"%s"}`, n, tooLong), lines...).status
	}
	names := []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"}
	for i := range 10 {
		if got := guess(names[i%len(names)], fmt.Sprintf("198.51.100.%d", i)); got != 400 {
			t.Errorf("guess %d: status %d", i, got)
		}
	}
	for i, name := range names {
		if got := guess(name, fmt.Sprintf("203.0.113.%d", i)); got != 429 {
			t.Errorf("%s opened another budget: status %d", name, got)
		}
	}

	w.write(`DELETE FROM twofold_counters`)
	w.restart(func(c *twofold.Config) {
		c.Advanced.TrustedProxies = []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"),
		}
	})
	for _, same := range [][]string{
		{"9.9.9.9", "1.2.3.4, 9.9.9.9", "::ffff:9.9.9.9, 10.0.0.1", "junk, 9.9.9.9, 10.1.1.1", "9.9.9.8, 9.9.9.9",
			"9.9.9.9:4711, 10.0.0.1:80"},
		{"2001:db8::1", "2001:db8:0:0:ffff::2", "1.1.1.1, 2001:DB8::3", "2001:db8::4%eth0, 10.0.0.9",
			"2001:0db8:0000:0000::5", "[2001:db8::6]:4711", "[2001:db8::7]"},
	} {
		for i := range 15 {
			want := 400
			if i >= 10 {
				want = 429
			}
			if got := guess("X-Forwarded-For", same[i%len(same)]); got != want {
				t.Errorf("%q is number %d of one network: status %d, want %d", same[i%len(same)], i+1, got, want)
			}
		}
	}
	if got := guess("X-Forwarded-For", "2001:db8:0:1::1"); got != 400 {
		t.Errorf("another network: status %d", got)
	}
}

// TestR115_ParallelGuessesDoNotBeatTheCounter uses two nodes at once. A right guess releases its
// own place; wrong guesses release none.
func TestR115_ParallelGuesses(t *testing.T) {
	w := newWorld(t)
	second := w.start(nil)
	a := w.withApp("alice")
	storm := func(n int, code func(i int) string) (wrong, paused, right int) {
		b := w.plantPending(a)
		var statuses [600]atomic.Int32
		par(n, func(i int) {
			c := b.copy()
			if i%2 == 1 {
				c.on(second)
			}
			statuses[c.validate(code(i)).status].Add(1)
		})
		for s := range statuses {
			if k := int(statuses[s].Load()); k > 0 && s != 200 && s != 400 && s != 429 {
				t.Errorf("%d replies with status %d", k, s)
			}
		}
		return int(statuses[400].Load()), int(statuses[429].Load()), int(statuses[200].Load())
	}
	start, err := strconv.Atoi(a.wrong())
	w.must(err)
	if wrong, paused, right := storm(200,
		func(i int) string { return fmt.Sprintf("%06d", (start+i)%1_000_000) }); wrong != 5 || paused != 195 ||
		right != 0 {
		t.Errorf("200 wrong codes at once: %d evaluated, %d paused, %d right; want 5, 195, 0", wrong, paused, right)
	}
	for range 3 {
		w.advance(16 * time.Minute)
		good, bad := a.next(), a.wrong()
		wrong, _, right := storm(100, func(i int) string {
			if i == 57 {
				return good
			}
			return bad
		})
		if wrong > 5+right*95 || right > 1 { // what comes after a sign-in is over finds no pending
			t.Errorf("99 wrong and one right: %d wrong evaluated, %d right", wrong, right)
		}
		if n := w.number(`SELECT n FROM twofold_counters WHERE name LIKE 'second:%'`); n > 5 {
			t.Errorf("%d guesses counted, want at most 5", n)
		}
	}
}

// failing is a store in which the named method fails.
type failing struct {
	storage.Store
	on atomic.Bool
}

func (f *failing) Reserve(ctx context.Context, now time.Time, c ...storage.Claim) (time.Time, error) {
	if f.on.Load() {
		return time.Time{}, errors.New("no counters today")
	}
	return f.Store.Reserve(ctx, now, c...)
}

func (f *failing) TakeStep(ctx context.Context, s storage.Step) error {
	if f.on.Load() && len(s.Budgets) > 0 {
		return errors.New("no counters today")
	}
	return f.Store.TakeStep(ctx, s)
}

// TestR116_CountersSurvive checks that counters survive a crash, are shared by nodes and cannot be
// reset by many requests, and that no guess is tried if they cannot be read.
func TestR116_CountersSurvive(t *testing.T) {
	w := newWorld(t)
	a, v, e := w.withApp("alice"), w.withApp("victor"), w.withApp("erika")
	for range 4 {
		w.plantPending(a).validate(a.wrong()).want(400)
	}
	for i := range 3000 { // other people's counters
		w.must(func() error {
			if i%100 != 0 {
				return nil
			}
			claims := make([]storage.Claim, 100)
			for k := range claims {
				claims[k] = storage.Claim{Key: fmt.Sprint("first:junk", i, k), Limit: 10, Window: time.Hour,
					Hold: time.Minute}
			}
			_, err := w.nodes[0].db.Reserve(t.Context(), w.Now(), claims...)
			return err
		}())
	}
	_, err := w.nodes[0].db.Sweep(t.Context(), w.Now(), 100_000)
	w.must(err)
	second := w.start(nil) // as after kill -9: the first one never said goodbye
	w.plantPending(a).on(second).validate(a.wrong()).want(400)
	for _, n := range w.nodes {
		w.plantPending(a).on(n).validate(a.next()).want(429)
	}
	for i := range 5 {
		w.plantPending(v).on(w.nodes[i%2]).validate(v.wrong()).want(400)
	}
	w.plantPending(v).validate(v.next()).want(429)
	w.plantPending(v).on(second).validate(v.next()).want(429)

	f := &failing{}
	broken := w.start(func(s storage.Store) storage.Store { f.Store = s; return f })
	f.on.Store(true)
	b := w.plantPending(e).on(broken)
	b.validate(e.next()).want(503).refused("no counters")
	b.out("no counters")
	w.browser().on(broken).login(e).want(503).refused("no counters")
	f.on.Store(false)
	b.validate(e.code(0)).want(200)
}

// TestR117_EveryPathThatChecksCounts covers every path that takes a secret. Strangers and a session
// do not use up each other's guesses.
func TestR117_EveryPathThatChecksCounts(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 4}))
	a, e := w.withApp("alice"), w.person("erika").enrollMail()
	session := w.plantSession(a)
	for range 4 {
		w.browser().post("/login", m{"email": a.email, "password": "wrong password"}).want(400)
	}
	w.browser().login(a).want(429)
	for range 4 {
		session.post("/verify", m{"password": "wrong password"}).want(400)
	}
	session.post("/verify", m{"password": secret}).want(429)
	w.browser().login(a).want(429)
	w.advance(time.Hour)
	session = w.plantSession(a)
	session.post("/verify", m{"password": secret}).want(200)
	for range 2 {
		session.validate(a.wrong()).want(400)
		w.plantPending(a).validate(a.wrong()).want(400)
	}
	session.validate(a.wrong()).want(400)
	w.plantPending(a).validate(a.next()).want(429)
	session.validate(a.next()).want(429)

	rescue := w.plantPending(e)
	rescue.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code := e.mailed()
	for range 5 {
		rescue.validate(other(code)).want(400)
	}
	rescue.validate(code).want(429)

	fresh := w.plantSession(w.person("newcomer"))
	token := fresh.post("/tf-setup", m{"setup": "authenticator"}).want(200).text("tf_state_token")
	limited := 0
	for i := range 20 {
		path := []string{"/tf-setup/" + token, "/tf-validate"}[i%2]
		if fresh.post(path, m{"code": fmt.Sprintf("%06d", tried.Add(1))}).status == 429 {
			limited++
		}
	}
	if limited != 15 {
		t.Errorf("%d of 20 wrong codes at a set-up were held up, want 15", limited)
	}
}

// TestR118_WhatResetsACounter checks that only a proof of the same credential resets its counter.
func TestR118_WhatResetsACounter(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice").enrollSMS("+16505551212")
	guess := func(code string) *answer {
		b := w.plantPending(a)
		b.post("/tf-select", m{"which": "authenticator"}).want(200)
		return b.validate(code)
	}
	for range 4 {
		guess(a.wrong()).want(400)
	}
	w.browser().login(a).want(200)
	guess(a.wrong()).want(400)
	guess(a.next()).want(429)
	w.advance(15*time.Minute + time.Second)
	b := w.plantPending(a)
	b.post("/tf-select", m{"which": "sms"}).want(200)
	b.validate(a.texted()).want(200)
	if n := w.number(`SELECT MAX(n) FROM twofold_counters WHERE name LIKE 'factor:%'`); n != 5 {
		t.Errorf("after a texted code %d failures of the app are counted, want 5", n)
	}
	for range 5 {
		guess(a.wrong()).want(400)
	}
	guess(a.next()).want(429) // the lock is armed again
	w.advance(15*time.Minute + time.Second)
	guess(a.next()).want(200)
	if n := w.number(`SELECT COUNT(*) FROM twofold_counters WHERE name LIKE 'factor:%' AND n >= 5`); n != 0 {
		t.Error("the app's own proof does not clear its failures")
	}
}

// TestR120_LockedLooksLikeWrong covers accounts that exist and identities that do not.
func TestR120_LockedLooksLikeWrong(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 2}))
	a := w.person("alice")
	var bodies []string
	for _, email := range []string{a.email, "nobody@good.test"} {
		for range 2 {
			w.browser().post("/login", m{"email": email, "password": "wrong password"}).want(400)
		}
		for _, password := range []string{secret, "wrong password"} {
			r := w.browser().post("/login", m{"email": email, "password": password}).want(429)
			bodies = append(bodies, r.body+r.header.Get("Retry-After")+fmt.Sprint(r.header.Values("Set-Cookie")))
		}
	}
	if len(slices.Compact(bodies)) != 1 {
		t.Errorf("locked replies differ: %q", bodies)
	}
}

// classes holds kinds of accounts that an attacker must not be able to tell apart.
func (w *world) classes() []string {
	w.t.Helper()
	w.person("active")
	w.withApp("second")
	_, err := w.nodes[0].auth.CreateUser(w.t.Context(), twofold.NewUser{Email: "nopassword@good.test"})
	w.must(err)
	_, err = w.nodes[0].auth.CreateUser(w.t.Context(),
		twofold.NewUser{Email: "disabled@good.test", PasswordHash: hashed, Inactive: true})
	w.must(err)
	return []string{"active@good.test", "second@good.test", "nopassword@good.test", "disabled@good.test",
		"nobody@good.test"}
}

var masked = regexp.MustCompile(
	`[a-z]+@good\.test|value="[A-Za-z0-9_-]{43}"|(?:Date|X-Request-Id):\[[^]]*\]|Content-Length:\[\d+\]|twofold-csrf=[^;]*|twofold-(?:refused|inbox)=[^;]*|"csrf_token":"[^"]*"`)

// TestR122_SameAnswerForAll checks that a caller who does not know the password learns nothing
// about the state of an account. Registration cannot guarantee this without confirmation by mail,
// because registering a free address signs the user in.
func TestR122_SameAnswerForAll(t *testing.T) {
	w := newWorld(t)
	seen := map[string]map[string][]string{"json": {}, "page": {}}
	for _, email := range w.classes() {
		for kind, r := range map[string]*answer{
			"json": w.browser().post("/login", m{"email": email, "password": "wrong password"}),
			"page": w.browser().form("/login", "email", email, "password", "wrong password"),
		} {
			text := masked.ReplaceAllString(fmt.Sprintf("%d %v %s", r.status, r.header, r.body), "*")
			seen[kind][text] = append(seen[kind][text], email)
		}
	}
	for kind, texts := range seen {
		if len(texts) != 1 {
			t.Errorf("%s: %d different answers: %v", kind, len(texts), texts)
		}
	}
	r := w.browser().post("/login", m{"email": "disabled@good.test", "password": secret}).want(400)
	if !strings.Contains(r.body, "disabled") {
		t.Errorf("who knows the password is not told: %s", r.body)
	}
}

// TestR162_RegistrationsPayForTheirLetters checks that mails of registrations count toward the
// hourly limit for all strangers together, whichever addresses they go to, including addresses that
// have an account. Above the limit, registrations are refused.
func TestR162_RegistrationsPayForTheirLetters(t *testing.T) {
	w := newWorld(t, life, proxied, func(c *twofold.Config) { c.Advanced.Limits.SendHour = 6 })
	taken := w.person("alice").email
	register := func(i int, email string) int {
		b := w.at(fmt.Sprintf("198.51.%d.1", i))
		return b.post("/register", m{"email": email, "password": secret, "password_confirm": secret}).status
	}
	for i := range 6 {
		email := fmt.Sprintf("new%d@good.test", i)
		if i == 2 {
			email = taken
		}
		if status := register(i, email); status != 200 {
			t.Fatalf("registration %d: %d", i, status)
		}
	}
	w.settled()
	if n := w.number(`SELECT SUM(n) FROM twofold_counters WHERE name LIKE 'sendall:%'`); n != 6 {
		t.Errorf("%d letters are counted, want 6", n)
	}
	before, mails := w.count("users"), w.mails()
	for i, email := range []string{"late@good.test", taken} {
		if status := register(100+i, email); status != 429 {
			t.Errorf("%s: %d, want 429", email, status)
		}
	}
	if w.count("users") != before || w.mails() != mails {
		t.Error("something was registered or mailed")
	}
	w.advance(61 * time.Minute)
	if status := register(102, "late@good.test"); status != 200 {
		t.Errorf("an hour later: %d", status)
	}
}
