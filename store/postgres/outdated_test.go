package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// TestConnectionsToAStandbyLeaveThePool covers a failover that leaves the pool full of connections
// to a read-only server. The first write that fails closes them and is retried on a new connection.
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
	users := make([]storage.User, 12)
	for i := range users {
		users[i] = storage.User{ID: fmt.Sprint("u", i), Email: fmt.Sprint(i, "@x.t"), EmailKey: fmt.Sprint(i, "@x.t"),
			Active: true, CredentialVersion: "q", CreatedAt: now, UpdatedAt: now}
	}
	// Every connection of the pool becomes read-only, which is how a session on a standby appears
	// to the store.
	direct := raw(t, address)
	var role string
	if err := direct.QueryRow(`SELECT current_user`).Scan(&role); err != nil {
		t.Fatal(err)
	}
	database := pgx.Identifier{strings.Trim(u.Path, "/")}.Sanitize()
	alter := `ALTER ROLE ` + pgx.Identifier{role}.Sanitize() + ` IN DATABASE ` + database
	pool := poolAt(t, address, nil)
	ofPool := on(t, pool)
	mustExec(t, direct, alter+` SET default_transaction_read_only = on`)
	pool.Reset()
	defer func() { mustExec(t, direct, alter+` RESET default_transaction_read_only`) }()
	standby, err := postgres.OpenAsIs(ctx, u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	nodes := map[string]*postgres.DB{"an address": standby, "a pool": ofPool}
	connect := func(node *postgres.DB) { // as many connections as the pool holds
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() { _, _ = node.UserByID(ctx, "nobody") })
		}
		all.Wait()
	}
	for name, node := range nodes {
		connect(node)
		if err := node.CreateUser(ctx, users[0]); !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("%s: a server that only reads: %v, want unavailable", name, err)
		}
		connect(node)
	}
	mustExec(t, direct, alter+` RESET default_transaction_read_only`)
	for name, node := range nodes {
		for i, u := range users {
			u.ID, u.EmailKey = u.ID+name, u.EmailKey+name
			if err := node.CreateUser(ctx, u); err != nil {
				t.Fatalf("%s: write %d after the failover: %v", name, i, err)
			}
		}
	}
	if _, err := db.UserByID(ctx, "u0a pool"); err != nil {
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

// A slow connection may have reached the old server before the failover was detected.
func TestAConnectionThatBeganBeforeAFailoverIsNotUsed(t *testing.T) {
	c, err := pgx.ParseConfig(servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, failover := range []bool{true, false} {
		if used, err := postgres.Reused(t.Context(), c, failover); err != nil || used == failover {
			t.Errorf("a failover while it connected: %v, used: %v, error: %v", failover, used, err)
		}
	}
}
