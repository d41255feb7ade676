package security_test

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
)

// waits creates an account whose password is in the former system.
func (w *world) waits(email, username string) {
	w.T.Helper()
	_, err := w.Nodes[0].Auth.CreateUser(w.T.Context(), twofold.NewUser{
		Email: email, Username: username, PasswordHash: password.AskLegacy,
	})
	w.Must(err)
}

// TestR412_AnUnprovenAddressOpensNoWaitingAccount covers former systems where people can
// enter any address in their profile. The password of a person who entered another person's address
// must not open that person's account.
func TestR412_AnUnprovenAddressOpensNoWaitingAccount(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{
		"mallory": {Email: "alice@good.test"}, "bobby": {Email: "bob@good.test", Proven: true},
	}}
	w := newWorld(t, open, withElsewhere(e))
	w.waits("alice@good.test", "")
	w.waits("bob@good.test", "")
	w.signsIn("mallory", secret).Want(400)
	if got := w.hashOf("alice@good.test"); got != password.AskLegacy {
		t.Errorf("the account of another person has a password of who claims its address: %s", got)
	}
	w.signsIn("bobby", secret).Want(200)
}

// TestR412_AWaitingAccountIsAskedAboutByItsOwnName covers the identities "Alice" and "alice", which
// are one account here but may be two people in the former system.
func TestR412_AWaitingAccountIsAskedAboutByItsOwnName(t *testing.T) {
	e := &elsewhere{people: map[string]password.LegacyAccount{
		"Alice": {Email: "mallory@evil.test", Proven: true}, "ALICE@good.test": {Email: "mallory@evil.test"},
		"bobby": {}, "bob@good.test": {},
	}}
	w := newWorld(t, open, withElsewhere(e), func(c *twofold.Config) { c.Accounts.Usernames = true })
	w.waits("alice@good.test", "alice")
	w.waits("bob@good.test", "bobby")
	for _, identity := range []string{"Alice", "ALICE@good.test"} {
		w.signsIn(identity, secret).Want(400)
	}
	if !slices.Equal(e.asked, []string{"alice", "alice@good.test"}) {
		t.Errorf("asked about %q", e.asked)
	}
	if got := w.hashOf("alice@good.test"); got != password.AskLegacy {
		t.Errorf("the account has a password of another person: %s", got)
	}
	w.signsIn("BOBBY", secret).Want(200)
}
