package security_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// stuck is a user table that fails to delete some rows.
type stuck struct {
	*deleting
	bad map[string]bool
}

func (s *stuck) DeleteUser(ctx context.Context, id string) error {
	if s.bad[id] {
		return errors.New("a foreign key holds the row")
	}
	return s.deleting.DeleteUser(ctx, id)
}

// TestR415_FailedDeletionsDoNotBlockOthers checks that many failing deletions do not
// block later deletions of other accounts.
func TestR415_FailedDeletionsDoNotBlockOthers(t *testing.T) {
	table := &stuck{&deleting{ownTable: newOwnTable()}, map[string]bool{}}
	w := newWorld(t, leavable, over(table))
	var last *person
	for i := range 101 {
		p := w.person(fmt.Sprintf("user%d", i))
		table.bad[p.ID], last = i < 100, p
		u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
		w.Must(err)
		w.Must(w.Nodes[0].Store.PutDeletion(t.Context(), storage.DeletionRequest{
			UserID: u.ID, ID: u.ID, CredentialVersion: u.CredentialVersion + "x", CreatedAt: w.Now(),
			DueAt: w.Now().Add(time.Duration(i) * time.Second),
		}, u.CredentialVersion))
	}
	w.later(time.Hour)
	if last.exists() {
		t.Error("the account whose row can be deleted is still there")
	}
}
