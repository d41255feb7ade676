package security_test

import (
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
)

// enrolls starts the enrollment of a passkey during a sign-in that requires a second factor.
func (b *browser) enrolls() (options []byte, to string) {
	b.w.t.Helper()
	options, state := b.asks("/wan-register", m{"unnamed": true, "usage": storage.UseFirst})
	return options, "/wan-register/" + state
}

func enrollsByPasskey(c *twofold.Config) {
	proofFirst(c)
	c.Passkeys = passkeys()
}

// TestR320_APasskeyCompletesASignInThatDemandsASecondFactor checks the order password, mailbox,
// passkey. No step can be skipped, and the passkey is stored as a second factor whatever the
// request says.
func TestR320_APasskeyCompletesASignInThatDemandsASecondFactor(t *testing.T) {
	w := newWorld(t, enrollsByPasskey)
	p, k := w.person("alice"), w.key(phoneKey)
	w.browser().post("/wan-register", m{"unnamed": true}).want(401).refused("no sign-in")
	b := w.browser()
	b.login(p).want(200)
	b.post("/wan-register", m{"unnamed": true}).want(401).refused("before the mailbox is proven")
	b.validate(p.mailed()).want(200)
	if got := b.get("/tf-setup").want(200); got.json["tf_passkey_setup"] != "/wan-register" {
		t.Errorf("a passkey is not offered: %s", got.body)
	}
	got := b.get("/wan-register").want(200)
	if list, _ := got.json["registered_credentials"].([]any); len(list) != 0 || got.json["user"] != nil {
		t.Errorf("who is not in yet is told: %s", got.body)
	}
	b.post("/wan-register", m{}).want(400).refused("without a name or the wish that it names itself")
	b.out("half a set-up")

	options, to := b.enrolls()
	good := w.creates(k, options)
	lie := w.creates(k, options, softkey.Say("challenge", "AAAA"))
	b.copy().post(to, m{"credential": lie}).want(400).refused("own challenge")
	elsewhere := w.browser()
	elsewhere.login(p).want(200)
	elsewhere.validate(p.mailed()).want(200)
	elsewhere.post(to, m{"credential": good}).want(400).refused("another sign-in of the same user")
	w.plantPending(w.person("zoey")).post(to, m{"credential": good}).want(400).refused("another user's sign-in")
	w.browser().post(to, m{"credential": good}).want(401).refused("another browser")

	former := b.copy()
	b.post(to, m{"credential": good}).want(200)
	b.in(p, 2)
	switch made := p.passkeys(); {
	case len(made) != 1, made[0].Usage != storage.UseSecond, made[0].Name != "Passkey", !made[0].Primary:
		t.Errorf("passkeys %+v", made)
	}
	former.post(to, m{"credential": good}).refused("twice")
	former.out("the same answer again")
	elsewhere.post("/wan-register", m{"unnamed": true}).want(401).refused("a sign-in from before the passkey")

	b = w.browser()
	b.login(p).want(200)
	b.post("/wan-register", m{"unnamed": true}).want(401).refused("an account that has a factor")
	b.signInBy(k).want(200)
	b.in(p, 2)
}

// TestR320_OfTwoAnswersOneCompletesTheSignIn sends two answers of passkeys, and one of an app and
// one of a passkey, at once.
func TestR320_OfTwoAnswersOneCompletesTheSignIn(t *testing.T) {
	w := newWorld(t, enrollsByPasskey)
	p := w.person("alice")
	b := w.plantPending(p)
	app := b.post("/tf-setup", m{"setup": storage.Authenticator}).want(200)
	options, to := b.enrolls()
	good := w.creates(w.key(phoneKey), options)
	var in sync.WaitGroup
	answers := make([]*browser, 8)
	for i := range answers {
		answers[i] = b.copy()
		in.Go(func() { answers[i].post(to, m{"credential": good}) })
	}
	in.Wait()
	opened := 0
	for _, a := range answers {
		if user, _ := a.sees(); user != "" {
			opened++
		}
	}
	if opened != 1 || len(p.passkeys()) != 1 {
		t.Errorf("%d sessions, %d passkeys", opened, len(p.passkeys()))
	}
	p.app = decode(w, app.text("tf_authr_b32key"))
	b.validate(p.next()).refused("the app that was set up beside it")
	if n := len(p.factors()); n != 1 {
		t.Errorf("%d factors", n)
	}
}

// TestR320_APasskeyAddsNothingBeforeTheAddressIsProven checks that passkeys follow the same rule as
// other methods.
func TestR320_APasskeyAddsNothingBeforeTheAddressIsProven(t *testing.T) {
	w := newWorld(t, enrollsByPasskey)
	p := w.person("alice")
	p.setProven("")
	b := w.plantPending(p)
	b.post("/wan-register", m{"unnamed": true}).want(400).refused("not proven")
	p.setProven(p.email)
	_, _ = b.enrolls()
	w.advance(11 * time.Minute)
	b.post("/wan-register", m{"unnamed": true}).want(401).refused("a sign-in that is too old")
}
