package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	pw "github.com/twofold-auth/twofold/password"
)

const (
	// life is the lifetime of a seeded session. The server's own limits are shorter, but limits are
	// stored with a session, so this one applies until its first update.
	life = 365 * 24 * time.Hour
	// batch is the number of users per transaction, bunch the number of rows per statement.
	batch = 20_000
	bunch = 100
)

type seedOptions struct {
	db                place
	users             int
	factors, sessions bool
}

func seedCommand(ctx context.Context, args []string, out io.Writer) error {
	var o seedOptions
	f := flag.NewFlagSet("bench seed", flag.ContinueOnError)
	f.StringVar((*string)(&o.db), "db", "bench.db",
		"`place` to fill: a file of SQLite, or the URL of a schema in PostgreSQL")
	f.IntVar(&o.users, "users", 1000, "how many users it shall have")
	f.BoolVar(&o.factors, "factors", true, "give each an authenticator app")
	f.BoolVar(&o.sessions, "sessions", true, "give each a session")
	if err := f.Parse(args); err != nil {
		return err
	}
	start := time.Now()
	n, err := seed(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d users added to %s in %.1f s\n", n, o.db, time.Since(start).Seconds())
	return nil
}

// seeder copies the rows of the first user. The store writes the first user, and the copies use the
// same columns, so a new column needs no change here.
type seeder struct {
	seedOptions
	db   *sql.DB
	keys *seal.Ring
}

func seed(ctx context.Context, o seedOptions) (added int, err error) {
	if err := seedFirst(ctx, o); err != nil {
		return 0, err
	}
	s := seeder{seedOptions: o}
	if s.keys, err = seal.NewRing(ring); err != nil {
		return 0, err
	}
	if s.db, err = o.db.openRaw(); err != nil {
		return 0, err
	}
	defer s.db.Close()
	var have int
	if err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM twofold_users`).Scan(&have); err != nil {
		return 0, err
	}
	for from := have; from < o.users; from += batch {
		if err := s.fill(ctx, from, min(from+batch, o.users)); err != nil {
			return added, err
		}
		added = min(from+batch, o.users) - have
	}
	if added == 0 {
		return 0, nil
	}
	_, err = s.db.ExecContext(ctx, o.db.settled())
	return added, err
}

// seedFirst creates the schema and, in an empty database, person 0.
func seedFirst(ctx context.Context, o seedOptions) error {
	db, err := o.db.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if some, err := db.ListUsers(ctx, "", 1); err != nil || len(some) > 0 {
		return err
	}
	hasher, err := pw.New(pw.Config{})
	if err != nil {
		return err
	}
	hash, err := hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	keys, err := seal.NewRing(ring)
	if err != nil {
		return err
	}
	p := person(0)
	sealed, err := sealedSecret(keys, p)
	if err != nil {
		return err
	}
	now := time.Now()
	u := storage.User{
		ID: p.id(), Email: p.email(), EmailKey: account.Key(p.email()), PasswordHash: hash, Active: true,
		CredentialVersion: storage.NewID(), CreatedAt: now, UpdatedAt: now,
	}
	if err := db.CreateUser(ctx, u); err != nil {
		return err
	}
	change := storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: p.credentialVersion(), Now: now}
	if o.factors {
		change.Add = &storage.Factor{
			ID: p.factor(), UserID: u.ID, Method: storage.Authenticator, Secret: sealed, Primary: true, CreatedAt: now,
		}
	}
	if err := db.ChangeFactors(ctx, change); err != nil || !o.sessions {
		return err
	}
	return db.PutSession(ctx, storage.Session{
		Hash: seal.HashToken(p.token()), ID: p.sessionID(), UserID: u.ID, CredentialVersion: p.credentialVersion(),
		Level:   storage.TwoFactors,
		Proofs:  []storage.Proof{{Method: "password", At: now}, {Method: storage.Authenticator, At: now}},
		FreshAt: now, Address: "127.0.0.1", Agent: "bench", CreatedAt: now, SeenAt: now.Add(life),
		IdleAt: now.Add(life), ExpiresAt: now.Add(life),
	})
}

func sealedSecret(keys *seal.Ring, p person) ([]byte, error) {
	return keys.Seal("totp", p.id()+"/"+p.factor(), p.secret())
}

// filling is one transaction of the seeder.
type filling struct {
	*seeder
	tx     *sql.Tx
	people []person
}

// fill adds a range of persons in one transaction.
func (s *seeder) fill(ctx context.Context, from, to int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	f := filling{seeder: s, tx: tx}
	for i := from; i < to; i++ {
		f.people = append(f.people, person(i))
	}
	if err := f.users(ctx); err != nil {
		return err
	}
	if s.factors {
		if err := f.factorRows(ctx); err != nil {
			return err
		}
	}
	if s.sessions {
		if err := f.sessionRows(ctx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// byKey sorts rows by their key, so that the tree is written in order.
func (f *filling) byKey(key func(person) string) []person {
	keys := make(map[person]string, len(f.people))
	for _, p := range f.people {
		keys[p] = key(p)
	}
	slices.SortFunc(f.people, func(a, b person) int { return strings.Compare(keys[a], keys[b]) })
	return f.people
}

func (f *filling) users(ctx context.Context) error {
	order := person.id
	if f.placed() {
		order = func(p person) string { return fmt.Sprintf("%020d", int(p)) }
	}
	err := f.copies(ctx, "twofold_users", "id", f.byKey(order), func(p person, set func(string, any)) error {
		if f.placed() {
			set("place", userPlace(p))
		}
		set("id", p.id())
		set("email", p.email())
		set("email_key", account.Key(p.email()))
		set("uniquifier", p.credentialVersion())
		return nil
	})
	if err != nil {
		return err
	}
	return f.copies(ctx, "twofold_identities", "user_id", f.byKey(person.email),
		func(p person, set func(string, any)) error {
			set("identity", account.Key(p.email()))
			set("user_id", p.id())
			return nil
		})
}

func (f *filling) factorRows(ctx context.Context) error {
	return f.copies(ctx, "twofold_factors", "user_id", f.byKey(person.factor),
		func(p person, set func(string, any)) error {
			sealed, err := sealedSecret(f.keys, p)
			set("id", p.factor())
			set("user_id", p.id())
			set("secret", sealed)
			return err
		})
}

func (f *filling) sessionRows(ctx context.Context) error {
	now := time.Now().UnixMicro()
	hash := func(p person) string { return seal.HashToken(p.token()) }
	order := hash
	if f.placed() {
		order = func(p person) string { return fmt.Sprintf("%020d", uint64(sessionPlace(hash(p)))^1<<63) }
	}
	return f.copies(ctx, "twofold_sessions", "user_id", f.byKey(order), func(p person, set func(string, any)) error {
		if f.placed() {
			set("place", sessionPlace(hash(p)))
			set("user_place", userPlace(p))
		}
		set("hash", hash(p))
		set("id", p.sessionID())
		set("user_id", p.id())
		set("uniquifier", p.credentialVersion())
		if p.away() {
			set("seen_at", now-time.Hour.Microseconds())
		}
		return nil
	})
}

// placed reports whether rows have places, as in SQLite.
func (f *filling) placed() bool { return !f.seedOptions.db.isURL() }

// userPlace returns the place of the next account.
func userPlace(p person) int64 { return int64(p) + 1 }

// sessionPlace returns the place of a session in the store.
func sessionPlace(hash string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(hash))
	return int64(h.Sum64())
}

// copies inserts one row for each person: the row of person 0 with the values that change sets.
func (f *filling) copies(ctx context.Context, table, owner string, people []person,
	change func(p person, set func(column string, v any)) error) error {
	columns, first, err := f.template(ctx, table, owner)
	if err != nil {
		return fmt.Errorf("%s: the first user's row: %w", table, err)
	}
	for some := range slices.Chunk(people, bunch) {
		var values []any
		for _, p := range some {
			row, missing := slices.Clone(first), ""
			err := change(p, func(column string, v any) {
				i := slices.Index(columns, column)
				if i < 0 {
					missing = column
					return
				}
				row[i] = v
			})
			if err == nil && missing != "" {
				err = fmt.Errorf("%s has no column %s", table, missing)
			}
			if err != nil {
				return err
			}
			values = append(values, row...)
		}
		if _, err := f.tx.ExecContext(ctx, insert(table, columns, len(some)), values...); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// insert returns a statement for a number of rows. Both engines support $1.
func insert(table string, columns []string, rows int) string {
	b := fmt.Appendf(nil, "INSERT INTO %s (%s) VALUES ", table, strings.Join(columns, ", "))
	for i := range rows * len(columns) {
		switch {
		case i == 0:
			b = append(b, '(')
		case i%len(columns) == 0:
			b = append(b, "), ("...)
		default:
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "$%d", i+1)
	}
	return string(append(b, ')'))
}

func (f *filling) template(ctx context.Context, table, owner string) (columns []string, values []any, err error) {
	rows, err := f.tx.QueryContext(ctx, `SELECT * FROM `+table+` WHERE `+owner+` = $1`, person(0).id())
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	if !rows.Next() {
		if err = rows.Err(); err == nil {
			err = sql.ErrNoRows
		}
		return nil, nil, err
	}
	values = make([]any, len(columns))
	to := make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	return columns, values, rows.Scan(to...)
}
