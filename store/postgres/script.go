package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// divisionByZero is the error code of a failed statement of sqlstore.RequireRows.
const divisionByZero = "22012"

// script sends a whole transaction, including its commit, at once. PostgreSQL skips all statements
// after one that fails, so nothing is committed then. The statement first, if there is one, is run
// before the others.
func script(first string) sqlstore.ScriptFunc {
	return func(ctx context.Context, db *sql.DB, statements []sqlstore.Statement) error {
		return runScript(ctx, db, first, statements)
	}
}

func runScript(ctx context.Context, db *sql.DB, first string, statements []sqlstore.Statement) error {
	b := &pgx.Batch{}
	b.Queue("begin isolation level read committed")
	if first != "" {
		b.Queue(first)
	}
	before := b.Len()
	for _, statement := range statements {
		query := statement.Query
		if statement.Rows != sqlstore.Any {
			query = sqlstore.RequireRows(query, statement.Rows)
		}
		b.Queue(query, statement.Args...)
	}
	b.Queue("commit")
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(driver any) error {
		own := driver.(*stdlib.Conn).Conn()
		at, err := answers(own.SendBatch(ctx, b), b.Len())
		if err != nil && !own.IsClosed() && own.PgConn().TxStatus() != 'I' {
			if _, failed := own.Exec(ctx, "rollback"); failed != nil {
				_ = own.Close(ctx) // the pool discards it
			}
		}
		var e *pgconn.PgError
		if errors.As(err, &e) && e.Code == divisionByZero {
			return &sqlstore.Missed{Index: at - before}
		}
		return err
	})
}

// answers reads all results, or those up to the first failed statement, whose index it returns.
func answers(results pgx.BatchResults, n int) (at int, err error) {
	for at = range n {
		if _, err = results.Exec(); err != nil {
			_ = results.Close()
			return at, err
		}
	}
	return at, results.Close()
}
