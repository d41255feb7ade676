package howto_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// leaving lets people download what is kept about them, and delete their account.
func leaving(orders *sql.DB) twofold.Config {
	return twofold.Config{
		Pages: twofold.Pages{AccountPage: true},
		Accounts: twofold.Accounts{
			Exportable:   true,
			Deletable:    true,
			DeletionWait: 14 * 24 * time.Hour,
		},
		Advanced: twofold.Advanced{
			OnEvent: func(ctx context.Context, e event.Event) {
				if gone, ok := e.(event.UserDeleted); ok {
					_ = forget(ctx, orders, gone.User.ID)
				}
			},
		},
	}
}

// forget deletes what the application itself keeps of a user.
func forget(ctx context.Context, orders *sql.DB, user string) error {
	_, err := orders.ExecContext(ctx, `DELETE FROM orders WHERE customer = $1`, user)
	return err
}

func ordersOf(t *testing.T, user string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err = db.Exec(`CREATE TABLE orders (customer TEXT)`); err == nil {
		_, err = db.Exec(`INSERT INTO orders VALUES ($1)`, user)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAnAccountIsDownloadedAndDeleted(t *testing.T) {
	orders := ordersOf(t, "")
	k := twofoldtest.New(t, leaving(orders))
	k.Serve(http.NotFoundHandler())
	ada := k.LoginAs("ada@example.org", 2)
	id := k.User("ada@example.org").ID
	if _, err := orders.Exec(`UPDATE orders SET customer = $1`, id); err != nil {
		t.Fatal(err)
	}
	data, err := k.Auth.Export(t.Context(), id)
	if err != nil || !strings.Contains(string(data), "ada@example.org") || strings.Contains(string(data), "argon2") {
		t.Errorf("%v: %s", err, data)
	}
	if a := ada.Get("/tf-export"); a.Status != http.StatusOK || !strings.Contains(a.Body, "ada@example.org") {
		t.Errorf("the download: %d %s", a.Status, a.Body)
	}
	if a := ada.Post("/tf-delete", nil); a.Status != http.StatusOK || a.Response["delete_at"] == nil {
		t.Fatalf("the request: %d %s", a.Status, a.Body)
	}
	if a := ada.Get("/tf-export"); a.Status != http.StatusUnauthorized {
		t.Errorf("after the request the browser gets %d", a.Status)
	}
	stop := mailed(t, k, "ada@example.org", "/tf-delete")
	if a := k.NewBrowser().Post(stop, nil); a.Status != http.StatusOK {
		t.Errorf("stopping it: %d %s", a.Status, a.Body)
	}

	if err := k.Auth.DeleteUser(event.WithActor(t.Context(), "Support (Bo)", "ticket 4711"), id); err != nil {
		t.Fatal(err)
	}
	var left int
	err = orders.QueryRow(`SELECT count(*) FROM orders WHERE customer = $1`, id).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d orders are left, %v", left, err)
	}
	if _, err := k.Auth.FindUser(t.Context(), "ada@example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if report, err := k.Auth.Audit().Verify(t.Context(), ""); err != nil || len(report.Problems) != 0 {
		t.Errorf("the audit trail: %v, %v", report.Problems, err)
	}
}
