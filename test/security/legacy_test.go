package security_test

import (
	"context"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
)

// imports creates an account with a hash from another system.
func (w *world) imports(email, hash string) error {
	w.T.Helper()
	_, err := w.Nodes[0].Auth.CreateUser(w.T.Context(), twofold.NewUser{Email: email, PasswordHash: hash})
	return err
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// django returns a PBKDF2 hash in Django's format.
func django(plain string, rounds int) string {
	sum, err := pbkdf2.Key(sha256.New, plain, []byte("salt"), rounds, 32)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("pbkdf2_sha256$%d$salt$%s", rounds, base64.StdEncoding.EncodeToString(sum))
}

// TestR330_AHostileHashIsRefused checks that hashes that are damaged, unknown, or would take more
// than two seconds or 256 MiB create no account and are refused at once.
func TestR330_AHostileHashIsRefused(t *testing.T) {
	w := newWorld(t, open)
	before, start := w.count("users"), time.Now()
	for _, hash := range []string{
		"$2b$31$" + strings.Repeat(".", 53), "pbkdf2_sha256$2000000000$salt$" + strings.Repeat("A", 43) + "=",
		"$argon2id$v=19$m=4194304,t=100,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=1048576,t=20,p=1,keyid=dHdvZm9sZA$c2FsdHNhbHRzYWx0c2FsdA$" + strings.Repeat("A", 43),
		"$scrypt$ln=30,r=8,p=1$c2FsdA$" + strings.Repeat("A", 43),
		"$6$rounds=999999999$salt$" + strings.Repeat(".", 86),
		"$wrap$m=1048576,t=20,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43) + "$md5$a$" + strings.Repeat("0", 32),
		"$pre$pepper,k=unknown$$2b$04$" + strings.Repeat(".", 53), "$ask$", "plain", "{PLAIN}", "$1$", "md5$a$zz",
		strings.Repeat("$", 5000),
	} {
		if err := w.imports("hostile@good.test", hash); !errors.Is(err, twofold.ErrPasswordHash) {
			t.Errorf("%.60s: %v", hash, err)
		}
	}
	if took := time.Since(start); w.count("users") != before || took > 10*time.Second {
		t.Errorf("%d accounts were made in %v", w.count("users")-before, took)
	}
}

// TestR331_NoWeakHashIsStored checks that the database contains no plain digest, plain-text
// password or pepper, and that people can still sign in.
func TestR331_NoWeakHashIsStored(t *testing.T) {
	const pepper = "the pepper of another system"
	w := newWorld(t, open, func(c *twofold.Config) { c.Password.Peppers = map[string]string{"devise": pepper} })
	peppered, err := bcrypt.GenerateFromPassword([]byte(secret+pepper), bcrypt.MinCost)
	w.Must(err)
	for email, hash := range map[string]string{
		"md5@good.test": "md5$a$" + md5Of("a"+secret), "bare@good.test": md5Of(secret),
		"plain@good.test": "{PLAIN}" + secret,
		"fast@good.test":  django(secret, 1000), "pepper@good.test": "$pre$pepper,k=devise$" + string(peppered),
	} {
		w.Must(w.imports(email, hash))
		for _, c := range w.dump() {
			for _, lies := range []string{md5Of("a" + secret), md5Of(secret), secret, pepper, django(secret,
				1000)[26:]} {
				if strings.Contains(c.Text, lies) {
					t.Fatalf("%s: %q is in %s.%s", email, lies, c.Table, c.Column)
				}
			}
		}
		w.signsIn(email, "wrong "+secret).Want(400)
		w.signsIn(email, secret).Want(200)
		if !ours.MatchString(w.hashOf(email)) {
			t.Errorf("%s: after a sign-in %s", email, w.hashOf(email))
		}
		w.signsIn(email, secret).Want(200)
	}
}

// TestR332_AnOldHashIsReplaced checks that the first correct password replaces the hash, that a wrong
// one leaves it, and that a password set in the meantime is kept.
func TestR332_AnOldHashIsReplaced(t *testing.T) {
	w := newWorld(t, open)
	const email = "old@good.test"
	old := django(secret, 100000)
	w.Must(w.imports(email, old))
	w.signsIn(email, "wrong "+secret).Want(400)
	if w.hashOf(email) != old {
		t.Errorf("a wrong password changed it to %s", w.hashOf(email))
	}
	id, err := w.Nodes[0].Auth.FindUser(t.Context(), email)
	w.Must(err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { w.signsIn(email, secret) })
	}
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), id.ID, "another "+secret))
	wg.Wait()
	w.signsIn(email, secret).Want(400)
	w.signsIn(email, "another "+secret).Want(200)
}

// TestR333_TimeDoesNotTellWhoCameFromElsewhere checks that once the table has a costly hash, a
// wrong password takes the same time for its account, for another one and for an unknown one.
func TestR333_TimeDoesNotTellWhoCameFromElsewhere(t *testing.T) {
	w := newWorld(t, open)
	// The hash costs more than ours, but takes less than the longest wait (3 s) even on a slow
	// machine.
	w.Must(w.imports("old@good.test", django(secret, 200000)))
	a := w.person("alice")
	fastest := map[string]time.Duration{}
	for round := range 4 {
		for _, email := range []string{"old@good.test", a.Email, "none@good.test"} {
			start := time.Now()
			w.signsIn(email, "wrong "+secret).Want(400)
			if took := time.Since(start); round > 0 && (fastest[email] == 0 || took < fastest[email]) {
				fastest[email] = took
			}
		}
	}
	for _, email := range []string{a.Email, "none@good.test"} {
		if fastest[email] < fastest["old@good.test"]*8/10 {
			t.Errorf("%s answers after %v, one that came from elsewhere after %v", email, fastest[email],
				fastest["old@good.test"])
		}
	}
}

// elsewhere is the system that the accounts came from.
type elsewhere struct {
	mu     sync.Mutex
	people map[string]password.LegacyAccount // all have the suite's password
	asked  []string
	err    error
}

func (e *elsewhere) CheckPassword(_ context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, identity)
	a, ok := e.people[identity]
	return a, ok && plain == secret, e.err
}

func (e *elsewhere) times() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

func withElsewhere(e *elsewhere) func(*twofold.Config) {
	return func(c *twofold.Config) { c.Password.Legacy = e }
}

// TestR334_AFormerSystemIsAskedWithinTheBudgets checks that each attempt queries the former system
// once, that a paused identity or an empty password never does, and that it is not queried again
// after a success.
func TestR334_AFormerSystemIsAskedWithinTheBudgets(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{"ann@good.test": {Proven: true}}}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Advanced.Limits.FirstFailures = 5 })
	w.signsIn("ann@good.test", "").Want(400)
	if e.times() != 0 {
		t.Errorf("asked with an empty password: %q", e.asked)
	}
	made := w.count("users")
	statuses := map[int]int{}
	for range 30 {
		statuses[w.signsIn("bob@good.test", "wrong "+secret).Status]++
	}
	if statuses[429] == 0 || e.times() != statuses[400] || w.count("users") != made {
		t.Errorf("statuses %v, asked %d times", statuses, e.times())
	}
	before := e.times()
	w.signsIn("ann@good.test", secret).Want(200)
	if e.times() != before+1 || w.count("users") != made+1 {
		t.Errorf("asked %d times, %d accounts", e.times()-before, w.count("users")-made)
	}
	w.signsIn("ann@good.test", secret).Want(200)
	w.signsIn("ann@good.test", "wrong "+secret).Want(400)
	w.signsIn(w.person("carl").Email, "wrong "+secret).Want(400)
	if e.times() != before+1 {
		t.Errorf("asked again: %q", e.asked)
	}
}

// TestR335_AFormerSystemOpensNoMoreThanAPassword checks that a required second factor is enrolled,
// an existing one is asked for, and an address that the former system does not vouch for is
// confirmed first. The former system cannot open an account that has a password here.
func TestR335_AFormerSystemOpensNoMoreThanAPassword(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{
		"ann@good.test": {Proven: true}, "alice": {Email: "alice@good.test", Proven: true},
		"eve@good.test": {Email: "alice@good.test", Proven: true},
	}}
	w := newWorld(t, withElsewhere(e), func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.Post("/login", m{"email": "ann@good.test", "password": secret}).Want(200)
	b.out("a second factor is required")
	a := w.withApp("alice")
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, "another "+secret))
	for _, identity := range []string{"alice", "alice@good.test", "eve@good.test"} {
		w.signsIn(identity, secret).Want(400)
	}
	waits := w.withApp("wendy")
	w.write(`UPDATE twofold_users SET password_hash = ? WHERE id = ?`, password.AskLegacy, waits.ID)
	e.mu.Lock()
	e.people[waits.Email] = password.LegacyAccount{}
	e.mu.Unlock()
	b = w.browser()
	b.login(waits).Want(200)
	b.out("its app has not been asked for")
	b.validate(waits.Next()).Want(200)
	b.in(waits, 2)
	if !ours.MatchString(w.hashOf(waits.Email)) {
		t.Errorf("stored: %s", w.hashOf(waits.Email))
	}
}

// TestR335_AnAddressThatIsNotProvenIsConfirmedFirst.
func TestR335_AnAddressThatIsNotProvenIsConfirmedFirst(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{"ann@good.test": {}, "bob@good.test": {Proven: true}}}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Accounts.Confirmable = true })
	w.signsIn("bob@good.test", secret).Want(200)
	b := w.browser()
	b.Post("/login", m{"email": "ann@good.test", "password": secret}).Want(400)
	b.out("its address is not proven")
}

// TestR336_AFormerSystemThatFailsIsNotAWrongPassword checks that people get a 503 that reveals
// nothing about them, that their address is not locked, and that they can sign in afterwards.
func TestR336_AFormerSystemThatFailsIsNotAWrongPassword(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{"ann@good.test": {Proven: true}},
		err: errors.New("down")}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Advanced.Limits.AddressFailures = 10 })
	for i := range 20 {
		w.signsIn(fmt.Sprintf("p%d@good.test", i), secret).Want(503)
		w.signsIn("ann@good.test", secret)
	}
	if e.times() != 1 {
		t.Errorf("asked %d times in a moment", e.times())
	}
	e.mu.Lock()
	e.err = nil
	e.mu.Unlock()
	w.Advance(2 * time.Hour) // the longest wait
	w.signsIn("ann@good.test", secret).Want(200)
}

// TestR336_AnOutageTellsNothing checks that during an outage of the former system a wrong password
// has the same answers for existing and unknown accounts until both must wait, and that a right
// password is accepted. Afterwards everything works as before.
func TestR336_AnOutageTellsNothing(t *testing.T) {
	e := &elsewhere{err: errors.New("down")}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Advanced.Limits.FirstFailures = 5 })
	a, b := w.person("alice"), w.person("bobby")
	w.signsIn("first@good.test", "wrong "+secret).Want(503)
	w.signsIn(b.Email, secret).Want(200)
	answers := func(email string) (out []int) {
		for range 8 {
			out = append(out, w.signsIn(email, "wrong "+secret).Status)
		}
		return out
	}
	known, unknown := answers(a.Email), answers("nobody@good.test")
	if fmt.Sprint(known) != fmt.Sprint(unknown) || known[0] != 503 || known[7] != 429 {
		t.Errorf("an account is answered %v, none %v", known, unknown)
	}
	e.mu.Lock()
	e.err = nil
	e.mu.Unlock()
	w.Advance(10 * time.Second)
	w.signsIn(b.Email, "wrong "+secret).Want(400)
	w.signsIn("another@good.test", "wrong "+secret).Want(400)
	before := e.times()
	w.signsIn(b.Email, "wrong "+secret).Want(400)
	if e.times() != before {
		t.Error("it is asked although it is back")
	}
	for _, name := range e.asked {
		if name == a.Email || name == b.Email {
			t.Errorf("asked about %s", name)
		}
	}
}
