// Package store defines the records of Twofold and what an engine must promise
// them: users, factors, trusted devices, sessions, pending sign-ins, drafts,
// challenges, counters and outgoing messages.
//
// It owns the types and the contracts, nothing else: no SQL, no HTTP, no
// policy. Engines are store/sqlite and its siblings; each passes the whole
// suite in store/storetest.
//
// # How to read a verb
//
// Every verb is one atomic statement (one SQL statement or transaction, one
// Lua script) named after what it guarantees. Whatever may happen once is
// decided here by a conditional write: of any number of parallel callers with
// the same one-time thing exactly one gets nil, all others get ErrUsed or
// ErrNotFound. There is no Get-then-Update anywhere above this package.
//
// # Times and secrets
//
// Times come from the caller (the application's clock) and keep microseconds.
// A clock that steps back gives back nothing that was used, opens no closed
// budget, revives no code that was found expired and makes no last use older.
// Engines never see a secret in the clear: tokens arrive as SHA-256 hashes,
// codes as keyed hashes, TOTP secrets and message bodies sealed.
package store
