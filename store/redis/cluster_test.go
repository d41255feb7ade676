package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/redis"
)

func address(s *servers.Server) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.URL, "redis://"), "/0")
}

// What a replica lacks when it takes over cannot be known, so it keeps nothing.
func TestAReplicaThatTakesOverBringsNothingBack(t *testing.T) {
	ctx, nodes := t.Context(), servers.NewRedisCluster(t, 1)
	primary, replica := nodes[0], nodes[3]
	beside := client.NewClient(&client.Options{Addr: address(replica)})
	defer beside.Close()
	prefix := inFirstThird(t, beside)
	c := client.NewClusterClient(&client.ClusterOptions{Addrs: []string{address(primary), address(nodes[1])}})
	defer c.Close()
	db, err := redis.New(c, redis.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a")
	if _, err := db.Session(ctx, "a", now); err != nil {
		t.Fatal(err)
	}
	within(t, "the replica has it", func() bool {
		info, err := beside.Info(ctx, "replication").Result()
		n, _ := beside.DBSize(ctx).Result()
		return err == nil && strings.Contains(info, "master_link_status:up") && n > 0
	})
	primary.Stop(t)
	within(t, "the replica takes over", func() bool {
		return beside.Do(ctx, "CLUSTER", "FAILOVER", "TAKEOVER").Err() == nil
	})
	if n, err := beside.Exists(ctx, "{"+prefix+"}:s:a").Result(); err != nil || n != 1 {
		t.Fatalf("the replica does not hold it, so this test shows nothing: %d %v", n, err)
	}
	within(t, "verbs work again", func() bool {
		_, err := db.Session(ctx, "a", now)
		if err == nil {
			t.Fatal("the session is back")
		}
		return errors.Is(err, store.ErrNotFound)
	})
	put(t, db, "b")
	if _, err := db.Session(ctx, "b", now); err != nil {
		t.Error(err)
	}
}

// inFirstThird returns a prefix whose keys are on the first node.
func inFirstThird(t *testing.T, c *client.Client) string {
	for n := range 1000 {
		prefix := fmt.Sprint("place", n)
		slot, err := c.ClusterKeySlot(t.Context(), "{"+prefix+"}:run").Result()
		if err != nil {
			t.Fatal(err)
		}
		if slot < 16384/3 {
			return prefix
		}
	}
	t.Fatal("no prefix is there")
	return ""
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: not within a minute", what)
}

// The application's own client is used as it is, and is left open.
func TestNewUsesTheClientOfTheApplication(t *testing.T) {
	server := servers.NewRedis(t)
	c := client.NewClient(&client.Options{Addr: address(server)})
	defer c.Close()
	db, err := redis.New(c, redis.Options{Prefix: "own:"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a")
	if n, err := c.Exists(t.Context(), "own:s:a").Result(); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	server.Stop(t)
	server.Start(t)
	if _, err := db.Session(t.Context(), "a", now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after a restart: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the client was closed: %v", err)
	}
}

func TestNewRefusesAClientThatForgets(t *testing.T) {
	server := servers.NewRedis(t)
	at := []string{address(server)}
	for want, c := range map[string]client.UniversalClient{
		"is a *redis.Ring":    client.NewRing(&client.RingOptions{Addrs: map[string]string{"a": at[0]}}),
		"reads from replicas": client.NewClusterClient(&client.ClusterOptions{Addrs: at, RouteByLatency: true}),
		"from a cache": client.NewClient(&client.Options{Addr: at[0], Protocol: 3,
			ClientSideCacheConfig: &client.ClientSideCacheConfig{}}),
	} {
		db, err := redis.New(c, redis.Options{})
		if err == nil {
			db.Close()
			t.Errorf("want an error with %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
		c.Close()
	}
}
