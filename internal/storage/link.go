package storage

import (
	"context"
	"time"
)

// UsedLinks stores which mailed links were used. A link that was not used has no record.
type UsedLinks interface {
	// UseLink records that the link with an ID was used. It returns ErrUsed if it was used before,
	// so that of several callers exactly one succeeds. The record may be removed from until on, when
	// the link has expired.
	UseLink(ctx context.Context, id string, until time.Time) error
}
