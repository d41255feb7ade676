package storage

import "time"

// Migration is one step of a database's schema.
type Migration struct {
	Version int
	Name    string    // name of its file
	At      time.Time // time at which it was applied; zero if pending
}
