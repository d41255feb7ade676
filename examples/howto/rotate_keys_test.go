package howto_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/sqlite"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// prepared is the key of all nodes before one of them seals with the new key.
func prepared(former, next string) twofold.Key { return twofold.KeyText(next, former) }

// rotated is the key of all nodes afterwards: the last one seals and signs.
func rotated(former, next string) twofold.Key { return twofold.KeyText(former, next) }

// stillNeeded counts the second factors that the new key alone does not open. Run it on
// a copy of the database.
func stillNeeded(ctx context.Context, db store.Store, next string) (n int, err error) {
	auth, err := twofold.New(twofold.Config{
		Origin: "https://example.org", Key: twofold.KeyText(next), Store: db,
	})
	if err != nil {
		return 0, err
	}
	missing, err := auth.Checks().MissingKeys(ctx)
	for _, count := range missing {
		n += count
	}
	return n, err
}

func TestSecondFactorsGoOverToTheNewKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.db")
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	former, next := twofold.NewKey(), twofold.NewKey()
	first := twofoldtest.New(t, twofold.Config{Store: db, Key: twofold.KeyText(former)})
	first.Serve(http.NotFoundHandler())
	before := first.LoginAs("ada@example.org", 2)
	copied := func() store.Store {
		t.Helper()
		to := filepath.Join(t.TempDir(), "copy.db")
		if err := sqlite.Backup(t.Context(), file, to); err != nil {
			t.Fatal(err)
		}
		c, err := sqlite.Open(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for _, key := range []twofold.Key{prepared(former, next), rotated(former, next)} {
		if n, err := stillNeeded(t.Context(), copied(), next); err != nil || n != 1 {
			t.Errorf("before: %d, %v", n, err)
		}
		k := twofoldtest.New(t, twofold.Config{Store: db, Key: key})
		k.Serve(k.Auth.RequireTwoFactor(hello))
		b := k.NewBrowser()
		for name, value := range before.Cookies() {
			b.Plant(name, value)
		}
		if a := b.Get("/"); a.Status != http.StatusOK {
			t.Errorf("a session of before: %d %s", a.Status, a.Body)
		}
		b = k.NewBrowser()
		b.Post("/login", map[string]any{"email": "ada@example.org", "password": twofoldtest.Password})
		code := first.Code("ada@example.org")
		k.Clock.Move(first.Clock.Now().Sub(k.Clock.Now()))
		if a := b.Post("/tf-validate", map[string]any{"code": code}); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if report, err := k.Auth.Audit().Verify(t.Context(), ""); err != nil || len(report.Problems) != 0 {
			t.Errorf("%v, %v", report.Problems, err)
		}
	}
	if n, err := stillNeeded(t.Context(), copied(), next); err != nil || n != 0 {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}
