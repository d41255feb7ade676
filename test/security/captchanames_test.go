package security_test

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestR414_ACaptchaDoesNotRevealWhoHasAUsername fails sign-ins with an address until it requires a
// captcha. If the username then required one too, an attacker would know that both belong to one
// account.
func TestR414_ACaptchaDoesNotRevealWhoHasAUsername(t *testing.T) {
	w := newWorld(t, open, altcha, func(c *twofold.Config) { c.Accounts.Usernames = true })
	alice := w.person("alice")
	w.person("bobby")
	for range 3 {
		w.signsIn(alice.Email, "wrong "+secret).Want(400)
	}
	asksCaptcha(w.signsIn(alice.Email, "wrong "+secret), "after failures")
	of := func(name string) any { return w.signsIn(name, "wrong "+secret).JSON["captcha_required"] }
	if hers, others := of("alice"), of("bobby"); hers != others {
		t.Errorf("her username is answered %v, another one %v", hers, others)
	}
}
