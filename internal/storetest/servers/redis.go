package servers

import (
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
)

var (
	ownRedis    = sync.OnceValues(startRedis)
	ownPrefixes atomic.Int64
)

// Redis returns the URL of an unused prefix on this program's server.
func Redis(t testing.TB) string {
	t.Helper()
	s, err := ownRedis()
	need(t, err)
	return fmt.Sprintf("%s?prefix=test%d:", s.URL, ownPrefixes.Add(1))
}

// NewRedis starts a server for this test alone. lines are added to its redis.conf.
func NewRedis(t testing.TB, lines ...string) *Server {
	t.Helper()
	s, err := redisWith(lines...)
	return own(t, s, err)
}

func startRedis() (*Server, error) { return redisWith() }

// redisWith starts a server that saves nothing unless lines say so.
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
	lines = append([]string{"bind 127.0.0.1", "port " + strconv.Itoa(port), "dir " + dir, `save ""`, "appendonly no"},
		lines...)
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
