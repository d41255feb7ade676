// Package sqlstore keeps Twofold's nouns in a relational database. It owns
// every query, once, in the SQL that SQLite (3.35 and later) and PostgreSQL
// share; an engine adds its driver, its schema and a Dialect of a few lines.
//
// It does not own the schema (types differ), the connections or the policy.
//
// # How the promises are kept
//
// A verb is one conditional statement where that is possible: the database
// itself serialises two of them on one row and evaluates the condition on the
// row as the winner left it (SQLite has one writer; PostgreSQL re-reads a row
// it had to wait for). Where a verb needs several statements, it is one short
// transaction that takes its lock before it reads: SQLite's begins IMMEDIATE,
// PostgreSQL's locks the row (Dialect.ForUpdate) or the name (Dialect.Lock).
//
// # The common dialect
//
// Placeholders are $1, $2 ... Times are whole microseconds since 1970, the zero
// time is 0, truth is 0 or 1, lists are JSON text. A parameter that stands
// where PostgreSQL cannot infer its type has a CAST. Every table begins with
// twofold_ and no column is called by a reserved word. PostgreSQL's schema
// must declare text keys COLLATE "C", so that ListUsers orders bytes.
package sqlstore
