package main

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

const schema = `CREATE TABLE members (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	mail   TEXT NOT NULL UNIQUE COLLATE NOCASE,
	pass   TEXT NOT NULL,
	banned INTEGER NOT NULL DEFAULT 0
)`

// shop is the table from before two factors were added.
func shop(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	run(t, db, schema)
	run(t, db, `INSERT INTO members (number, mail, pass) VALUES (71, 'Ada@Example.org', $1), (72, 'bob@example.org', $1)`, bcrypted(t, twofoldtest.Password))
	return db
}

func run(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func bcrypted(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func serve(t *testing.T) (*sql.DB, *twofoldtest.Kit) {
	t.Helper()
	db := shop(t)
	k := twofoldtest.New(t, twofold.Config{Users: members{db}, Accounts: twofold.Accounts{Registerable: true}})
	mux := http.NewServeMux()
	mux.Handle("/", k.Auth.RequireTwoFactor(http.HandlerFunc(home)))
	mux.Handle("/level1", k.Auth.RequireUser(http.HandlerFunc(home)))
	k.Serve(mux)
	return db, k
}

func pass(t *testing.T, db *sql.DB, number int) (hash string) {
	t.Helper()
	if err := db.QueryRow(`SELECT pass FROM members WHERE number = $1`, number).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestMembersSignInWithTwoFactors(t *testing.T) {
	db, k := serve(t)
	b := k.LoginAs("ada@example.org", 2)
	if a := b.Get("/"); a.Status != 200 || a.Body != "hello, Ada@Example.org, member number 71\n" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if hash := pass(t, db, 71); !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("the hash was not renewed: %s", hash)
	}
	if a := k.NewBrowser().Post("/login",
		map[string]any{"email": "bob@example.org", "password": "wrong wrong wrong"}); a.Status != 400 {
		t.Errorf("a wrong password: %d", a.Status)
	}
	if again := k.LoginAs("ada@example.org", 2); again.Get("/").Status != 200 || b.Get("/").Status != 200 {
		t.Error("a second sign-in does not work beside the first")
	}
}

// TestTheShopChangesItsTable changes the table on the shop's own pages, without notifying Twofold.
func TestTheShopChangesItsTable(t *testing.T) {
	db, k := serve(t)
	for name, change := range map[string]string{
		"password": `UPDATE members SET pass = '` + bcrypted(t, "another horse 72 battery") + `' WHERE number = 72`,
		"address":  `UPDATE members SET mail = 'robert@example.org' WHERE number = 72`,
		"ban":      `UPDATE members SET banned = 1 WHERE number = 72`,
		"deletion": `DELETE FROM members WHERE number = 72`,
	} {
		run(t, db, `INSERT OR REPLACE INTO members (number, mail, pass) VALUES (72, 'bob@example.org', $1)`,
			bcrypted(t, twofoldtest.Password))
		b := k.NewBrowser()
		if a := b.Post("/login",
			map[string]any{"email": "bob@example.org", "password": twofoldtest.Password}); a.Status != 200 ||
			b.Get("/level1").Status != 200 {
			t.Fatalf("%s: %d %s", name, a.Status, a.Body)
		}
		run(t, db, change)
		if !soon(func() bool { return b.Get("/level1").Status == http.StatusUnauthorized }) {
			t.Errorf("%s: the session lives on", name)
		}
	}
}

// soon polls, because a node may use its cache for a second, and a busy machine is slow.
func soon(done func() bool) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

func TestARegisteredUserIsAMember(t *testing.T) {
	db, k := serve(t)
	b := k.NewBrowser()
	fields := map[string]any{"email": "carol@example.org", "password": twofoldtest.Password,
		"password_confirm": twofoldtest.Password}
	if a := b.Post("/register", fields); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if hash := pass(t, db, 73); !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("hash %q", hash)
	}
	if a := k.LoginAs("carol@example.org", 2).Get("/"); !strings.HasSuffix(a.Body, "member number 73\n") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	fields["email"] = "CAROL@example.org"
	if k.NewBrowser().Post("/register", fields); pass(t, db, 73) == "" {
		t.Error("registered twice")
	}
	var n int
	if err := db.QueryRow(`SELECT COUNT(*) FROM members`).Scan(&n); err != nil || n != 3 {
		t.Errorf("%d members, %v", n, err)
	}
}

// TestNoSideDoor tries every way to sign in, with members of the shop's own table.
func TestNoSideDoor(t *testing.T) {
	twofoldtest.NoSideDoor(t, twofold.Config{Users: members{shop(t)}, Accounts: twofold.Accounts{Registerable: true}},
		func(auth *twofold.Auth) http.Handler { return auth.RequireTwoFactor(http.HandlerFunc(home)) }, "/")
}
