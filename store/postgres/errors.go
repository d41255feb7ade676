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

// classify says what an error means. The text is the code only: PostgreSQL's
// own message may quote the row.
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
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return sqlstore.Lost, "the connection broke"
	}
	return sqlstore.Other, "unexpected error"
}

func classOf(code string) sqlstore.Class {
	if wrongServer(code) {
		return sqlstore.Again // on another connection; nothing was committed on this one
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

// unknownParameter finds the name in the message of SQLSTATE 42704, whatever
// language it is in.
var unknownParameter = regexp.MustCompile(`["\x{201e}\x{ab}]([A-Za-z_.]{1,64})["\x{201c}\x{bb}]`)

// explain turns an error of opening into a sentence that says what to do.
func explain(err error) error {
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
		return errors.New("it did not answer in time: see whether it runs and whether another program holds its locks")
	case errors.As(err, &e):
		var step *sqlstore.StepError
		if errors.As(err, &step) {
			return &sqlstore.StepError{Step: step.Step, Err: explainCode(e)}
		}
		return explainCode(e)
	case errors.As(err, &connecting):
		return errors.New("it cannot be reached: see to host, port, TLS settings and whether it runs")
	}
	_, text := classify(err)
	return errors.New(text)
}

func explainCode(e *pgconn.PgError) error {
	switch e.Code {
	case "42704":
		// The message of this code names the parameter, which is ours to show: it is
		// a word of the address, not of a row.
		if m := unknownParameter.FindStringSubmatch(e.Message); m != nil {
			return fmt.Errorf("it does not know the parameter %q of its address: remove it", m[1])
		}
	case "28P01", "28000":
		return errors.New("it refuses the user or the password")
	case "3D000":
		return errors.New("there is no database of that name: create it first (CREATE DATABASE)")
	case "3F000":
		return errors.New("there is no schema to put tables in: create what search_path names, or correct it")
	case "42501":
		return errors.New("the user may not create tables there: grant CREATE on the schema, or run `twofold migrate up` as its owner")
	case "08P01":
		return errors.New("a pooler in front refuses a start-up parameter: see ignore_startup_parameters in the documentation of store/postgres")
	case "26000", "42P05":
		return errors.New("a pooler in front mixes up prepared statements: add default_query_exec_mode=exec to the address, or set max_prepared_statements there (PgBouncer 1.21)")
	case "25006":
		return errors.New("it is read-only: name the primary server, not a standby")
	}
	return errors.New("SQLSTATE " + e.Code)
}
