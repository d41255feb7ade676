// Package sqlite keeps everything in one SQLite file, without cgo. It is the
// engine to begin with: one program, or several on one machine.
//
// It owns its schema and what SQLite's errors mean; Open owns the file and its
// connections too, and New uses those of the application. The queries are in
// internal/sqlstore, which every SQL engine shares.
//
// # What it promises
//
// What a verb of package store answered with nil is on the disk
// (journal_mode WAL, synchronous FULL): it survives kill -9 and a loss of
// power, as far as the disk keeps its own promise. Each verb that writes has
// the write lock from its beginning (BEGIN IMMEDIATE, one connection), so
// nothing is read that could change before it is written. Several programs may
// have the file open. A lock that is not to be had within five seconds is
// store.ErrUnavailable.
//
// The file is made with mode 0600; SQLite gives the same to the two files it
// puts next to it (-wal, -shm), which belong to it: never copy or move one
// without the others while it is open. It must lie on a local disk.
package sqlite
