package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/redis"
)

// A client that knows only one node fails once another node has the keys.
func TestANodeOfAClusterIsNotASingleServer(t *testing.T) {
	node := servers.NewRedis(t, "cluster-enabled yes", fmt.Sprint("cluster-port ", servers.Port(t)))
	c := client.NewClient(&client.Options{Addr: address(node)})
	defer c.Close()
	_, open := redis.Open(t.Context(), node.URL)
	_, use := redis.New(t.Context(), c, redis.Options{})
	for want, err := range map[string]error{
		"redis: cannot open the server: the server belongs to a cluster: " +
			"add another node of it to the address, as addr=host:port": open,
		"redis: cannot use the client: the server belongs to a cluster: use a *redis.ClusterClient": use,
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestOpenLeavesNoConnectionWhenItFails(t *testing.T) {
	server := servers.NewRedis(t, "maxmemory-policy allkeys-lru")
	if _, err := redis.Open(t.Context(), server.URL); err == nil || !strings.Contains(err.Error(), "set noeviction") {
		t.Fatal(err)
	}
	c := client.NewClient(&client.Options{Addr: address(server)})
	defer c.Close()
	within(t, "Open's connections are closed", func() bool {
		list, err := c.ClientList(t.Context()).Result()
		return err == nil && !strings.Contains(list, "name=twofold ")
	})
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for ctx, want := range map[context.Context]error{short: context.DeadlineExceeded, gone: context.Canceled} {
		_, err := redis.Open(ctx, "redis://"+silent.Addr().String())
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "before its context ended") {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// The store follows Sentinel to the new primary and deletes the data there.
func TestSentinelsReplicaTakesOver(t *testing.T) {
	primary := servers.NewRedis(t)
	_, port, _ := strings.Cut(address(primary), ":")
	servers.NewRedis(t, "replicaof 127.0.0.1 "+port)
	db := open(t, startSentinel(t, port)+"?master_name=main")
	put(t, db, "a")
	if _, err := db.Session(t.Context(), "a", now); err != nil {
		t.Fatal(err)
	}
	primary.Stop(t)
	within(t, "verbs work again", func() bool {
		_, err := db.Session(t.Context(), "a", now)
		switch {
		case err == nil:
			t.Fatal("the session is back")
		case !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrUnavailable):
			t.Fatal(err)
		}
		return errors.Is(err, storage.ErrNotFound)
	})
	put(t, db, "b")
	if _, err := db.Session(t.Context(), "b", now); err != nil {
		t.Error(err)
	}
}

// startSentinel starts a Sentinel with a quorum of one, and waits until it knows a replica.
func startSentinel(t *testing.T, primary string) (url string) {
	t.Helper()
	file, port := filepath.Join(t.TempDir(), "sentinel.conf"), servers.Port(t)
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\nsentinel monitor main 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n", port, primary)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "redis-server", file, "--sentinel")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // its context has ended
	c := client.NewSentinelClient(&client.Options{Addr: fmt.Sprint("127.0.0.1:", port)})
	defer c.Close()
	within(t, "Sentinel knows the replica", func() bool {
		list, err := c.Replicas(t.Context(), "main").Result()
		return err == nil && len(list) == 1 && list[0]["master-link-status"] == "ok"
	})
	return fmt.Sprintf("redis://127.0.0.1:%d/0", port)
}
