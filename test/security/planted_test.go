package security_test

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestR008_TheOwnerRequestsTheLink registers an address as an attacker who knows the password. The
// owner then requests the link in their own browser, in every possible way. That browser did not
// choose the password, so the password is removed.
func TestR008_TheOwnerRequestsTheLink(t *testing.T) {
	w := newWorld(t, life)
	fill := m{"password": newSecret, "password_confirm": newSecret}
	for path, body := range map[string]m{"/register": fill, "/confirm": {}, "/reset": {}} {
		victim := "owner" + path[1:] + "@good.test"
		attacker := w.browser()
		attacker.Post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).Want(200)
		w.settled()
		owner := w.browser()
		ask := m{"email": victim}
		for k, v := range body {
			ask[k] = v
		}
		owner.Post(path, ask).Want(200)
		link := w.link("confirm", victim)
		if r := owner.Get(link).Want(200); r.JSON["password_required"] != true {
			t.Errorf("%s: the owner is not asked for a password: %s", path, r.Body)
		}
		owner.Post(link, m{}).Want(400).Refused("no password chosen")
		owner.Post(link, fill).Want(200)
		w.signsIn(victim, secret).Want(400).Refused("the password planted before")
		w.signsIn(victim, newSecret).Want(200)
	}
}

// TestR008_TheRegisteringBrowserMayRequestAnotherLink checks that the browser that registered may
// request another link, and any browser may that is signed in to the account.
func TestR008_TheRegisteringBrowserMayRequestAnotherLink(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.LoginUnconfirmed = true })
	b := w.browser()
	b.Post("/register", m{"email": "late@good.test", "password": secret, "password_confirm": secret}).Want(200)
	w.settled()
	b.Post("/confirm", m{"email": "late@good.test"}).Want(200)
	link := w.link("confirm", "late@good.test")
	if r := b.Get(link).Want(200); r.JSON["password_required"] != false {
		t.Errorf("who is signed in is asked for a password: %s", r.Body)
	}
	b.Post(link, m{}).Want(200)
	w.signsIn("late@good.test", secret).Want(200)
}
