// Package redis stores expiring records (sessions, pending sign-ins, drafts, codes) in Redis 6 or
// later, or in Valkey: one server, a primary with replicas and optionally Sentinels, or a cluster.
// Records that must survive, such as budgets of guesses, are never stored here; see store.Join.
//
// In a cluster all keys are in one slot, because each method must run on one node. So a cluster
// provides failover but no additional capacity. Do not move that slot to another node while Twofold
// is running.
//
// # Guarantees
//
// Each method is one command or one Lua script, which Redis runs atomically, so only one of several
// concurrent callers succeeds. Times are passed by the caller and compared on every read, so keys
// have no time to live; Sweep deletes them. If the answer to a write is lost, the error is
// store.ErrUnavailable, the caller grants nothing, and the write is not repeated. The client of a
// cluster, or a client passed to New, may repeat it; then the second attempt is refused.
//
// # Restarts
//
// After a restart from a snapshot, or when a replica takes over, the data of Redis may be old:
// ended sessions would be valid again, and used codes could be used again. So after every new
// connection, and before the answer of a method is used, the run ID of the server is compared with
// the one under which the data was written. If it differs, all data of Twofold is deleted and the
// method is run again. Therefore users must sign in again after a restart of Redis, with or without
// persistence, which may be switched off.
//
// A server that evicts keys when memory is short (maxmemory-policy allkeys-...) is refused, because
// it would lose the list of an account's sessions.
package redis
