package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
)

// TestConnectionsToAStandbyLeaveThePool: a failover leaves the pool full of
// connections to a server that only reads. The first write that finds out
// closes them, and is done on a new connection.
func TestConnectionsToAStandbyLeaveThePool(t *testing.T) {
	ctx, address := t.Context(), servers.Postgres(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("pool_max_conns", "12")
	u.RawQuery = q.Encode()
	db := open(t, u.String())
	users := make([]store.User, 12)
	for i := range users {
		users[i] = store.User{ID: fmt.Sprint("u", i), Email: fmt.Sprint(i, "@x.t"), EmailKey: fmt.Sprint(i, "@x.t"), Active: true, Uniquifier: "q", CreatedAt: now, UpdatedAt: now}
	}
	// Every connection of the pool becomes one to a standby: a role that only
	// reads is what such a session looks like from here.
	beside := raw(t, address)
	var role string
	if err := beside.QueryRow(`SELECT current_user`).Scan(&role); err != nil {
		t.Fatal(err)
	}
	mustExec(t, beside, `ALTER ROLE `+pgx.Identifier{role}.Sanitize()+` IN DATABASE `+pgx.Identifier{strings.Trim(u.Path, "/")}.Sanitize()+` SET default_transaction_read_only = on`)
	standby, err := postgres.OpenAsIs(ctx, u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	var all sync.WaitGroup
	for range 24 { // as many connections as the pool holds
		all.Go(func() { _, _ = standby.UserByID(ctx, "nobody") })
	}
	all.Wait()
	if err := standby.CreateUser(ctx, users[0]); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("a server that only reads: %v, want unavailable", err)
	}
	for range 24 {
		all.Go(func() { _, _ = standby.UserByID(ctx, "nobody") })
	}
	all.Wait()
	mustExec(t, beside, `ALTER ROLE `+pgx.Identifier{role}.Sanitize()+` IN DATABASE `+pgx.Identifier{strings.Trim(u.Path, "/")}.Sanitize()+` RESET default_transaction_read_only`)
	for i, u := range users {
		if err := standby.CreateUser(ctx, u); err != nil {
			t.Fatalf("write %d after the failover: %v", i, err)
		}
	}
	if _, err := db.UserByID(ctx, "u0"); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownParameterOfTheAddressIsNamed(t *testing.T) {
	address := servers.Postgres(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("serverVersion", "15")
	u.RawQuery = q.Encode()
	if _, err := postgres.Open(t.Context(), u.String()); err == nil || !strings.Contains(err.Error(), "serverVersion") {
		t.Errorf("got %v, want the parameter's name", err)
	}
}
