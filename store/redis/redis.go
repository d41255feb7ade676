package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	client "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	patience = 5 * time.Second // time limit of a method
	network  = 2 * time.Second // time limit for connecting, reading and writing
)

// DB stores records in Redis. It is safe for concurrent use.
type DB struct {
	link
	own    bool // Close closes the client
	closed atomic.Bool
}

var _ storage.VolatileKeeper = (*DB)(nil)

// Options configures New.
type Options struct {
	// Prefix begins every key. "twofold:" by default. Installations that share a server
	// differ in it, and no prefix begins with the prefix of another. It holds none of
	// *?[]\^, and in a cluster no braces.
	Prefix string
}

// Open connects to the server at address, before ctx ends: redis://user:password@host:6379/0,
// rediss:// for TLS or unix:///path. The parameter prefix sets Options.Prefix, addr=host:port adds
// a node of a cluster, and master_name is the name of the primary that the Sentinels at host and at
// each addr use.
func Open(ctx context.Context, address string) (*DB, error) {
	db, err := open(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("redis: cannot open the server: %w", err)
	}
	return db, nil
}

func open(ctx context.Context, address string) (*DB, error) {
	unclear := errors.New("invalid address: use the form redis://user:password@host:6379/0, or rediss:// for TLS")
	u, err := url.Parse(address)
	if err != nil {
		return nil, unclear
	}
	query := u.Query()
	prefix, nodes, primary := query.Get("prefix"), query["addr"], query.Get("master_name")
	for _, own := range []string{"prefix", "addr", "master_name"} {
		query.Del(own)
	}
	u.RawQuery = query.Encode()
	o, err := client.ParseURL(u.String())
	if err != nil {
		return nil, unclear
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	c := client.NewUniversalClient(&client.UniversalOptions{
		Addrs:      append([]string{o.Addr}, nodes...),
		MasterName: primary, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		ClientName: "twofold",
		MaxRetries: -1, // DB repeats commands itself
		// The client of a cluster needs several attempts to find the node that has a key.
		DialerRetries: 1, DialTimeout: network, ReadTimeout: network, WriteTimeout: network,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		PoolSize: o.PoolSize, MinIdleConns: o.MinIdleConns, Protocol: o.Protocol,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	db, err := newDB(ctx, c, Options{Prefix: prefix})
	if errors.Is(err, errCluster) {
		err = fmt.Errorf("%w: add another node of it to the address, as addr=host:port", err)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	db.own = true
	return db, nil
}

// New stores records with a client that the caller creates and closes: a
// *redis.Client, also one of Sentinel, or a *redis.ClusterClient. The client must not have
// been used before. It must not read from replicas or from a cache of its own. It may repeat a command
// whose answer was lost; the verb then fails, and grants nothing twice.
func New(ctx context.Context, c client.UniversalClient, o Options) (*DB, error) {
	db, err := newDB(ctx, c, o)
	if errors.Is(err, errCluster) {
		err = fmt.Errorf("%w: use a *redis.ClusterClient", err)
	}
	if err != nil {
		return nil, fmt.Errorf("redis: cannot use the client: %w", err)
	}
	return db, nil
}

func newDB(ctx context.Context, c client.UniversalClient, o Options) (*DB, error) {
	if strings.ContainsAny(o.Prefix, `*?[]\^`) { // it becomes a pattern
		return nil, errors.New(`the prefix may not hold any of *?[]\^`)
	}
	db := &DB{link: link{c: c, prefix: cmp.Or(o.Prefix, "twofold:"), checking: make(chan struct{}, 1)}}
	if err := db.watch(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := db.inspect(short); err != nil {
		if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
			select { // the connection timed out first
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		if ended := ctx.Err(); ended != nil {
			return nil, fmt.Errorf("it was not open before its context ended: %w", ended)
		}
		return nil, err
	}
	return db, nil
}

var errCluster = errors.New("the server belongs to a cluster")

// inspect returns an error if the server cannot give the guarantees.
func (db *DB) inspect(ctx context.Context) error {
	s, err := db.primary(ctx)
	if err != nil {
		return explain(err)
	}
	cluster, err := s.Info(ctx, "cluster").Result()
	if err != nil {
		return explain(err)
	}
	// A single node may have our keys today, and another node tomorrow.
	if _, knowsNodes := db.c.(*client.ClusterClient); !knowsNodes && field(cluster, "cluster_enabled") == "1" {
		return errCluster
	}
	memory, err := s.Info(ctx, "memory").Result()
	if err != nil {
		return explain(err)
	}
	if policy := field(memory, "maxmemory_policy"); strings.HasPrefix(policy, "allkeys-") {
		return errors.New("it evicts keys when memory is short (maxmemory-policy " + policy + "): set noeviction")
	}
	return db.Ping(ctx)
}

// field returns the value of a line of INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Ping implements store.Store.
func (db *DB) Ping(ctx context.Context) error {
	return db.write(ctx, "ping", func(ctx context.Context) error {
		return db.c.Set(ctx, db.prefix+"ping", "1", 0).Err()
	})
}

// Close closes the connections that Open made. Later calls of methods return ErrUnavailable.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	if !db.own {
		return nil
	}
	if err := db.c.Close(); err != nil {
		return errors.New("redis: close: " + text(err))
	}
	return nil
}
