// Package storage defines the records of Twofold (users, factors, trusted devices, sessions, pending
// sign-ins, drafts, challenges, counters and outgoing messages) and the guarantees that an engine
// must give.
//
// It contains only types and contracts: no SQL, no HTTP, no policy. The engines are store/sqlite,
// store/postgres and store/redis. Each passes the same test suite.
//
// # Atomic methods
//
// Every method is atomic: it is one SQL statement, transaction or Lua script. If something may
// happen only once, a conditional write in the store decides: of any number of concurrent callers,
// exactly one gets nil, and all others get ErrUsed or ErrNotFound. The packages that use a store
// never read a record and then write it back.
//
// # Times and secrets
//
// Times are passed by the caller, from the application's clock, and are stored in microseconds. If
// the clock steps back, used items stay used, closed budgets stay closed, codes found expired stay
// expired, and the time of the last use does not decrease. Engines never see a secret in plain
// text: tokens are passed as SHA-256 hashes, codes as keyed hashes, and TOTP secrets and message
// bodies encrypted.
package storage
