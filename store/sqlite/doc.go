// Package sqlite stores all records in one SQLite file, without cgo. It is the engine to start
// with, for one program or for several on one machine.
//
// It owns its schema and what SQLite's errors mean; Open owns the file and its connections too, and
// New uses those of the application. The queries are in internal/sqlstore, which every SQL engine
// shares.
//
// # Guarantees
//
// When a method returns nil, its change is on disk (journal_mode WAL, synchronous FULL). It
// survives kill -9 and, if the disk works correctly, a power failure. Each method that writes takes
// the write lock first (BEGIN IMMEDIATE, one connection), so the data that it reads cannot change
// before it writes. Several programs may open the file. If the lock is not available within five
// seconds, the error is store.ErrUnavailable.
//
// The file is created with mode 0600. SQLite creates two more files next to it with the same mode
// (-wal, -shm). Never copy or move one of the three without the others while the database is open.
// The file must be on a local disk.
package sqlite
