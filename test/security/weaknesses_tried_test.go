package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// These tests try published weaknesses that no test of a single requirement covers. See weaknesses.

// TestR013_NothingOfASignInIsLeft checks that if passkeys are the only second factors, neither
// sign-in nor sign-out leaves data in the browser with which the second factor alone opens the
// account.
func TestR013_NothingOfASignInIsLeft(t *testing.T) {
	w := newWorld(t, open)
	p, second := w.withKey("alice", storage.UseSecond, simpleKey)
	first := w.key(phoneKey)
	w.plantSession(p).register(first, "first", "first").Want(200)
	codes := p.recoveryCodes()
	b := w.browser()
	b.login(p).Want(200)
	former := b.Jar["twofold-pending"]
	b.signInBy(second).Want(200)
	b.in(p, 2)
	half := func(when string) {
		t.Helper()
		for what, pending := range map[string]string{"as it is": b.Jar["twofold-pending"],
			"with the former cookie": former} {
			c := b.copy()
			delete(c.Jar, "twofold")
			c.Jar["twofold-pending"] = pending
			if c.Get("/wan-signin").JSON["is_secondary"] != false {
				t.Errorf("%s, %s: a second factor is awaited", when, what)
			}
			c.recover(codes[0]).Want(400).Refused(when)
			c.validate("000000").Want(400).Refused(when)
			c.signInBy(second).Want(400).Refused(when)
			c.out(when + ", " + what)
			c.signInBy(first).Want(200) // and the other kind is what it was
			c.in(p, 2)
		}
	}
	half("signed in")
	b.Post("/logout", m{}).Want(200)
	half("signed out")
}

// TestR016_APasskeySwitchesNoAccount also checks that an assertion works once even if its counter
// does not change.
func TestR016_APasskeySwitchesNoAccount(t *testing.T) {
	w := newWorld(t, open)
	a := w.person("alice")
	z, k := w.withKey("zoey", storage.UseFirst, simpleKey|softkey.UV)
	b, c := w.plantSession(a), w.browser()
	b.Post("/wan-signin", m{}).Refused("a question for a sign-in while signed in")
	options, state := c.asks("/wan-signin", m{})
	answer := w.gets(k, options)
	for name, value := range c.Jar {
		b.Jar[name] = value
	}
	b.Post("/wan-signin/"+state, m{"credential": answer}).Want(400).Refused("another's passkey while signed in")
	b.in(a, 1)
	options, state = c.asks("/wan-signin", m{})
	answer = w.gets(k, options)
	again := c.copy()
	c.Post("/wan-signin/"+state, m{"credential": answer}).Want(200)
	c.in(z, 2)
	again.Post("/wan-signin/"+state, m{"credential": answer}).Want(400).Refused("an answer a second time")
	again.out("an answer a second time")
}

// TestR102_OffIsOffForPasskeys checks that a disabled account gets no session that would become
// valid when the account is enabled again.
func TestR102_OffIsOffForPasskeys(t *testing.T) {
	w := newWorld(t, open)
	p, k := w.withKey("alice", storage.UseFirst, phoneKey)
	auth := w.Nodes[0].Auth
	w.Must(auth.SetActive(t.Context(), p.ID, false))
	b, before := w.browser(), w.count("sessions")
	r := b.signInBy(k).Want(400).Refused("switched off")
	if r.Cookie("twofold") != "" || r.Cookie("twofold-pending") != "" || w.count("sessions") != before {
		t.Errorf("something was issued: %v", r.Header)
	}
	w.Must(auth.SetActive(t.Context(), p.ID, true))
	b.out("switched on again")
	b.signInBy(k).Want(200)
	b.in(p, 2)
}

// TestR056_ASetUpIsCompletedOnlyInItsAccount checks that an attacker with a user's signed-in browser,
// fresh or not, cannot add a factor there by completing an enrollment that began in the attacker's
// account.
func TestR056_ASetUpIsCompletedOnlyInItsAccount(t *testing.T) {
	w := newWorld(t, plenty, unified)
	victim, thief := w.person("victim"), w.person("thief")
	stale := w.plantSession(victim)
	w.Advance(16 * time.Minute)
	fresh := w.plantSession(victim)
	untouched := w.rows("factors")
	for _, at := range []struct{ path, ask, key, state, code string }{
		{"/tf-setup", "setup", "tf_authr_b32key", "tf_state_token", "code"},
		{"/us-setup", "chosen_method", "authr_b32key", "state", "passcode"},
	} {
		own := w.plantSession(thief)
		begun := own.Post(at.path, m{at.ask: "authenticator"}).Want(200)
		finish := at.path + "/" + begun.Text(at.state)
		body := m{at.code: testkit.ReadApp(w.T, begun.Text(at.key)).Code(w.Now())}
		stale.Post(finish, body).Want(400).Refused(at.path + " in a stale session")
		fresh.Post(finish, body).Want(400).Refused(at.path + " in a fresh one")
		if w.rows("factors") != untouched {
			t.Fatalf("%s: a factor was planted", at.path)
		}
		own.Post(finish, body).Want(200)
		own.Post(finish, body).Want(400).Refused(at.path + " a second time")
		w.Must(w.Nodes[0].Auth.ResetAccess(t.Context(), thief.ID))
		w.Advance(time.Minute)
	}
	own := w.plantSession(thief)
	k := w.key(phoneKey)
	options, state := own.asks("/wan-register", m{"name": "planted"})
	made := w.creates(k, options)
	stale.Post("/wan-register/"+state, m{"credential": made}).Refused("a passkey in a stale session")
	fresh.Post("/wan-register/"+state, m{"credential": made}).Refused("a passkey in a fresh one")
	if w.rows("factors") != untouched {
		t.Error("a passkey was planted")
	}
}

// TestR035_TheNewestKeySigns checks that a new key signs at once, so that the former one can be
// removed when everything it signed has expired.
func TestR035_TheNewestKeySigns(t *testing.T) {
	one, two := twofold.NewKey(), twofold.NewKey()
	keys := func(list ...string) func(*twofold.Config) {
		return func(c *twofold.Config) { c.Key = twofold.KeyText(list...) }
	}
	w := newWorld(t, life, keys(one))
	p := w.person("alice")
	opens := func(link string, status int) {
		t.Helper()
		w.browser().Get(link).Want(status)
	}
	before := w.browser().resets(p.Email)
	w.Restart(keys(one, two))
	during := w.browser().resets(p.Email)
	opens(before, 200)
	opens(during, 200)
	w.Restart(keys(two))
	opens(before, 400)
	opens(during, 200)
	w.Restart(keys(one))
	opens(during, 400)
}

// TestR010_APendingPasskeyRevealsNoOwner checks that before the passkey is used, neither its page nor
// a code sent instead reveals the owner of the account.
func TestR010_APendingPasskeyRevealsNoOwner(t *testing.T) {
	w := newWorld(t, open)
	p, _ := w.withKey("alice", storage.UseSecond, simpleKey)
	b := w.plantPending(p)
	for _, r := range []*answer{
		b.Get("/tf-validate"), b.Page("/tf-validate"), b.validate("000000"), b.Form("/tf-validate", "code", "000000"),
		b.Get("/wan-signin"), b.Post("/tf-rescue", m{"help_setup": "help"}),
	} {
		if r.JSON["user"] != nil || strings.Contains(r.Body, p.Email) || strings.Contains(r.Body, p.ID) {
			t.Errorf("%s tells who it is: %s", r.What, r.Body)
		}
	}
	b.out("with the password")
}

// TestR102_CodesAndLinksDoNotOpenALockedAccount checks that codes and links mailed earlier do not
// open an account that the application or an operator has locked.
func TestR102_CodesAndLinksDoNotOpenALockedAccount(t *testing.T) {
	shut := false
	w := newWorld(t, unified, func(c *twofold.Config) { c.Accounts.Locked = func(twofold.User) bool { return shut } })
	p := w.person("alice").begins(storage.Email)
	for name, change := range map[string]func(off bool){
		"locked":       func(off bool) { shut = off },
		"switched off": func(off bool) { w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, !off)) },
	} {
		b := w.browser()
		b.ask(p.Email, "email").Want(200)
		link, code := p.linked(), p.Mailed()
		change(true)
		c := b.copy()
		c.Post(link, m{"meant": true}).Want(400).Refused(name + ": the link")
		c.out(name + ": the link")
		b.passcode(p, code).Want(400).Refused(name + ": the code")
		b.out(name + ": the code")
		change(false)
		w.Advance(time.Minute)
	}
}

// TestR020_ASessionByCodeIsRaised checks that an account with only its mailbox reaches two factors
// by enrolling one, which later sign-ins require.
func TestR020_ASessionByCodeIsRaised(t *testing.T) {
	w := newWorld(t, unified)
	p := w.person("alice").begins(storage.Email)
	b := w.browser()
	b.ask(p.Email, "email").Want(200)
	b.passcode(p, p.Mailed()).Want(200)
	b.in(p, 1)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	b.in(p, 2)
	w.Advance(time.Minute)
	b = w.browser()
	b.ask(p.Email, "email").Want(200)
	b.passcode(p, p.Mailed()).Want(200)
	b.out("a mailed code alone")
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}

// TestR070_NoTextIsARecoveryCode covers accounts with and without recovery codes.
func TestR070_NoTextIsARecoveryCode(t *testing.T) {
	w := newWorld(t, open)
	a, none := w.withApp("alice"), w.withApp("norma")
	codes := a.recoveryCodes()
	w.plantPending(a).recover(codes[4]).Want(200)
	var stored testkit.Cell
	for _, c := range w.dump() {
		if c.Table == "twofold_recovery_codes" && c.Column == "mac" {
			stored = c
		}
	}
	if stored.Hex == "" {
		t.Fatal("this test looks in the wrong place")
	}
	texts := []string{
		"", " ", "-", "x", "null", "true", "[]", "0", "aaaa-aaaa-aaaa-aaaa", "%", "____-____-____-____", "' OR '1'='1",
		strings.Repeat("a", 16),
		codes[0][:18], codes[0] + "a", codes[0][1:], codes[4], codes[0] + " " + codes[1], strings.Repeat(codes[0], 100),
		stored.Hex, "\x00" + codes[0],
	}
	for _, text := range texts {
		for _, p := range []*person{a, none} {
			w.write(`DELETE FROM twofold_counters`)
			b := w.plantPending(p)
			b.recover(text).Want(400).Refused("recovery code " + text)
			b.out("recovery code " + text)
		}
	}
	if n := a.codesLeft(); n != 9 {
		t.Errorf("%d left", n)
	}
	failed := 0
	for _, e := range happened[event.UserFailedAuthn](w) {
		if e.User.ID == a.ID && e.SecondFactor && e.Method == storage.RecoveryCode {
			failed++
		}
	}
	if failed == 0 {
		t.Error("no event says that a recovery code was wrong")
	}
	w.write(`DELETE FROM twofold_counters`)
	w.plantPending(a).recover(codes[0]).Want(200)
}

// TestR061_ARemovedPasskeyIsAnnounced checks for one notice with the link "this was not me".
func TestR061_ARemovedPasskeyIsAnnounced(t *testing.T) {
	w := newWorld(t, open)
	for usage, kind := range map[string]string{storage.UseFirst: "passkey_removed",
		storage.UseSecond: "factor_disabled"} {
		p, _ := w.withKey(usage, usage, simpleKey)
		w.plantSession(p).Post("/wan-delete", m{"name": "key of " + usage}).Want(200)
		if kinds := w.kinds(p.Email); kinds[kind] != 1 {
			t.Errorf("%s: notices %v", usage, kinds)
		}
		p.stopToken()
	}
}
