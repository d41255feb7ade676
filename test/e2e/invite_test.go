package e2e

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestAnInvitedPersonChoosesAPasskey checks that the mailed link offers a passkey instead of the
// password. Requesting the challenge creates no account, and the passkey signs in later.
func TestAnInvitedPersonChoosesAPasskey(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	for language, w := range map[string][]string{
		"en": {"Use a passkey instead", "Your account", "Passkeys need JavaScript", "Choose a password instead"},
		"de": {"Stattdessen einen Passkey verwenden", "Ihr Konto", "Passkeys brauchen JavaScript",
			"Stattdessen ein Passwort wählen"},
	} {
		const ivy = "ivy@example.org"
		s := newKeyed(t)
		n := twofold.NewUser{Email: ivy, Language: language}
		if _, err := s.auth.Invitations().Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		path := mailed(t, s, ivy, "tf-invite")
		still := newTab(t, s.origin(), look{language: language})
		still.open(path)
		still.see(w[2])
		still.press(w[0])
		still.see(w[2], ivy)
		still.press(w[3])
		still.see(w[0])
		if _, err := s.auth.FindUser(t.Context(), ivy); err == nil {
			t.Error("there is an account without a passkey")
		}
		b := newTab(t, s.origin(), look{scripts: true, language: language})
		b.open(path)
		d := b.plug()
		b.open(path)
		b.click(w[0])
		b.goesBy(w[0], "/me")
		b.see(w[1], ivy)
		d.holds(1)
	}
}
