package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// serve starts the program's own handler with its own settings. The kit has its own
// store, key and mail.
func serve(t *testing.T) (*twofoldtest.Kit, *pgxpool.Pool) {
	t.Helper()
	pool := database(t)
	k := twofoldtest.New(t, config(nil, customers{pool}))
	k.ServeAll(site(k.Auth, invoices{pool}))
	return k, pool
}

// database is the database of address, with new tables.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	run(t, pool, "DROP TABLE IF EXISTS invoices, customers;"+schema)
	return pool
}

func run(t *testing.T, pool *pgxpool.Pool, query string) {
	t.Helper()
	if _, err := pool.Exec(context.Background(), query); err != nil {
		t.Fatal(err)
	}
}

func TestACustomerWritesAndPaysAnInvoice(t *testing.T) {
	k, _ := serve(t)
	if a := k.NewBrowser().Get("/invoices"); a.Status != http.StatusUnauthorized {
		t.Fatalf("a stranger gets %d", a.Status)
	}
	b := k.LoginAs("ada@example.org", 2)
	if a := b.Post("/invoices", map[string]any{}); a.Status != http.StatusBadRequest {
		t.Errorf("an empty invoice: %d", a.Status)
	}
	a := b.Form("/invoices", url.Values{"subject": {"A chair"}, "cents": {"12950"}})
	if a.Status != http.StatusSeeOther {
		t.Fatalf("adding an invoice: %d %s", a.Status, a.Body)
	}
	if a := b.Page("/invoices"); !strings.Contains(a.Body, "A chair, 129.50, ada@example.org") {
		t.Errorf("the list: %d %s", a.Status, a.Body)
	}
	other := k.LoginAs("bob@example.org", 2)
	if a := other.Page("/invoices/1/pay"); a.Status != http.StatusNotFound {
		t.Errorf("another customer gets %d", a.Status)
	}
	k.Clock.Move(6 * time.Minute)
	if a := b.Form("/invoices/1/pay", nil); a.Status == http.StatusSeeOther && a.Header.Get("Location") == "/invoices" {
		t.Error("a payment six minutes after the sign-in needs no new proof")
	}
	b = k.LoginAs("ada@example.org", 2)
	if a := b.Form("/invoices/1/pay", nil); a.Status != http.StatusSeeOther {
		t.Errorf("paying: %d %s", a.Status, a.Body)
	}
	if a := b.Page("/invoices"); !strings.Contains(a.Body, "paid") {
		t.Errorf("the list: %d %s", a.Status, a.Body)
	}
}

func TestAProgramReadsInvoicesWithAToken(t *testing.T) {
	k, _ := serve(t)
	b := k.LoginAs("ada@example.org", 2)
	a := b.Post("/access-tokens", map[string]any{"name": "bookkeeping", "scopes": []string{"invoices"}})
	token, _ := a.Response["token"].(string)
	if token == "" {
		t.Fatalf("no token: %d %s", a.Status, a.Body)
	}
	for path, want := range map[string]int{"/api/invoices": http.StatusOK, "/invoices": http.StatusUnauthorized} {
		r, err := http.NewRequest(http.MethodGet, k.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s with a token: %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestAdministratorsSeeAllInvoices(t *testing.T) {
	k, pool := serve(t)
	ada := k.LoginAs("ada@example.org", 2)
	if a := ada.Get("/admin"); a.Status != http.StatusForbidden {
		t.Fatalf("a customer gets %d", a.Status)
	}
	run(t, pool, `UPDATE customers SET admin = true WHERE email = 'ada@example.org'`)
	end := time.Now().Add(20 * time.Second)
	for ada.Get("/admin").Status != http.StatusOK {
		if time.Now().After(end) {
			t.Fatal("the administrator is refused")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestThePagesAreOurs(t *testing.T) {
	k, _ := serve(t)
	req, err := http.NewRequest(http.MethodGet, k.URL+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Language", "fr")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Se connecter", "/tf-static/own/logo", "/tf-static/own/look"} {
		if !strings.Contains(string(page), text) {
			t.Errorf("the page lacks %s", text)
		}
	}
}

// TestNoSideDoor tries every way to sign in, from every unfinished state.
func TestNoSideDoor(t *testing.T) {
	pool := database(t)
	twofoldtest.NoSideDoor(t, config(nil, customers{pool}),
		func(auth *twofold.Auth) http.Handler { return site(auth, invoices{pool}) }, "/invoices")
}
