package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	client "github.com/redis/go-redis/v9"
)

// See "Restarts" in the documentation of the package. A hook counts the connections that are made
// to each server. The answer of a method is used only if no connection was made since its server
// was checked, or if a new check finds the same run of that server as before the method.

// server is the only server of a client, or a node of a cluster.
type server struct {
	*client.Client
	made atomic.Int64 // number of connections made
}

// known describes the server that was checked last: its run, and the number of connections made to
// it at that time.
type known struct {
	at   *server
	run  string
	made int64
}

// attempt is stored in the context of a method call.
type attempt struct {
	at  atomic.Pointer[server] // the server that answered, set by a hook
	run string                 // expected run of the data
}

type attemptKey struct{}

// DialHook implements client.Hook.
func (s *server) DialHook(next client.DialHook) client.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := next(ctx, network, address)
		if err == nil {
			s.made.Add(1)
		}
		return c, err
	}
}

// ProcessHook implements client.Hook.
func (s *server) ProcessHook(next client.ProcessHook) client.ProcessHook {
	return func(ctx context.Context, cmd client.Cmder) error {
		s.answers(ctx)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements client.Hook.
func (s *server) ProcessPipelineHook(next client.ProcessPipelineHook) client.ProcessPipelineHook {
	return func(ctx context.Context, list []client.Cmder) error {
		s.answers(ctx)
		return next(ctx, list)
	}
}

func (s *server) answers(ctx context.Context) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		a.at.Store(s)
	}
}

// link is the client and the state of the server that has our keys.
type link struct {
	c        client.UniversalClient
	prefix   string
	known    atomic.Pointer[known]
	checking chan struct{} // contains one value while a server is checked
}

// watch adds the hook to the client.
func (l *link) watch() error {
	switch c := l.c.(type) {
	case *client.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			return errors.New("it uses a client-side cache: set ClientSideCacheConfig to nil")
		}
		c.AddHook(&server{Client: c})
		return nil
	case *client.ClusterClient:
		o := c.Options()
		if o.ReadOnly {
			return errors.New("it reads from replicas, which learn late that a session has ended: " +
				"set ReadOnly, RouteByLatency and RouteRandomly to false")
		}
		if strings.ContainsAny(l.prefix, "{}") {
			return errors.New("in a cluster the prefix must not contain braces")
		}
		// A method is one script, and a script can use only the keys of one slot.
		l.prefix = "{" + strings.TrimSuffix(l.prefix, ":") + "}:"
		c.OnNewNode(func(node *client.Client) { node.AddHook(&server{Client: node}) })
		return nil
	}
	return fmt.Errorf("unsupported type %T: use a *redis.Client or a *redis.ClusterClient", l.c)
}

// primary returns the server that has our keys.
func (l *link) primary(ctx context.Context) (*client.Client, error) {
	if c, ok := l.c.(*client.ClusterClient); ok {
		return c.MasterForKey(ctx, l.runKey())
	}
	return l.c.(*client.Client), nil // see watch
}

func (l *link) runKey() string { return l.prefix + "run" }

// script runs a script on the server that has our keys. Its first argument is the prefix and its
// last the expected run of the data. The context must come from checked.
func (l *link) script(ctx context.Context, s *client.Script, args ...any) *client.Cmd {
	all := append(append([]any{l.prefix}, args...), ctx.Value(attemptKey{}).(*attempt).run)
	return s.Run(ctx, l.c, []string{l.runKey()}, all...)
}

// ofRun is the beginning of every script. The script does nothing if the data belongs to another
// run. Otherwise the script could run after another node deleted the old data. Its effect would then
// remain when the method is repeated.
const ofRun = `
	if redis.call('GET', KEYS[1]) ~= ARGV[#ARGV] then return redis.error_reply('RUN is another') end`

func ofAnotherRun(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "RUN ") }

var (
	errNoRun     = errors.New("it does not report its run ID, so a restart could not be detected")
	errInUse     = errors.New("the client was used before, so a restart could not be detected")
	errRestarted = errors.New("the server restarted or was replaced during the call")
)

// checked runs a method once. If it returns errRestarted, the effect of the method has been
// deleted.
func (l *link) checked(ctx context.Context, verb func(context.Context) error) error {
	before, now := l.known.Load(), &attempt{}
	if before != nil {
		now.run = before.run
	}
	err := verb(context.WithValue(ctx, attemptKey{}, now))
	at := now.at.Load()
	if err != nil && (notSent(err) || broken(err) || ctx.Err() != nil) {
		if c, ok := l.c.(*client.ClusterClient); ok {
			c.ReloadState(ctx) // another node may serve our slot now
		}
		return err // there is no answer
	}
	if at == nil {
		return cmp.Or(err, errInUse)
	}
	if ofAnotherRun(err) {
		l.known.CompareAndSwap(before, &known{}) // force a check
	}
	k, failed := l.check(ctx, at)
	switch {
	case failed != nil:
		return failed
	case before != nil && k.run != before.run, ofAnotherRun(err):
		return errRestarted
	}
	return err
}

// check compares the run of a server with the run under which the data was written, unless it has
// done so since the newest connection was made. If they differ, it deletes all data.
func (l *link) check(ctx context.Context, at *server) (*known, error) {
	if k := l.known.Load(); k != nil && k.at == at && k.made == at.made.Load() {
		return k, nil
	}
	select {
	case l.checking <- struct{}{}:
		defer func() { <-l.checking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	made := at.made.Load() // read this before INFO, which may use a new connection
	if k := l.known.Load(); k != nil && k.at == at && k.made == made {
		return k, nil
	}
	info, err := at.Info(ctx, "server").Result()
	if err != nil {
		return nil, err
	}
	k := &known{at: at, run: field(info, "run_id"), made: made}
	if k.run == "" {
		return nil, errNoRun
	}
	if err := wipe.Run(ctx, at.Client, []string{l.runKey()}, l.prefix, k.run).Err(); err != nil {
		return nil, err
	}
	l.known.Store(k)
	return k, nil
}

// wipe deletes everything under the prefix unless the run is the same.
var wipe = client.NewScript(`
	if redis.call('GET', KEYS[1]) == ARGV[2] then return 0 end
	local cursor = '0'
	repeat
		local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
		cursor = page[1]
		for _, key in ipairs(page[2]) do redis.call('UNLINK', key) end
	until cursor == '0'
	redis.call('SET', KEYS[1], ARGV[2])
	return 1`)
