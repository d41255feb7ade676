package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/twofold-auth/twofold/store"
)

// customers is the table of users. Twofold reads addresses, password hashes and roles
// from it; second factors and sessions are in tables of its own.
type customers struct{ pool *pgxpool.Pool }

const selectCustomer = `SELECT id::text, email, password_hash, confirmed, active, admin FROM customers WHERE `

func (c customers) one(ctx context.Context, where string, arg any) (u store.ExternalUser, err error) {
	var admin bool
	err = c.pool.QueryRow(ctx, selectCustomer+where, arg).
		Scan(&u.ID, &u.Email, &u.PasswordHash, &u.Confirmed, &u.Active, &admin)
	if errors.Is(err, pgx.ErrNoRows) {
		err = store.ErrNotFound
	}
	if admin {
		u.Roles = []string{"admin"}
	}
	return u, err
}

// FindUser implements store.UserSource.
func (c customers) FindUser(ctx context.Context, identity string) (store.ExternalUser, error) {
	return c.one(ctx, `lower(email) = $1`, identity)
}

// UserByID implements store.UserSource.
func (c customers) UserByID(ctx context.Context, id string) (store.ExternalUser, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return store.ExternalUser{}, store.ErrNotFound
	}
	return c.one(ctx, `id = $1`, n)
}

// CreateUser implements store.UserSource.
func (c customers) CreateUser(ctx context.Context, u store.ExternalUser) (id string, err error) {
	err = c.pool.QueryRow(ctx, `INSERT INTO customers (email, password_hash, confirmed, active)
		VALUES ($1, $2, $3, $4) RETURNING id::text`, u.Email, u.PasswordHash, u.Confirmed, u.Active).Scan(&id)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23505" { // unique_violation
		err = store.ErrExists
	}
	return id, err
}

// SetPasswordHash implements store.UserSource.
func (c customers) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	done, err := c.pool.Exec(ctx, `UPDATE customers SET password_hash = $3
		WHERE id = $1::text::bigint AND password_hash = $2`, id, old, new)
	return done.RowsAffected() == 1, err
}
