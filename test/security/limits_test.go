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
	"github.com/twofold-auth/twofold/internal/testkit"
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
		return w.browser().Post("/login", m{"email": a.Email, "password": "wrong password"})
	}
	for range 10 {
		wrong().Want(400)
	}
	w.Restart()
	bad, good := wrong().Want(429), w.browser().login(a).Want(429)
	if bad.Body != good.Body || bad.Header.Get("Retry-After") != "30" {
		t.Errorf("while waiting, right and wrong differ, or the wait is %q:\n%s%s", bad.Header.Get("Retry-After"),
			bad.Body, good.Body)
	}
	for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute,
		8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		w.Advance(wait - time.Second)
		w.browser().login(a).Want(429)
		w.Advance(time.Second)
		wrong().Want(400)
	}
	w.Advance(time.Hour)
	w.browser().login(a).Want(200)
	for range 9 {
		wrong().Want(400)
	}
	w.browser().login(a).Want(200)
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
		b.Header["User-Agent"] = fmt.Sprint("agent ", n)
		return b.Do("POST", []string{"/login", "/%6cogin", "/login?x=" + fmt.Sprint(n)}[n%3], testkit.TypeJSON,
			fmt.Sprintf(`{"email":"nobody%d@good.test","password":"%s"}`, n, tooLong), lines...).Status
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
	w.Restart(func(c *twofold.Config) {
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
	second := w.Start(nil)
	a := w.withApp("alice")
	storm := func(n int, code func(i int) string) (wrong, paused, right int) {
		b := w.plantPending(a)
		var statuses [600]atomic.Int32
		testkit.Par(n, func(i int) {
			c := b.copy()
			if i%2 == 1 {
				c.on(second)
			}
			statuses[c.validate(code(i)).Status].Add(1)
		})
		for s := range statuses {
			if k := int(statuses[s].Load()); k > 0 && s != 200 && s != 400 && s != 429 {
				t.Errorf("%d replies with status %d", k, s)
			}
		}
		return int(statuses[400].Load()), int(statuses[429].Load()), int(statuses[200].Load())
	}
	start, err := strconv.Atoi(a.Wrong())
	w.Must(err)
	if wrong, paused, right := storm(200,
		func(i int) string { return fmt.Sprintf("%06d", (start+i)%1_000_000) }); wrong != 5 || paused != 195 ||
		right != 0 {
		t.Errorf("200 wrong codes at once: %d evaluated, %d paused, %d right; want 5, 195, 0", wrong, paused, right)
	}
	for range 3 {
		w.Advance(16 * time.Minute)
		good, bad := a.Next(), a.Wrong()
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
		w.plantPending(a).validate(a.Wrong()).Want(400)
	}
	for i := range 3000 { // other people's counters
		w.Must(func() error {
			if i%100 != 0 {
				return nil
			}
			claims := make([]storage.Claim, 100)
			for k := range claims {
				claims[k] = storage.Claim{Key: fmt.Sprint("first:junk", i, k), Limit: 10, Window: time.Hour,
					Hold: time.Minute}
			}
			_, err := w.Nodes[0].Store.Reserve(t.Context(), w.Now(), claims...)
			return err
		}())
	}
	_, err := w.Nodes[0].Store.Sweep(t.Context(), w.Now(), 100_000)
	w.Must(err)
	second := w.Start(nil) // as after kill -9: the first one never said goodbye
	w.plantPending(a).on(second).validate(a.Wrong()).Want(400)
	for _, n := range w.Nodes {
		w.plantPending(a).on(n).validate(a.Next()).Want(429)
	}
	for i := range 5 {
		w.plantPending(v).on(w.Nodes[i%2]).validate(v.Wrong()).Want(400)
	}
	w.plantPending(v).validate(v.Next()).Want(429)
	w.plantPending(v).on(second).validate(v.Next()).Want(429)

	f := &failing{}
	broken := w.Start(func(s storage.Store) storage.Store { f.Store = s; return f })
	f.on.Store(true)
	b := w.plantPending(e).on(broken)
	b.validate(e.Next()).Want(503).Refused("no counters")
	b.out("no counters")
	w.browser().on(broken).login(e).Want(503).Refused("no counters")
	f.on.Store(false)
	b.validate(e.Code(0)).Want(200)
}

// TestR117_EveryPathThatChecksCounts covers every path that takes a secret. Strangers and a session
// do not use up each other's guesses.
func TestR117_EveryPathThatChecksCounts(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 4}))
	a, e := w.withApp("alice"), w.person("erika").enrollMail()
	session := w.plantSession(a)
	for range 4 {
		w.browser().Post("/login", m{"email": a.Email, "password": "wrong password"}).Want(400)
	}
	w.browser().login(a).Want(429)
	for range 4 {
		session.Post("/verify", m{"password": "wrong password"}).Want(400)
	}
	session.Post("/verify", m{"password": secret}).Want(429)
	w.browser().login(a).Want(429)
	w.Advance(time.Hour)
	session = w.plantSession(a)
	session.Post("/verify", m{"password": secret}).Want(200)
	for range 2 {
		session.validate(a.Wrong()).Want(400)
		w.plantPending(a).validate(a.Wrong()).Want(400)
	}
	session.validate(a.Wrong()).Want(400)
	w.plantPending(a).validate(a.Next()).Want(429)
	session.validate(a.Next()).Want(429)

	rescue := w.plantPending(e)
	rescue.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code := e.Mailed()
	for range 5 {
		rescue.validate(other(code)).Want(400)
	}
	rescue.validate(code).Want(429)

	fresh := w.plantSession(w.person("newcomer"))
	token := fresh.Post("/tf-setup", m{"setup": "authenticator"}).Want(200).Text("tf_state_token")
	limited := 0
	for i := range 20 {
		path := []string{"/tf-setup/" + token, "/tf-validate"}[i%2]
		if fresh.Post(path, m{"code": fmt.Sprintf("%06d", 200000+i)}).Status == 429 {
			limited++
		}
	}
	if limited != 15 {
		t.Errorf("%d of 20 wrong codes at a set-up were held up, want 15", limited)
	}
}

// TestR118_OnlyAProofOfTheCredentialResetsItsCounter checks that only a proof of the same
// credential resets its counter.
func TestR118_OnlyAProofOfTheCredentialResetsItsCounter(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice").enrollSMS("+16505551212")
	guess := func(code string) *answer {
		b := w.plantPending(a)
		b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
		return b.validate(code)
	}
	for range 4 {
		guess(a.Wrong()).Want(400)
	}
	w.browser().login(a).Want(200)
	guess(a.Wrong()).Want(400)
	guess(a.Next()).Want(429)
	w.Advance(15*time.Minute + time.Second)
	b := w.plantPending(a)
	b.Post("/tf-select", m{"which": "sms"}).Want(200)
	b.validate(a.Texted()).Want(200)
	if n := w.number(`SELECT MAX(n) FROM twofold_counters WHERE name LIKE 'factor:%'`); n != 5 {
		t.Errorf("after a texted code %d failures of the app are counted, want 5", n)
	}
	for range 5 {
		guess(a.Wrong()).Want(400)
	}
	guess(a.Next()).Want(429) // the lock is armed again
	w.Advance(15*time.Minute + time.Second)
	guess(a.Next()).Want(200)
	if n := w.number(`SELECT COUNT(*) FROM twofold_counters WHERE name LIKE 'factor:%' AND n >= 5`); n != 0 {
		t.Error("the app's own proof does not clear its failures")
	}
}

// TestR120_LockedLooksLikeWrong covers accounts that exist and identities that do not.
func TestR120_LockedLooksLikeWrong(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 2}))
	a := w.person("alice")
	var bodies []string
	for _, email := range []string{a.Email, "nobody@good.test"} {
		for range 2 {
			w.browser().Post("/login", m{"email": email, "password": "wrong password"}).Want(400)
		}
		for _, password := range []string{secret, "wrong password"} {
			r := w.browser().Post("/login", m{"email": email, "password": password}).Want(429)
			bodies = append(bodies, r.Body+r.Header.Get("Retry-After")+fmt.Sprint(r.Header.Values("Set-Cookie")))
		}
	}
	if len(slices.Compact(bodies)) != 1 {
		t.Errorf("locked replies differ: %q", bodies)
	}
}

// classes holds kinds of accounts that an attacker must not be able to tell apart.
func (w *world) classes() []string {
	w.T.Helper()
	w.person("active")
	w.withApp("second")
	_, err := w.Nodes[0].Auth.CreateUser(w.T.Context(), twofold.NewUser{Email: "nopassword@good.test"})
	w.Must(err)
	_, err = w.Nodes[0].Auth.CreateUser(w.T.Context(),
		twofold.NewUser{Email: "disabled@good.test", PasswordHash: hashed, Inactive: true})
	w.Must(err)
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
			"json": w.browser().Post("/login", m{"email": email, "password": "wrong password"}),
			"page": w.browser().Form("/login", "email", email, "password", "wrong password"),
		} {
			text := masked.ReplaceAllString(fmt.Sprintf("%d %v %s", r.Status, r.Header, r.Body), "*")
			seen[kind][text] = append(seen[kind][text], email)
		}
	}
	for kind, texts := range seen {
		if len(texts) != 1 {
			t.Errorf("%s: %d different answers: %v", kind, len(texts), texts)
		}
	}
	r := w.browser().Post("/login", m{"email": "disabled@good.test", "password": secret}).Want(400)
	if !strings.Contains(r.Body, "disabled") {
		t.Errorf("who knows the password is not told: %s", r.Body)
	}
}

// TestR162_MailsOfRegistrationsAreCounted checks that mails of registrations count toward the
// hourly limit for all strangers together, whichever addresses they go to, including addresses that
// have an account. Above the limit, registrations are refused.
func TestR162_MailsOfRegistrationsAreCounted(t *testing.T) {
	w := newWorld(t, life, proxied, func(c *twofold.Config) { c.Advanced.Limits.SendHour = 6 })
	taken := w.person("alice").Email
	register := func(i int, email string) int {
		b := w.at(fmt.Sprintf("198.51.%d.1", i))
		return b.Post("/register", m{"email": email, "password": secret, "password_confirm": secret}).Status
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
	w.Advance(61 * time.Minute)
	if status := register(102, "late@good.test"); status != 200 {
		t.Errorf("an hour later: %d", status)
	}
}
