package howto_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/sqlite"
	"github.com/twofold-auth/twofold/twofoldtest"
)

const customersTable = `CREATE TABLE customers (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	email         TEXT NOT NULL UNIQUE,
	password_hash TEXT NOT NULL DEFAULT '',
	confirmed     BOOLEAN NOT NULL DEFAULT false,
	active        BOOLEAN NOT NULL DEFAULT true,
	admin         BOOLEAN NOT NULL DEFAULT false
);`

// customersQueries is the file that sqlc reads.
const customersQueries = `
-- name: CustomerByEmail :one
SELECT * FROM customers WHERE email = lower(sqlc.arg(email));

-- name: CustomerByID :one
SELECT * FROM customers WHERE id = ?;

-- name: CreateCustomer :one
INSERT INTO customers (email, password_hash, confirmed, active) VALUES (lower(sqlc.arg(email)), ?, ?, ?) RETURNING id;

-- name: SetPasswordHash :execrows
UPDATE customers SET password_hash = sqlc.arg(new) WHERE id = sqlc.arg(id) AND password_hash = sqlc.arg(old);
`

// What follows is as sqlc generates it, with the statements of the file above.

// Customer is a row.
type Customer struct {
	ID           int64
	Email        string
	PasswordHash string
	Confirmed    bool
	Active       bool
	Admin        bool
}

// Queries are the queries.
type Queries struct{ db *sql.DB }

// New returns them.
func New(db *sql.DB) *Queries { return &Queries{db: db} }

// statement is a query of the file as sqlc writes it.
func statement(name string) string {
	_, text, _ := strings.Cut(customersQueries, "-- name: "+name+" :")
	_, text, _ = strings.Cut(text, "\n")
	text, _, _ = strings.Cut(text, ";")
	if name == "SetPasswordHash" {
		return strings.NewReplacer("sqlc.arg(new)", "?1", "sqlc.arg(id)", "?2", "sqlc.arg(old)", "?3").Replace(text)
	}
	return strings.ReplaceAll(text, "sqlc.arg(email)", "?")
}

func scanCustomer(row *sql.Row) (Customer, error) {
	var i Customer
	err := row.Scan(&i.ID, &i.Email, &i.PasswordHash, &i.Confirmed, &i.Active, &i.Admin)
	return i, err
}

// CustomerByEmail is a query.
func (q *Queries) CustomerByEmail(ctx context.Context, email string) (Customer, error) {
	return scanCustomer(q.db.QueryRowContext(ctx, statement("CustomerByEmail"), email))
}

// CustomerByID is a query.
func (q *Queries) CustomerByID(ctx context.Context, id int64) (Customer, error) {
	return scanCustomer(q.db.QueryRowContext(ctx, statement("CustomerByID"), id))
}

// CreateCustomerParams are its arguments.
type CreateCustomerParams struct {
	Email        string
	PasswordHash string
	Confirmed    bool
	Active       bool
}

// CreateCustomer is a query.
func (q *Queries) CreateCustomer(ctx context.Context, arg CreateCustomerParams) (id int64, err error) {
	row := q.db.QueryRowContext(ctx, statement("CreateCustomer"),
		arg.Email, arg.PasswordHash, arg.Confirmed, arg.Active)
	return id, row.Scan(&id)
}

// SetPasswordHashParams are its arguments.
type SetPasswordHashParams struct {
	New string
	ID  int64
	Old string
}

// SetPasswordHash is a query.
func (q *Queries) SetPasswordHash(ctx context.Context, arg SetPasswordHashParams) (int64, error) {
	result, err := q.db.ExecContext(ctx, statement("SetPasswordHash"), arg.New, arg.ID, arg.Old)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// What follows is written by hand.

type customers struct{ db *Queries }

func external(c Customer, err error) (store.ExternalUser, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ExternalUser{}, store.ErrNotFound
	}
	u := store.ExternalUser{
		ID: strconv.FormatInt(c.ID, 10), Email: c.Email, PasswordHash: c.PasswordHash,
		Active: c.Active, Confirmed: c.Confirmed,
	}
	if c.Admin {
		u.Roles = []string{"admin"}
	}
	return u, err
}

func (c customers) FindUser(ctx context.Context, identity string) (store.ExternalUser, error) {
	return external(c.db.CustomerByEmail(ctx, identity))
}

func (c customers) UserByID(ctx context.Context, id string) (store.ExternalUser, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return store.ExternalUser{}, store.ErrNotFound
	}
	return external(c.db.CustomerByID(ctx, n))
}

func (c customers) CreateUser(ctx context.Context, u store.ExternalUser) (string, error) {
	id, err := c.db.CreateCustomer(ctx, CreateCustomerParams{
		Email: u.Email, PasswordHash: u.PasswordHash, Confirmed: u.Confirmed, Active: u.Active,
	})
	if err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed") {
		return "", store.ErrExists
	}
	return strconv.FormatInt(id, 10), err
}

func (c customers) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return false, store.ErrNotFound
	}
	rows, err := c.db.SetPasswordHash(ctx, SetPasswordHashParams{New: new, ID: n, Old: old})
	return rows == 1, err
}

// customersSite is a site with customers in a table of its own.
func customersSite(t *testing.T) (*sql.DB, *twofoldtest.Kit) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(customersTable); err != nil {
		t.Fatal(err)
	}
	k := twofoldtest.New(t, twofold.Config{Users: customers{New(db)}, Accounts: twofold.Accounts{Registerable: true}})
	mux := http.NewServeMux()
	mux.Handle("/", k.Auth.RequireTwoFactor(hello))
	mux.Handle("/admin", k.Auth.RequireTwoFactor(k.Auth.RequireRole("admin")(hello)))
	k.Serve(mux)
	return db, k
}

func TestOwnUsers(t *testing.T) {
	db, k := customersSite(t)
	b := k.LoginAs("ada@example.org", 2)
	if a := b.Get("/"); a.Status != http.StatusOK || a.Body != "hello, ada@example.org" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("a customer gets %d", a.Status)
	}
	change := func(statement string, path string, want int) {
		t.Helper()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(20 * time.Second)
		for b.Get(path).Status != want {
			if time.Now().After(end) {
				t.Fatalf("after %s the page is %d", statement, b.Get(path).Status)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	change(`UPDATE customers SET admin = true`, "/admin", http.StatusOK)
	change(`UPDATE customers SET active = false`, "/", http.StatusUnauthorized)

	for _, email := range []string{"bob@example.org", "BOB@example.org"} {
		a := k.NewBrowser().Post("/register", map[string]any{
			"email": email, "password": twofoldtest.Password, "password_confirm": twofoldtest.Password,
		})
		if email == "bob@example.org" && a.Status != http.StatusOK {
			t.Errorf("registering: %d %s", a.Status, a.Body)
		}
	}
	var n int
	if err := db.QueryRow(`SELECT COUNT(*) FROM customers`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d customers, %v", n, err)
	}
}

// TestOneOfTwoChangesOfAPasswordFails.
func TestOneOfTwoChangesOfAPasswordFails(t *testing.T) {
	db, k := customersSite(t)
	u := k.User("ada@example.org")
	c := customers{New(db)}
	row, err := c.UserByID(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		done, err := c.SetPasswordHash(t.Context(), u.ID, row.PasswordHash, "hash "+strconv.Itoa(i))
		if err != nil || done != want {
			t.Errorf("change %d: %v, %v", i, done, err)
		}
	}
}

// onPool keeps Twofold's tables in the database of the program's pool.
func onPool(ctx context.Context, pool *pgxpool.Pool) (*twofold.Auth, error) {
	db, err := postgres.New(ctx, pool, postgres.Options{})
	if err != nil {
		return nil, err
	}
	return twofold.New(twofold.Config{Origin: "https://example.org", Key: twofold.KeyFile("app.key"), Store: db})
}

// onFile is a handle on a file, and Twofold's store on that handle.
func onFile(ctx context.Context, path string) (*sql.DB, store.Store, error) {
	handle, err := sql.Open("sqlite", "file:"+path+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, nil, err
	}
	db, err := sqlite.New(ctx, handle, sqlite.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, handle.Close())
	}
	return handle, db, nil
}

func TestTwofoldUsesThePoolOfTheProgram(t *testing.T) {
	t.Chdir(t.TempDir())
	pool, err := pgxpool.New(t.Context(), servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	auth, err := onPool(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	user := twofold.NewUser{Email: "ada@example.org", Password: "walking a dog by the canal"}
	if _, err := auth.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := pool.QueryRow(t.Context(), `SELECT COUNT(*) FROM twofold_users`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d accounts in the database of the pool: %v", n, err)
	}
}

func TestTwofoldUsesTheHandleOfTheProgram(t *testing.T) {
	handle, db, err := onFile(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	key := twofold.KeyText(twofold.NewKey())
	auth, err := twofold.New(twofold.Config{Origin: "https://example.org", Key: key, Store: db})
	if err != nil {
		t.Fatal(err)
	}
	user := twofold.NewUser{Email: "ada@example.org", Password: "walking a dog by the canal"}
	if _, err := auth.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := handle.QueryRow(`SELECT COUNT(*) FROM twofold_users`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d accounts in the database of the handle: %v", n, err)
	}
}
