package security_test

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestR008_TheOwnerAsksHimself registers an address as an attacker who knows the password. The
// owner then requests the link in their own browser, in every possible way. That browser did not
// choose the password, so the password is removed.
func TestR008_TheOwnerAsksHimself(t *testing.T) {
	w := newWorld(t, life)
	fill := m{"password": newSecret, "password_confirm": newSecret}
	for path, body := range map[string]m{"/register": fill, "/confirm": {}, "/reset": {}} {
		victim := "owner" + path[1:] + "@good.test"
		attacker := w.browser()
		attacker.post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).want(200)
		w.settled()
		owner := w.browser()
		ask := m{"email": victim}
		for k, v := range body {
			ask[k] = v
		}
		owner.post(path, ask).want(200)
		link := w.link("confirm", victim)
		if r := owner.get(link).want(200); r.json["password_required"] != true {
			t.Errorf("%s: the owner is not asked for a password: %s", path, r.body)
		}
		owner.post(link, m{}).want(400).refused("no password chosen")
		owner.post(link, fill).want(200)
		w.signsIn(victim, secret).want(400).refused("the password planted before")
		w.signsIn(victim, newSecret).want(200)
	}
}

// TestR008_WhoRegisteredConfirms checks that the browser that registered may request another link,
// and any browser may that is signed in to the account.
func TestR008_WhoRegisteredConfirms(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.LoginUnconfirmed = true })
	b := w.browser()
	b.post("/register", m{"email": "late@good.test", "password": secret, "password_confirm": secret}).want(200)
	w.settled()
	b.post("/confirm", m{"email": "late@good.test"}).want(200)
	link := w.link("confirm", "late@good.test")
	if r := b.get(link).want(200); r.json["password_required"] != false {
		t.Errorf("who is signed in is asked for a password: %s", r.body)
	}
	b.post(link, m{}).want(200)
	w.signsIn("late@good.test", secret).want(200)
}
