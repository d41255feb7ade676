package storage

import "context"

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

// Alone is implemented by stores that only programs on one machine can share. A node may cache
// records for a second without notifications.
type Alone interface{ Alone() }
