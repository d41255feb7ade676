package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	ownRedis    = sync.OnceValues(startRedis)
	ownPrefixes atomic.Int64
	ownCluster  = sync.OnceValues(func() ([]*Server, error) { return startCluster(0) })
)

// Redis returns the URL of an empty place in this program's server.
func Redis(t testing.TB) string {
	t.Helper()
	s, err := ownRedis()
	need(t, err)
	return fmt.Sprintf("%s?prefix=test%d:", s.URL, ownPrefixes.Add(1))
}

// NewRedis starts a server for this test alone; lines go into its redis.conf.
func NewRedis(t testing.TB, lines ...string) *Server {
	t.Helper()
	s, err := redisWith(lines...)
	return own(t, s, err)
}

// RedisCluster returns the URL of an empty place in this program's cluster of three.
func RedisCluster(t testing.TB) string {
	t.Helper()
	nodes, err := ownCluster()
	need(t, err)
	return fmt.Sprintf("%s?addr=%s&addr=%s&prefix=test%d:",
		nodes[0].URL, hostOf(nodes[1]), hostOf(nodes[2]), ownPrefixes.Add(1))
}

// NewRedisCluster starts a cluster for this test alone: three primaries, and replicas of
// the first one.
func NewRedisCluster(t testing.TB, replicas int) []*Server {
	t.Helper()
	nodes, err := startCluster(replicas)
	for _, s := range nodes {
		own(t, s, err)
	}
	need(t, err)
	return nodes
}

func hostOf(s *Server) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.URL, "redis://"), "/0")
}

// startCluster starts the nodes, gives the first three all slots and waits until every
// node knows that.
func startCluster(replicas int) (nodes []*Server, err error) {
	for range 3 + replicas {
		bus, err := freePort()
		if err != nil {
			return nodes, err
		}
		s, err := redisWith("cluster-enabled yes", "cluster-port "+strconv.Itoa(bus), "cluster-node-timeout 60000")
		if err != nil {
			return nodes, err
		}
		s.bus = bus
		nodes = append(nodes, s)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, s := range nodes {
		if err := joinCluster(ctx, s, nodes[0], i); err != nil {
			return nodes, err
		}
	}
	for i, s := range nodes {
		if err := s.clusterIs(ctx, len(nodes), i >= 3); err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}

// joinCluster makes a node known to the first one, and gives it a third of the slots if
// it is one of three.
func joinCluster(ctx context.Context, s, first *Server, i int) error {
	c := redis.NewClient(&redis.Options{Addr: hostOf(s)})
	defer c.Close()
	if i < 3 {
		const slots = 16384
		if err := c.ClusterAddSlotsRange(ctx, i*slots/3, (i+1)*slots/3-1).Err(); err != nil {
			return err
		}
	}
	_, port, _ := net.SplitHostPort(hostOf(first))
	return c.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", port, first.bus).Err()
}

// clusterIs waits until a node knows all others. It makes it a replica of the node with
// the first slots.
func (s *Server) clusterIs(ctx context.Context, nodes int, replica bool) error {
	c := redis.NewClient(&redis.Options{Addr: hostOf(s)})
	defer c.Close()
	for {
		info, err := c.ClusterInfo(ctx).Result()
		if err != nil {
			return err
		}
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", nodes)) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !replica {
		return nil
	}
	list, err := c.ClusterNodes(ctx).Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 8 && strings.HasPrefix(f[8], "0-") {
			return c.ClusterReplicate(ctx, f[0]).Err()
		}
	}
	return errors.New("no node has the first slots")
}

func startRedis() (*Server, error) { return redisWith() }

// redisWith runs one that saves nothing by itself.
func redisWith(lines ...string) (*Server, error) {
	program, err := find("redis-server", "/usr/bin")
	if err != nil {
		return nil, err
	}
	dir, err := folder(nil)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "redis.conf")
	lines = append([]string{"bind 127.0.0.1", "port " + strconv.Itoa(port), "dir " + dir, `save ""`, "appendonly no"}, lines...)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s := &Server{URL: "redis://" + address + "/0", dir: dir, signal: "TERM", command: []string{program, file}}
	s.ready = func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
	return s, s.start()
}
