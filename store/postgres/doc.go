// Package postgres keeps everything in a PostgreSQL database (13 or later): the
// engine for several nodes.
//
// It owns the schema and what PostgreSQL's errors mean; Open owns the connections
// too, and New uses those of the application. The queries are in internal/sqlstore,
// which every SQL engine shares.
//
// # What it promises
//
// What a verb of package store answered with nil is committed. Conditions are
// decided in single statements; the few verbs that need several lock a row or a
// name first (pg_advisory_xact_lock), at the isolation READ COMMITTED. A
// deadlock, a serialization failure, a lock that was not to be had or a server
// that just restarts is tried again, a few times and no longer than five
// seconds; a write whose outcome is not known never is. All else is
// store.ErrUnavailable, and the caller grants nothing.
//
// # Connections
//
// New uses a pool of the application. The URL that Open takes is libpq's
// (postgres://user:password@host:port/name?sslmode=...), with search_path and
// pool_max_conns (16 if not given) if need be, and PGPASSWORD, PGSSLMODE and
// their like are honoured. sslmode=verify-full is what a database on another
// machine needs.
//
// Nothing outlives its transaction on the server but prepared statements, so a
// PgBouncer in transaction mode works: with version 1.21 or later and
// max_prepared_statements, or with default_query_exec_mode=exec in the URL. It
// must let three start-up parameters pass: ignore_startup_parameters =
// statement_timeout,lock_timeout,idle_in_transaction_session_timeout (which New does
// not need). Notifications do not pass it: with the parameter listen, or
// Options.Listen, the address of the server itself (or of a database of the pooler in
// session mode), one connection a node goes there; without it the node notices that
// it hears nothing.
package postgres
