// Package sqlstore stores Twofold's records in a relational database. It contains every query in
// the SQL that SQLite (3.35 and later) and PostgreSQL share. An engine adds its driver, its schema
// and a small Dialect.
//
// It does not contain the schema, whose types differ, the connections or the policy.
//
// # How the guarantees are met
//
// If possible, a method is one conditional statement: the database serializes two of them on one
// row and evaluates the condition on the row that the first one has changed (SQLite has one writer;
// PostgreSQL reads a row again after waiting for it). If a method needs several statements, it is
// one short transaction that takes its lock before it reads: SQLite's begins IMMEDIATE,
// PostgreSQL's locks the row (Dialect.ForUpdate) or the name (Dialect.Lock).
//
// # The common dialect
//
// Placeholders are $1, $2 ... Times are whole microseconds since 1970, the zero time is 0, truth is
// 0 or 1, lists are JSON text. A parameter that stands where PostgreSQL cannot infer its type has a
// CAST. Every table begins with twofold_ and no column is called by a reserved word. PostgreSQL's
// schema must declare text keys COLLATE "C", so that ListUsers orders bytes.
package sqlstore
