// Package redis keeps what expires (sessions, pending sign-ins, drafts, codes)
// in Redis 6 or later, or in Valkey: one server, or one primary with replicas.
// What must survive, budgets of guesses included, is never here; see store.Join.
//
// # What it promises
//
// Each verb is one command or one Lua script, which Redis runs alone: of any
// number of parallel callers one wins. Times come from the caller and are
// compared on every read, so keys carry no time to live; Sweep deletes them. A
// write whose answer was lost is not repeated: it is store.ErrUnavailable, and
// the caller grants nothing.
//
// # Nothing comes back
//
// A Redis that restarts from a snapshot, or a replica that takes over, is older
// than what it told us: sessions that were ended would live again, codes that
// were taken could be taken again. So every new connection compares the run id
// of the server with the one its data was written under; where it differs, all
// of ours is deleted before anything is answered. Redis restarted therefore
// means that people sign in again, and nothing worse, with or without
// persistence (which may be switched off).
//
// A server that evicts keys under pressure is refused (maxmemory-policy
// allkeys-...): it would forget which sessions an account has.
package redis
