// Package redis keeps what expires (sessions, pending sign-ins, drafts, codes)
// in Redis 6 or later, or in Valkey: one server, one primary with replicas and
// perhaps Sentinels, or a cluster. What must survive, budgets of guesses included,
// is never here; see store.Join.
//
// In a cluster all keys are in one slot, because each verb is decided in one place:
// the cluster brings fail-over and no more room. Do not move that slot to another
// node while Twofold runs.
//
// # What it promises
//
// Each verb is one command or one Lua script, which Redis runs alone: of any
// number of parallel callers one wins. Times come from the caller and are
// compared on every read, so keys carry no time to live; Sweep deletes them. A
// write whose answer was lost is store.ErrUnavailable, and the caller grants nothing.
// It is not repeated. A client of a cluster, or one that New is given, may repeat it:
// then what was done once is refused the second time.
//
// # Nothing comes back
//
// A Redis that restarts from a snapshot, or a replica that takes over, is older
// than what it told us: sessions that were ended would live again, codes that
// were taken could be taken again. So after every new connection, and before the
// answer of a verb is used, the run id of the server is compared with the one that its
// data was written under; where it differs, all of ours is deleted and the verb is run
// again. A restart of Redis therefore means that people sign in again, and nothing
// worse, with or without persistence (which may be switched off).
//
// A server that evicts keys under pressure is refused (maxmemory-policy
// allkeys-...): it would forget which sessions an account has.
package redis
