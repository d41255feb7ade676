package rows

import (
	"context"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// Accounts reads what belongs to some rows of a table of users. It returns a
// function that returns the account of one of the rows.
type Accounts func(ctx context.Context, users []Row) (func(user Row) *transfer.Draft, error)

// Read calls each with the accounts of a database, in the order of the key of the
// table of users. prepare finds that table.
func Read(ctx context.Context, address string, each func(transfer.Entry) error,
	prepare func(db *DB) (users *Table, accounts Accounts, err error)) error {
	db, err := Open(ctx, address)
	if err != nil {
		return err
	}
	defer db.Close()
	users, accounts, err := prepare(db)
	if err != nil {
		return err
	}
	line := int64(0)
	return db.Each(ctx, users, func(list []Row) error {
		account, err := accounts(ctx, list)
		if err != nil {
			return err
		}
		for _, u := range list {
			line++
			if err := each(account(u).Entry(line)); err != nil {
				return err
			}
		}
		return nil
	})
}
