package security_test

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
)

// waits makes an account whose password is with the former system.
func (w *world) waits(email, username string) {
	w.t.Helper()
	_, err := w.nodes[0].auth.CreateUser(w.t.Context(), twofold.NewUser{
		Email: email, Username: username, PasswordHash: password.AskLegacy,
	})
	w.must(err)
}

// TestR412_AnAddressThatIsNotProvenOpensNoWaitingAccount: in many systems people can
// enter any address in their profile. The password of one who entered another
// person's opens nothing of that person.
func TestR412_AnAddressThatIsNotProvenOpensNoWaitingAccount(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{
		"mallory": {Email: "alice@good.test"}, "bobby": {Email: "bob@good.test", Proven: true},
	}}
	w := newWorld(t, open, withElsewhere(e))
	w.waits("alice@good.test", "")
	w.waits("bob@good.test", "")
	w.signsIn("mallory", secret).want(400)
	if got := w.hashOf("alice@good.test"); got != password.AskLegacy {
		t.Errorf("the account of another person has a password of who claims its address: %s", got)
	}
	w.signsIn("bobby", secret).want(200)
}

// TestR412_AWaitingAccountIsAskedAboutByItsOwnName: here "Alice" and "alice" are one
// account. In a system that tells them apart they are two people.
func TestR412_AWaitingAccountIsAskedAboutByItsOwnName(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{
		"Alice": {Email: "mallory@evil.test", Proven: true}, "ALICE@good.test": {Email: "mallory@evil.test"},
		"bobby": {}, "bob@good.test": {},
	}}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Accounts.Usernames = true })
	w.waits("alice@good.test", "alice")
	w.waits("bob@good.test", "bobby")
	for _, identity := range []string{"Alice", "ALICE@good.test"} {
		w.signsIn(identity, secret).want(400)
	}
	if !slices.Equal(e.asked, []string{"alice", "alice@good.test"}) {
		t.Errorf("asked about %q", e.asked)
	}
	if got := w.hashOf("alice@good.test"); got != password.AskLegacy {
		t.Errorf("the account has a password of another person: %s", got)
	}
	w.signsIn("BOBBY", secret).want(200)
}
