package storage

import (
	"context"
	"time"
)

// Notifier is implemented by stores that several nodes share and that deliver notifications from
// each node to all nodes.
type Notifier interface {
	// Notify sends a notification to every listening node, including this one. A node that receives
	// it can read everything written before the call.
	Notify(ctx context.Context, word string) error
	// Listen calls heard for each notification until ctx is done. It calls up(true) when no
	// notification can be missed from then on, and up(false) when one may be missed.
	Listen(ctx context.Context, heard func(word string), up func(bool))
}

// The notifications of changes.
const (
	SessionChanged = "session " // followed by its hash, which gives no access: it ended or has new proofs
	UserChanged    = "user "    // followed by the ID
	MuchChanged    = "all"      // any number of sessions and users
)

// Witness is a Notifier that notifies of every change and deletion of a session or user by itself,
// also of those that an operator makes with SQL. The recorded activity of a session is not such a
// change.
type Witness interface {
	Notifier
	// Witness is like Listen. It also calls since several times a second: heard has been called for
	// every change made before that time.
	Witness(ctx context.Context, heard func(word string), up func(bool), since func(time.Time))
}
