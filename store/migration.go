package store

import "time"

// Migration is one step of a database's schema.
type Migration struct {
	Version int
	Name    string    // of its file
	At      time.Time // when it was made; zero: still to make
}
