package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR161_TheOwnerHasBudgetsOfTheirOwn lets strangers of many networks use up all guesses and
// mails of strangers. A browser that signed in before, a session, and the network of an earlier
// sign-in are not affected.
func TestR161_TheOwnerHasBudgetsOfTheirOwn(t *testing.T) {
	w := newWorld(t, life, proxied, func(c *twofold.Config) {
		c.Advanced.Limits.LinkHour, c.Advanced.Limits.LinkDay, c.Advanced.Limits.LinkAddress = 0, 0, 0
	})
	a := w.person("alice")
	home := w.browser()
	home.Header["X-Forwarded-For"] = "203.0.113.5"
	home.login(a).Want(200)
	session := home.copy()
	for i := range 120 {
		address := fmt.Sprintf("198.51.%d.7", i)
		w.guess(a.Email, address)
		b := w.browser()
		b.Header["X-Forwarded-For"] = address
		b.Post("/reset", m{"email": a.Email})
	}
	stranger := w.browser()
	stranger.Header["X-Forwarded-For"] = "192.0.2.9"
	stranger.login(a).Want(429)
	stranger.Post("/reset", m{"email": a.Email}).Want(429)
	// The same session and browser are also recognized in a new network.
	session.Header["X-Forwarded-For"] = "192.0.2.77"
	session.Post("/verify", m{"password": secret}).Want(200)
	known := home.copy().only("__Host-twofold-known", "twofold-known")
	known.Header["X-Forwarded-For"] = "192.0.2.88"
	known.login(a).Want(200)
	known.Post("/logout", m{})
	known.Post("/reset", m{"email": a.Email}).Want(200)
	network := w.browser() // another browser at home, and the attack has not ended
	network.Header["X-Forwarded-For"] = "203.0.113.5"
	network.login(a).Want(200)
}

// TestR037_AnAppThatBeginsSignInsEnds covers an app as first factor, followed by another factor.
// After too many wrong codes, strangers cannot use even a right one.
func TestR037_AnAppThatBeginsSignInsEnds(t *testing.T) {
	w := newWorld(t, unified, proxied)
	p := w.person("alice").begins(storage.Authenticator)
	p.enrollSMS("+16505551212")
	stranger := func(i int) *browser { return w.at(fmt.Sprintf("198.51.%d.%d", i/100, i%100)) }
	w.at("203.0.113.1").passcode(p, p.Next()).Want(200)
	for i := range 25 {
		stranger(i).passcode(p, p.Wrong()).Refused("a wrong code")
		if i%20 == 0 {
			w.Advance(25 * time.Hour)
		}
	}
	w.Advance(25 * time.Hour)
	r := stranger(200).passcode(p, p.Next())
	if r.Status != 400 {
		t.Errorf("the right code after 25 wrong ones: %d %s", r.Status, r.Body)
	}
	w.at("203.0.113.1").login(p).Want(200) // the password is
}

// TestR048_ClaimingANumberDoesNotAffectItsOwner lets other accounts enroll a person's number as often as
// possible, all day. The owner still gets codes at that number, and codes to enroll another number.
func TestR048_ClaimingANumberDoesNotAffectItsOwner(t *testing.T) {
	w := newWorld(t)
	const number = "+16505551212"
	owner := w.person("owner").enrollSMS(number)
	w.Advance(24 * time.Hour)
	refused := 0
	for round := range 12 {
		for i := range 6 {
			name := fmt.Sprintf("pumper%dx%d", round, i)
			if w.plantSession(w.person(name)).Post("/tf-setup", m{"setup": "sms", "phone": number}).Status == 429 {
				refused++
			}
		}
		before := len(w.SMS.To(number))
		b := w.browser()
		b.login(owner).Want(200)
		if n := len(w.SMS.To(number)); n != before+1 {
			t.Fatalf("round %d: %d codes went to the owner, want 1", round, n-before)
		}
		b.validate(owner.Texted()).Want(200)
		w.Advance(10 * time.Minute)
	}
	if refused == 0 {
		t.Error("nobody who claims the number was refused: this test shows nothing")
	}
}

// TestR162_PlacesThatLimitCostAreNotReleased checks the counters in the database: a correct answer
// releases the place of its destination but none that limits cost, a decoy takes no such place, and
// a mail of a registration takes one.
func TestR162_PlacesThatLimitCostAreNotReleased(t *testing.T) {
	w := newWorld(t, unified, life)
	sent := func() int {
		return w.number(`SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name LIKE 'sendall:%'`)
	}
	grows := func(what string, by int, do func()) {
		t.Helper()
		before := sent()
		if do(); sent() != before+by {
			t.Errorf("%s: %d counted as sent, want %d", what, sent()-before, by)
		}
	}
	e := w.person("erika").enrollMail()
	grows("a code that comes back", 1, func() {
		b := w.browser()
		b.login(e).Want(200)
		b.validate(e.Mailed()).Want(200)
	})
	most := `SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name LIKE 'sendmost:%'`
	if n := w.number(most); n != 2 { // the set-up's and the sign-in's
		t.Errorf("%d counted in what one destination gets a day, want 2", n)
	}
	grows("a reset for nobody", 0, func() { w.browser().Post("/reset", m{"email": "nobody@good.test"}) })
	grows("a code for nobody", 0, func() { w.browser().ask("nobody@good.test", "email") })
	grows("a text for nobody", 0, func() { w.browser().ask("nobody@good.test", "sms") })
	grows("a registration", 1, func() { w.registers("new@good.test", secret).Want(200) })
	grows("a registration of an address that is taken", 1, func() { w.registers(e.Email, secret).Want(200) })
	w.Advance(time.Hour)
	if _, err := w.Nodes[0].Store.Sweep(t.Context(), w.Now(), 1000); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, kind := range []func(){
		func() { w.registers("newer@good.test", secret).Want(200) },                                    // anybody
		func() { w.browser().login(e).Want(200) },                                                      // proven
		func() { w.plantSession(w.person("claims")).Post("/tf-setup", m{"setup": "email"}).Want(200) }, // claimed
		func() { w.plantSession(e).Post("/verify", m{"password": secret}).Want(200) },                  // owner
		func() { w.withKnown(e).Post("/reset", m{"email": e.Email}).Want(200) },                        // known
	} {
		before := w.number(`SELECT COUNT(*) FROM twofold_counters WHERE name LIKE 'sendall:%'`)
		kind()
		kinds[fmt.Sprint(w.number(`SELECT COUNT(*) FROM twofold_counters WHERE name LIKE 'sendall:%'`)-before)] = true
	}
	if !kinds["1"] || len(kinds) != 1 {
		t.Errorf("kinds of callers share what may be sent: counters grow by %v, want 1 each", kinds)
	}
}

// withKnown returns a browser that signed in to the account before and is signed out.
func (w *world) withKnown(p *person) *browser {
	b := w.browser()
	b.login(p).Want(200)
	b.validate(p.Mailed()).Want(200)
	return b.noted()
}

// TestR163_OneCountOfFailures checks that an app as first factor has a quarter of its hundred
// guesses there, over all networks and days. The rest is left for signed-in users and counts as
// guesses at the same app.
func TestR163_OneCountOfFailures(t *testing.T) {
	w := newWorld(t, unified, proxied)
	p := w.person("alice").begins(storage.Authenticator)
	for i := range 125 {
		b := w.browser()
		b.Header["X-Forwarded-For"] = fmt.Sprintf("198.51.%d.%d", i/100, i%100)
		b.passcode(p, p.Wrong())
		if i%20 == 0 {
			w.Advance(25 * time.Hour)
		}
	}
	w.Advance(25 * time.Hour)
	b := w.browser()
	b.Header["X-Forwarded-For"] = "203.0.113.1"
	b.passcode(p, p.Next()).Want(400).Refused("a right code after too many wrong ones")
	counted := func() int {
		return w.number(`SELECT COALESCE(MAX(n), 0) FROM twofold_counters WHERE name LIKE 'factor:%'`)
	}
	if n := counted(); n != 25 {
		t.Errorf("%d of 125 codes were tried, want 25", n)
	}
	owner := w.browser()
	owner.login(p).Want(200)
	for range 3 {
		owner.Post("/us-verify", m{"passcode": p.Wrong()}).Want(400)
	}
	if n := counted(); n != 28 {
		t.Errorf("%d wrong codes are counted after three of a re-authentication, want 28", n)
	}
	w.Advance(time.Minute)
	owner.Post("/us-verify", m{"passcode": p.Next()}).Want(200)
	if n := counted(); n != 0 {
		t.Errorf("%d wrong codes are counted after a right one, want 0", n)
	}
}

// TestR164_ACountEndsWithItsSecret checks that a new password is accepted at once after strangers
// have used up their guesses.
func TestR164_ACountEndsWithItsSecret(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	for range 12 {
		w.signsIn(a.Email, "wrong password")
	}
	w.signsIn(a.Email, secret).Want(429)
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, newSecret))
	w.signsIn(a.Email, newSecret).Want(200)
}

// TestR164_AnOperatorUnlocks covers an account's password and a factor that ended.
func TestR164_AnOperatorUnlocks(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	for range 12 {
		w.signsIn(a.Email, "wrong password")
	}
	for range 5 {
		w.plantPending(a).validate(a.Wrong()).Want(400)
	}
	w.signsIn(a.Email, secret).Want(429)
	w.plantPending(a).validate(a.Next()).Want(429)
	w.Must(w.Nodes[0].Auth.Unlock(t.Context(), a.ID))
	b := w.browser()
	b.login(a).Want(200)
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}
