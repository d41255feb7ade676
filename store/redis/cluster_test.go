package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/redis"
)

func address(s *servers.Server) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.URL, "redis://"), "/0")
}

// node is a server of a cluster.
type node struct {
	*servers.Server
	bus int // its port for other nodes
}

// newCluster starts three primaries, and replicas of the first one.
func newCluster(t *testing.T, replicas int) (nodes []node) {
	t.Helper()
	for range 3 + replicas {
		bus := servers.Port(t)
		nodes = append(nodes, node{servers.NewRedis(t, "cluster-enabled yes",
			fmt.Sprint("cluster-port ", bus), "cluster-node-timeout 60000"), bus})
	}
	for i, n := range nodes {
		n.join(t, nodes[0], i)
	}
	for i, n := range nodes {
		n.knows(t, len(nodes))
		if i >= 3 {
			n.follow(t)
		}
	}
	return nodes
}

// join adds a node to the cluster of the first one, and assigns it a third of the slots if it is
// one of three.
func (n node) join(t *testing.T, first node, i int) {
	t.Helper()
	c := client.NewClient(&client.Options{Addr: address(n.Server)})
	defer c.Close()
	const slots = 16384
	if i < 3 {
		if err := c.ClusterAddSlotsRange(t.Context(), i*slots/3, (i+1)*slots/3-1).Err(); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := strings.Cut(address(first.Server), ":")
	if err := c.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", port, first.bus).Err(); err != nil {
		t.Fatal(err)
	}
}

// knows waits until a node knows all others and all slots are served.
func (n node) knows(t *testing.T, nodes int) {
	t.Helper()
	c := client.NewClient(&client.Options{Addr: address(n.Server)})
	defer c.Close()
	within(t, "the nodes know each other", func() bool {
		info, err := c.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok") &&
			strings.Contains(info, fmt.Sprint("cluster_known_nodes:", nodes))
	})
}

// follow makes a node a replica of the node with the first slots.
func (n node) follow(t *testing.T) {
	t.Helper()
	c := client.NewClient(&client.Options{Addr: address(n.Server)})
	defer c.Close()
	list, err := c.ClusterNodes(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 8 && strings.HasPrefix(f[8], "0-") {
			if err := c.ClusterReplicate(t.Context(), f[0]).Err(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no node has the first slots")
}

// A replica may lack data when it takes over, so the store deletes everything.
func TestAReplicaThatTakesOverBringsNothingBack(t *testing.T) {
	ctx, nodes := t.Context(), newCluster(t, 1)
	primary, replica := nodes[0].Server, nodes[3].Server
	atReplica := client.NewClient(&client.Options{Addr: address(replica)})
	defer atReplica.Close()
	prefix := inFirstThird(t, atReplica)
	c := client.NewClusterClient(&client.ClusterOptions{
		Addrs:                      []string{address(primary), address(nodes[1].Server)},
		ClusterStateReloadInterval: time.Hour, // it learns of the new primary from us alone
	})
	defer c.Close()
	db, err := redis.New(ctx, c, redis.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a")
	if _, err := db.Session(ctx, "a", now); err != nil {
		t.Fatal(err)
	}
	within(t, "the replica has it", func() bool {
		info, err := atReplica.Info(ctx, "replication").Result()
		n, _ := atReplica.DBSize(ctx).Result()
		return err == nil && strings.Contains(info, "master_link_status:up") && n > 0
	})
	primary.Stop(t)
	within(t, "the replica takes over", func() bool {
		return atReplica.Do(ctx, "CLUSTER", "FAILOVER", "TAKEOVER").Err() == nil
	})
	if n, err := atReplica.Exists(ctx, "{"+prefix+"}:s:a").Result(); err != nil || n != 1 {
		t.Fatalf("the replica does not hold it, so this test shows nothing: %d %v", n, err)
	}
	within(t, "verbs work again", func() bool {
		_, err := db.Session(ctx, "a", now)
		if err == nil {
			t.Fatal("the session is back")
		}
		return errors.Is(err, storage.ErrNotFound)
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

// The application's own client is used unchanged and stays open.
func TestNewUsesTheClientOfTheApplication(t *testing.T) {
	server := servers.NewRedis(t)
	c := client.NewClient(&client.Options{Addr: address(server)})
	defer c.Close()
	db, err := redis.New(t.Context(), c, redis.Options{Prefix: "own:"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a")
	if n, err := c.Exists(t.Context(), "own:s:a").Result(); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	server.Stop(t)
	server.Start(t)
	if _, err := db.Session(t.Context(), "a", now); !errors.Is(err, storage.ErrNotFound) {
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
		"type *redis.Ring":    client.NewRing(&client.RingOptions{Addrs: map[string]string{"a": at[0]}}),
		"reads from replicas": client.NewClusterClient(&client.ClusterOptions{Addrs: at, RouteByLatency: true}),
		"client-side cache": client.NewClient(&client.Options{Addr: at[0], Protocol: 3,
			ClientSideCacheConfig: &client.ClientSideCacheConfig{}}),
	} {
		db, err := redis.New(t.Context(), c, redis.Options{})
		if err == nil {
			db.Close()
			t.Errorf("want an error with %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
		c.Close()
	}
}
