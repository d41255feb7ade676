package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// classify returns the class of an error and a text that contains only its code, because
// PostgreSQL's message may quote the row.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func classify(err error) (sqlstore.Class, string) {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return classOf(e.Code), "SQLSTATE " + e.Code
	}
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connecting), pgconn.SafeToRetry(err), errors.Is(err, driver.ErrBadConn):
		return sqlstore.Again, "no connection" // nothing was sent
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed):
		return sqlstore.Lost, "the connection broke"
	}
	return sqlstore.Other, "unexpected error"
}

func classOf(code string) sqlstore.Class {
	if wrongServer(code) {
		return sqlstore.Again // use another connection; nothing was committed on this one
	}
	switch code {
	case "23505": // unique_violation
		return sqlstore.Duplicate
	case "23503": // foreign_key_violation
		return sqlstore.Orphan
	case "40001", "40P01", // serialization_failure, deadlock_detected
		"55P03",          // lock_not_available: lock_timeout
		"57P01", "57P02", // admin_shutdown, crash_shutdown: the transaction ended without a commit
		"57P03", "53300": // cannot_connect_now, too_many_connections
		return sqlstore.Again
	case "57014", // query_canceled: statement_timeout
		"25P03": // idle_in_transaction_session_timeout
		return sqlstore.Unavailable
	}
	switch code[:min(2, len(code))] {
	case "08": // connection exception
		return sqlstore.Lost
	case "28", "53", "57", "58", "XX": // authorization, resources, operator, system, internal
		return sqlstore.Unavailable
	}
	return sqlstore.Other
}

// unknownParameter matches the name in the message of SQLSTATE 42704, in any language.
var unknownParameter = regexp.MustCompile(`["\x{201e}\x{ab}]([A-Za-z_.]{1,64})["\x{201c}\x{bb}]`)

var errSlow = errors.New("it did not answer in time: " +
	"check whether it is running and whether another program holds locks")

// explain converts an error of Open to a sentence that says how to fix it. The context must be the
// caller's.
func explain(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("it was not open before its context ended: %w", ended)
	}
	var newer *sqlstore.NewerError
	var older *sqlstore.OlderError
	var e *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case errors.As(err, &newer):
		return newer
	case errors.As(err, &older):
		return older
	case errors.Is(err, context.DeadlineExceeded):
		return errSlow
	case errors.As(err, &e):
		var step *sqlstore.StepError
		if errors.As(err, &step) {
			return &sqlstore.StepError{Step: step.Step, Err: explainCode(e)}
		}
		return explainCode(e)
	case errors.As(err, &connecting):
		return errors.New("it cannot be reached: check the host, port and TLS settings, and whether it is running")
	}
	_, text := classify(err)
	return errors.New(text)
}

func explainCode(e *pgconn.PgError) error {
	switch e.Code {
	case "42704":
		// The message of this code contains the name of the parameter. It may be shown because it
		// is a part of the address, not of a row.
		if m := unknownParameter.FindStringSubmatch(e.Message); m != nil {
			return fmt.Errorf("unknown parameter %q in its address: remove it", m[1])
		}
	case "28P01", "28000":
		return errors.New("it rejected the user or the password")
	case "3D000":
		return errors.New("the database does not exist: create it first (CREATE DATABASE)")
	case "3F000":
		return errors.New("there is no schema for the tables: create the schema in search_path, or correct search_path")
	case "42501":
		return errors.New("the user is not allowed to create tables: grant CREATE on the schema, or run `twofold " +
			"migrate up` as its owner")
	case "08P01":
		return errors.New("the pooler rejected a startup parameter: see ignore_startup_parameters in the " +
			"documentation of store/postgres")
	case "26000", "42P05":
		return errors.New("the pooler mixes up prepared statements: add default_query_exec_mode=exec to the " +
			"address, or set max_prepared_statements in the pooler (PgBouncer 1.21)")
	case "55P03":
		return errors.New("another transaction holds a lock: try again, or find it in pg_stat_activity")
	case "25006":
		return errors.New("it is read-only: use the primary server, not a standby")
	}
	return errors.New("SQLSTATE " + e.Code)
}
