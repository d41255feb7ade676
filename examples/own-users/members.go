package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

// members is the shop's table, as it was before:
//
//	CREATE TABLE members (
//		number INTEGER PRIMARY KEY AUTOINCREMENT,
//		mail   TEXT NOT NULL UNIQUE COLLATE NOCASE,
//		pass   TEXT NOT NULL,              -- bcrypt
//		banned INTEGER NOT NULL DEFAULT 0
//	)
//
// AUTOINCREMENT matters: a number that was given once is never given again.
type members struct{ db *sql.DB }

const member = `SELECT number, mail, pass, banned FROM members WHERE `

func scan(row *sql.Row) (store.ExternalUser, error) {
	var u store.ExternalUser
	var banned bool
	err := row.Scan(&u.ID, &u.Email, &u.PasswordHash, &banned)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	u.Active = !banned // and not Confirmed: the shop has never checked whose address it is
	return u, err
}

// FindUser implements store.UserSource.
func (m members) FindUser(ctx context.Context, identity string) (store.ExternalUser, error) {
	return scan(m.db.QueryRowContext(ctx, member+`mail = $1`, identity))
}

// UserByID implements store.UserSource.
func (m members) UserByID(ctx context.Context, id string) (store.ExternalUser, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return store.ExternalUser{}, store.ErrNotFound
	}
	return scan(m.db.QueryRowContext(ctx, member+`number = $1`, n))
}

// CreateUser implements store.UserSource.
func (m members) CreateUser(ctx context.Context, u store.ExternalUser) (id string, err error) {
	err = m.db.QueryRowContext(ctx, `INSERT INTO members (mail, pass, banned) VALUES ($1, $2, $3) RETURNING number`,
		u.Email, u.PasswordHash, !u.Active).Scan(&id)
	if err != nil && strings.Contains(err.Error(), "UNIQUE") {
		err = store.ErrExists
	}
	return id, err
}

// SetPasswordHash implements store.UserSource.
func (m members) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	result, err := m.db.ExecContext(ctx, `UPDATE members SET pass = $3 WHERE number = $1 AND pass = $2`, id, old, new)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
