// Package postgres stores all records in a PostgreSQL database (13 or later). It is the engine for
// several nodes.
//
// It owns the schema and what PostgreSQL's errors mean; Open owns the connections too, and New uses
// those of the application. The queries are in internal/sqlstore, which every SQL engine shares.
//
// # Guarantees
//
// When a method returns nil, its change is committed. Conditions are part of single statements. The
// few methods with several statements first lock a row or a name (pg_advisory_xact_lock), with
// isolation level READ COMMITTED. After a deadlock, a serialization failure, a lock timeout or a
// restart of the server, a method is repeated a few times, for at most five seconds. A write whose
// outcome is unknown is never repeated. All other errors are store.ErrUnavailable, and the caller
// grants nothing.
//
// # Connections
//
// New uses a pool of the application. The URL that Open takes is libpq's
// (postgres://user:password@host:port/name?sslmode=...), with search_path and pool_max_conns (16 if
// not given) if need be, and PGPASSWORD, PGSSLMODE and their like are honored. sslmode=verify-full
// is what a database on another machine needs.
//
// Nothing outlives its transaction on the server but prepared statements, so a PgBouncer in
// transaction mode works: with version 1.21 or later and max_prepared_statements, or with
// default_query_exec_mode=exec in the URL. It must let three start-up parameters pass:
// ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout
// (which New does not need). Notifications do not pass it: with the parameter listen, or
// Options.Listen, the address of the server itself (or of a database of the pooler in session
// mode), one connection a node goes there; without it the node notices that it hears nothing.
package postgres
