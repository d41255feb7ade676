package security_test

import (
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// enrolls starts the enrollment of a passkey during a sign-in that requires a second factor.
func (b *browser) enrolls() (options []byte, to string) {
	b.w.T.Helper()
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
	w.browser().Post("/wan-register", m{"unnamed": true}).Want(401).Refused("no sign-in")
	b := w.browser()
	b.login(p).Want(200)
	b.Post("/wan-register", m{"unnamed": true}).Want(401).Refused("before the mailbox is proven")
	b.validate(p.Mailed()).Want(200)
	if got := b.Get("/tf-setup").Want(200); got.JSON["tf_passkey_setup"] != "/wan-register" {
		t.Errorf("a passkey is not offered: %s", got.Body)
	}
	got := b.Get("/wan-register").Want(200)
	if list, _ := got.JSON["registered_credentials"].([]any); len(list) != 0 || got.JSON["user"] != nil {
		t.Errorf("who is not in yet is told: %s", got.Body)
	}
	b.Post("/wan-register", m{}).Want(400).Refused("without a name or the wish that it names itself")
	b.out("half a set-up")

	options, to := b.enrolls()
	good := w.creates(k, options)
	lie := w.creates(k, options, softkey.Say("challenge", "AAAA"))
	b.copy().Post(to, m{"credential": lie}).Want(400).Refused("own challenge")
	elsewhere := w.browser()
	elsewhere.login(p).Want(200)
	elsewhere.validate(p.Mailed()).Want(200)
	elsewhere.Post(to, m{"credential": good}).Want(400).Refused("another sign-in of the same user")
	w.plantPending(w.person("zoey")).Post(to, m{"credential": good}).Want(400).Refused("another user's sign-in")
	w.browser().Post(to, m{"credential": good}).Want(401).Refused("another browser")

	former := b.copy()
	b.Post(to, m{"credential": good}).Want(200)
	b.in(p, 2)
	switch made := p.passkeys(); {
	case len(made) != 1, made[0].Usage != storage.UseSecond, made[0].Name != "Passkey", !made[0].Primary:
		t.Errorf("passkeys %+v", made)
	}
	former.Post(to, m{"credential": good}).Refused("twice")
	former.out("the same answer again")
	elsewhere.Post("/wan-register", m{"unnamed": true}).Want(401).Refused("a sign-in from before the passkey")

	b = w.browser()
	b.login(p).Want(200)
	b.Post("/wan-register", m{"unnamed": true}).Want(401).Refused("an account that has a factor")
	b.signInBy(k).Want(200)
	b.in(p, 2)
}

// TestR320_OneOfTwoAnswersCompletesTheSignIn sends two answers of passkeys, and one of an app and
// one of a passkey, at once.
func TestR320_OneOfTwoAnswersCompletesTheSignIn(t *testing.T) {
	w := newWorld(t, enrollsByPasskey)
	p := w.person("alice")
	b := w.plantPending(p)
	app := b.Post("/tf-setup", m{"setup": storage.Authenticator}).Want(200)
	options, to := b.enrolls()
	good := w.creates(w.key(phoneKey), options)
	var in sync.WaitGroup
	answers := make([]*browser, 8)
	for i := range answers {
		answers[i] = b.copy()
		in.Go(func() { answers[i].Post(to, m{"credential": good}) })
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
	p.App = testkit.ReadApp(w.T, app.Text("tf_authr_b32key"))
	b.validate(p.Next()).Refused("the app that was set up beside it")
	if n := len(p.Factors()); n != 1 {
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
	b.Post("/wan-register", m{"unnamed": true}).Want(400).Refused("not proven")
	p.setProven(p.Email)
	_, _ = b.enrolls()
	w.Advance(11 * time.Minute)
	b.Post("/wan-register", m{"unnamed": true}).Want(401).Refused("a sign-in that is too old")
}
