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
	return func(ctx context.Context, db *sql.DB, statements []sqlstore.Statement) (int64, error) {
		return runScript(ctx, db, first, statements)
	}
}

func runScript(ctx context.Context, db *sql.DB, first string, statements []sqlstore.Statement) (
	written int64, err error) {
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
		return 0, err
	}
	defer c.Close()
	err = c.Raw(func(driver any) (err error) {
		own := driver.(*stdlib.Conn).Conn()
		var at int
		at, written, err = answers(own.SendBatch(ctx, b), b.Len())
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
	return written, err
}

// answers reads all results, or those up to the first failed statement, whose index it returns.
// written is the number of rows that the statement before the last wrote.
func answers(results pgx.BatchResults, n int) (at int, written int64, err error) {
	for at = range n {
		tag, err := results.Exec()
		if err != nil {
			_ = results.Close()
			return at, 0, err
		}
		if at == n-2 {
			written = tag.RowsAffected()
		}
	}
	return at, written, results.Close()
}
