// Package store names what an application needs of a storage engine. The engines are store/sqlite,
// store/postgres and store/redis. An application opens one of them and passes it to Twofold; it
// does not call the methods of a store itself. An application that has a table of users implements
// [UserSource].
//
// # Several stores
//
// [Join] combines a store for records that must survive with one for records that expire, such as
// PostgreSQL and Redis.
//
// # Atomic methods
//
// Every method of an engine is atomic: it is one SQL statement, transaction or Lua script. If
// something may happen only once, a conditional write in the store decides: of any number of
// concurrent callers, exactly one succeeds.
package store
