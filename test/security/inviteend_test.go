package security_test

import (
	"context"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
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

// asked is a table that counts how often it is asked to make a row.
type asked struct {
	*deleting
	times int
}

func (a *asked) CreateUser(ctx context.Context, u store.ExternalUser) (string, error) {
	a.times++
	return a.deleting.CreateUser(ctx, u)
}

// TestR413_AnInvitationIsNotTakenWhileItsAddressHasAnAccount: a deletion at that moment
// would not find it, and it would be put back afterwards.
func TestR413_AnInvitationIsNotTakenWhileItsAddressHasAnAccount(t *testing.T) {
	table := &asked{deleting: &deleting{ownTable: newOwnTable()}}
	w := newWorld(t, over(table))
	link := w.invite(invited)
	_, err := w.nodes[0].auth.CreateUser(t.Context(), twofold.NewUser{Email: invited, PasswordHash: hashed})
	w.must(err)
	before := table.times
	w.browser().post(link, chosen()).want(400)
	if table.times != before || w.count("invitations") != 1 {
		t.Errorf("the invitation was taken: the table was asked %d times, %d are left",
			table.times-before, w.count("invitations"))
	}
}
