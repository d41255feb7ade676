package sqlstore

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
)

// page is the number of accounts that are read at once.
const page = 256

// EachAccount implements storage.Transfers. One transaction reads all: it has the
// caller's time and not a verb's, and is not tried again, as each was called already.
func (s transfers) EachAccount(ctx context.Context, id string, each func(storage.Whole) error) error {
	const verb = "each account"
	tx, err := s.read.begin(ctx, s.d.Snapshot)
	if err != nil {
		return s.fail(verb, err)
	}
	defer func() { _ = tx.Rollback() }() // it wrote nothing
	t := &txn{ctx: ctx, s: s.Store, p: s.read, tx: tx}
	if s.d.Slowly != "" {
		if _, err := tx.ExecContext(ctx, s.d.Slowly); err != nil {
			return s.fail(verb, err)
		}
	}
	var failed error
	tell := func(w storage.Whole) error {
		failed = each(w)
		return failed
	}
	if id != "" {
		err = t.eachOne(id, tell)
	} else {
		err = t.eachOf(tell)
	}
	if failed != nil {
		return failed
	}
	return s.fail(verb, err)
}

func (t *txn) eachOne(id string, each func(storage.Whole) error) error {
	u, err := get(t, `SELECT `+userColumns+` FROM twofold_users WHERE id = $1`, scanUser, id)
	if err != nil {
		return err
	}
	return t.eachIn([]storage.User{u}, each)
}

func (t *txn) eachOf(each func(storage.Whole) error) error {
	for after := ""; ; {
		users, err := list(t, `SELECT `+userColumns+` FROM twofold_users
			WHERE id > $1 ORDER BY id LIMIT CAST($2 AS BIGINT)`, scanUser,
			after, page)
		if err != nil {
			return err
		}
		if err := t.eachIn(users, each); err != nil || len(users) < page {
			return err
		}
		after = users[len(users)-1].ID
	}
}

// list is like all, inside a transaction.
func list[T any](t *txn, query string, scan func(scanner) (T, error), args ...any) ([]T, error) {
	rows, err := t.query(query, args...)
	return collect(rows, err, scan)
}

// eachIn reads the data of consecutive accounts.
func (t *txn) eachIn(users []storage.User, each func(storage.Whole) error) error {
	if len(users) == 0 {
		return nil
	}
	const between = ` WHERE user_id >= $1 AND user_id <= $2 `
	from, to := users[0].ID, users[len(users)-1].ID
	whole := make(map[string]*storage.Whole, len(users))
	for _, u := range users {
		whole[u.ID] = &storage.Whole{User: u}
	}
	factors, err := list(t, `SELECT `+factorColumns+` FROM twofold_factors`+between+
		`ORDER BY user_id, created_at, id`, scanFactor, from, to)
	for _, f := range factors {
		if w := whole[f.UserID]; w != nil {
			w.Factors = append(w.Factors, f)
		}
	}
	codes, err2 := list(t, `SELECT user_id, mac, form, created_at FROM twofold_recovery_codes`+between+
		`ORDER BY user_id, mac`, scanCode, from, to)
	for _, c := range codes {
		if w := whole[c.userID]; w != nil {
			w.Codes = append(w.Codes, c.KeptCode)
		}
	}
	connections, err3 := list(t, `SELECT `+connectionColumns+` FROM twofold_connections`+between+
		`ORDER BY user_id, created_at, id`, scanConnection, from, to)
	for _, c := range connections {
		if w := whole[c.UserID]; w != nil {
			w.Connections = append(w.Connections, c)
		}
	}
	err4 := t.eachMore(whole, between, from, to)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	for _, u := range users {
		if err := each(*whole[u.ID]); err != nil {
			return err
		}
	}
	return nil
}

// eachMore reads the data of which an account has one row.
func (t *txn) eachMore(whole map[string]*storage.Whole, between, from, to string) error {
	type signIns struct {
		userID string
		storage.SignIns
	}
	counted, err := list(t, `SELECT user_id, current_at, last_at, current_address, last_address, count
		FROM twofold_sign_ins`+between, func(scan scanner) (n signIns, err error) {
		err = scan(&n.userID, (*stamp)(&n.CurrentAt), (*stamp)(&n.LastAt), &n.CurrentAddress, &n.LastAddress, &n.Count)
		return n, err
	}, from, to)
	for _, n := range counted {
		if w := whole[n.userID]; w != nil {
			w.SignIns = n.SignIns
		}
	}
	origins, err2 := list(t, `SELECT `+originColumns+` FROM twofold_origins`+between, scanOrigin, from, to)
	for _, o := range origins {
		if w := whole[o.UserID]; w != nil {
			w.Origin = &o
		}
	}
	return errors.Join(err, err2)
}
