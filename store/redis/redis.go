package redis

import (
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

	"github.com/twofold-auth/twofold/store"
)

const (
	patience = 5 * time.Second // how long a verb may take
	network  = 2 * time.Second // to connect, to read, to write
)

// DB is an open server. It is safe for concurrent use.
type DB struct {
	c      *client.Client
	prefix string
	closed atomic.Bool
}

var _ store.VolatileKeeper = (*DB)(nil)

// Open connects to the server at address: redis://user:password@host:6379/0,
// rediss:// for TLS or unix:///path. The parameter prefix begins every key,
// "twofold:" if it is not given; installations that share a server differ in it.
func Open(address string) (*DB, error) {
	db, err := open(address)
	if err != nil {
		return nil, fmt.Errorf("redis: cannot open the server: %w", err)
	}
	return db, nil
}

func open(address string) (*DB, error) {
	unclear := errors.New("its address cannot be read: write redis://user:password@host:6379/0, or rediss:// for TLS")
	u, err := url.Parse(address)
	if err != nil {
		return nil, unclear
	}
	db := &DB{prefix: "twofold:"}
	query := u.Query()
	if p := query.Get("prefix"); p != "" {
		if strings.ContainsAny(p, `*?[]\^`) { // it becomes a pattern
			return nil, errors.New(`the prefix in its address may not hold any of *?[]\^`)
		}
		db.prefix = p
	}
	query.Del("prefix")
	u.RawQuery = query.Encode()
	o, err := client.ParseURL(u.String())
	if err != nil {
		return nil, unclear
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	o.ClientName = "twofold"
	o.MaxRetries = -1 // a write whose answer was lost must not be repeated; see try
	o.DialerRetries = 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = network, network, network
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.OnConnect = db.greet
	db.c = client.NewClient(o)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := db.inspect(ctx); err != nil {
		_ = db.c.Close()
		return nil, err
	}
	return db, nil
}

// inspect refuses a server that cannot keep the promises.
func (db *DB) inspect(ctx context.Context) error {
	memory, err := db.c.Info(ctx, "memory").Result()
	if err != nil {
		return explain(err)
	}
	if policy := field(memory, "maxmemory_policy"); strings.HasPrefix(policy, "allkeys-") {
		return errors.New("it evicts keys when memory is short (maxmemory-policy " + policy + "): set noeviction")
	}
	return db.Ping(ctx)
}

// field reads a line of INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// greet runs on every new connection before it is used: data that an earlier
// run of the server left behind is deleted. See "Nothing comes back".
func (db *DB) greet(ctx context.Context, c *client.Conn) error {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	run := field(info, "run_id")
	if run == "" {
		return errNoRun
	}
	was, err := c.Get(ctx, db.prefix+"run").Result()
	if err == nil && was == run {
		return nil
	}
	if err != nil && !errors.Is(err, client.Nil) {
		return err
	}
	return wipe.Run(ctx, c, nil, db.prefix, run).Err()
}

var errNoRun = errors.New("it does not tell its run id, so a restart would go unseen")

// wipe deletes everything under the prefix unless the run is the same.
var wipe = client.NewScript(`
	if redis.call('GET', ARGV[1] .. 'run') == ARGV[2] then return 0 end
	local cursor = '0'
	repeat
		local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
		cursor = page[1]
		for _, key in ipairs(page[2]) do redis.call('UNLINK', key) end
	until cursor == '0'
	redis.call('SET', ARGV[1] .. 'run', ARGV[2])
	return 1`)

// Ping implements store.Store.
func (db *DB) Ping(ctx context.Context) error {
	return db.write(ctx, "ping", func(ctx context.Context) error {
		return db.c.Set(ctx, db.prefix+"ping", "1", 0).Err()
	})
}

// Close releases the connections. Verbs that come later answer ErrUnavailable.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	if err := db.c.Close(); err != nil {
		return errors.New("redis: close: " + text(err))
	}
	return nil
}
