package login

import (
	"context"

	"github.com/twofold-auth/twofold/store"
)

// Lately returns the newest rows of the audit trail about a signed-in caller's
// own account, the newest first.
func (l *Login) Lately(ctx context.Context, who Who, limit int) ([]store.Event, error) {
	return l.c.Trail.List(ctx, store.EventFilter{UserID: who.User.ID, Newest: true, Limit: limit})
}
