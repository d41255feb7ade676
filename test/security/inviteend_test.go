package security_test

import (
	"testing"

	"github.com/twofold-auth/twofold"
)

// TestR413_AnInvitationEndsWithTheAccountOfItsAddress: someone who is invited may
// register in another way, and keep the link. After their account was deleted, the
// link must not make one again, with the roles of the invitation.
func TestR413_AnInvitationEndsWithTheAccountOfItsAddress(t *testing.T) {
	table := newOwnTable()
	for name, change := range map[string][]func(*twofold.Config){
		"own store": nil, "a table that deletes": {over(&deleting{ownTable: table})},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change...)
			link := w.invite(invited, "staff")
			u, err := w.nodes[0].auth.CreateUser(t.Context(), twofold.NewUser{Email: invited, PasswordHash: hashed})
			w.must(err)
			w.browser().post(link, chosen()).want(400)
			w.must(w.nodes[0].auth.DeleteUser(t.Context(), u.ID))
			w.browser().get(link).want(400)
			w.browser().post(link, chosen()).want(400)
			if _, there := w.found(invited); there || w.count("invitations") != 0 {
				t.Error("the link makes the account again")
			}
		})
	}
}
