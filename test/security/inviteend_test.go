package security_test

import (
	"context"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

// TestR413_AnInvitationEndsWithTheAccountOfItsAddress registers an invited person without the link
// and deletes the account. The link must not create the account again with the roles of the
// invitation.
func TestR413_AnInvitationEndsWithTheAccountOfItsAddress(t *testing.T) {
	table := newOwnTable()
	for name, change := range map[string][]func(*twofold.Config){
		"own store": nil, "a table that deletes": {over(&deleting{ownTable: table})},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change...)
			link := w.invite(invited, "staff")
			u, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: invited, PasswordHash: hashed})
			w.Must(err)
			w.browser().Post(link, chosen()).Want(400)
			w.Must(w.Nodes[0].Auth.DeleteUser(t.Context(), u.ID))
			w.browser().Get(link).Want(400)
			w.browser().Post(link, chosen()).Want(400)
			if _, there := w.found(invited); there || w.count("invitations") != 0 {
				t.Error("the link makes the account again")
			}
		})
	}
}

// asked is a user table that counts the calls that create a row.
type asked struct {
	*deleting
	times int
}

func (a *asked) CreateUser(ctx context.Context, u store.ExternalUser) (string, error) {
	a.times++
	return a.deleting.CreateUser(ctx, u)
}

// TestR413_AnInvitationIsNotTakenWhileItsAddressHasAnAccount covers a deletion during the
// acceptance, which would not find the invitation and would let it be restored.
func TestR413_AnInvitationIsNotTakenWhileItsAddressHasAnAccount(t *testing.T) {
	table := &asked{deleting: &deleting{ownTable: newOwnTable()}}
	w := newWorld(t, over(table))
	link := w.invite(invited)
	_, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: invited, PasswordHash: hashed})
	w.Must(err)
	before := table.times
	w.browser().Post(link, chosen()).Want(400)
	if table.times != before || w.count("invitations") != 1 {
		t.Errorf("the invitation was taken: the table was asked %d times, %d are left",
			table.times-before, w.count("invitations"))
	}
}
