package store

import "context"

// Notifier is a store that several nodes share and that carries word from each
// to all of them.
type Notifier interface {
	// Notify tells every node that listens, this one too. What was written
	// before a reader that was notified sees it.
	Notify(ctx context.Context, word string) error
	// Listen hands on what it hears until ctx is done. It says up(true) once
	// nothing is missed from there on, and up(false) when something may be.
	Listen(ctx context.Context, heard func(word string), up func(bool))
}

// Alone is a store that programs on one machine share at most. A node may
// answer from memory for a second without being told of changes.
type Alone interface{ Alone() }
