package storage

import (
	"context"
	"time"
)

// CodeSet describes a user's set of recovery codes. The zero value means that there is none, or
// that it was stored by a version without this record.
type CodeSet struct {
	Made int       // number of codes when the set was stored, used ones included
	At   time.Time // CreatedAt of its codes
}

// AccountMarks stores facts about accounts that the audit trail reports too. Rules read them here,
// because the trail is a record for people, and its oldest rows are removed.
type AccountMarks interface {
	// MarkSeen records that a user has seen the activity of the account through a row of the audit
	// trail, and adds the row e, if it has an ID, in the same transaction. The mark never decreases.
	// The mark is at most the newest row, which may be e. In PostgreSQL, a row that another
	// transaction is adding at this moment may have a lower number and then counts as seen. It
	// returns ErrNotFound if there is no such user.
	MarkSeen(ctx context.Context, userID string, through int64, e Event) error
	// SeenThrough returns the row through which a user has seen the activity of the account, or zero
	// if nothing was marked.
	SeenThrough(ctx context.Context, userID string) (int64, error)
	// CodeSetOf returns the user's set of recovery codes. It is stored and removed with the codes by
	// the methods that do so, and stays when all of its codes are used.
	CodeSetOf(ctx context.Context, userID string) (CodeSet, error)
}
