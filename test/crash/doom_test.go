package crash_test

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"

	"github.com/twofold-auth/twofold/internal/storage"
)

// doom counts the calls of marked requests and kills the process at one of them.
type doom struct {
	mu    sync.Mutex
	n, at int
	after bool // after the call, not before; reads do not count then
}

// marked is the key of a context whose calls count.
type marked struct{}

// writes lists the methods that change something.
var writes = regexp.MustCompile(`^(Advance|Append|Change[A-Z]|Claim|Confirm|CountSignIn|Create|Delete|` +
	`Drop|End|Finish|Forget|Mark|Name|Prefer|Put|Rebind|Release|Replace|Reseal|Reserve|Retry|Revoke|Rotate|` +
	`Set|Shut|Spend|Take|Touch|Trim|Try|Upgrade|Use[A-Z])`)

// call runs before a call, and the function that it returns runs after it.
func (d *doom) call(ctx context.Context, verb string) func() {
	if ctx.Value(marked{}) == nil {
		return func() {}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.after && !writes.MatchString(verb) {
		return func() {}
	}
	d.n++
	if d.n != d.at {
		return func() {}
	}
	if !d.after {
		die("before " + verb)
	}
	return func() { die("after " + verb) }
}

// die kills the process with SIGKILL: nothing is flushed or closed.
func die(where string) {
	_, _ = os.Stdout.WriteString(where + "\n")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// mark lets requests request that their calls are counted, and starts the count.
func (d *doom) mark(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at := r.Header.Get("X-Crash-At"); at != "" {
			d.mu.Lock()
			d.n, d.after = 0, r.Header.Get("X-Crash-After") != ""
			d.at, _ = strconv.Atoi(at)
			d.mu.Unlock()
			return
		}
		if r.Header.Get("X-Crash") != "" {
			r = r.WithContext(context.WithValue(r.Context(), marked{}, true))
		}
		next.ServeHTTP(w, r)
	})
}

// alone is a store that only one process uses.
type alone struct {
	durable
	volatile
	storage.Keeper
	storage.Notifier
}

// shared is a store that notifies other processes of changes.
type shared struct {
	durable
	volatile
	storage.Keeper
	storage.Notifier
}

// joint is the argument of store.Join. It counts the parts separately, since a method of both makes
// two calls.
type (
	joint struct {
		durable
		storage.Keeper
	}
	fleeting struct {
		volatile
		storage.Keeper
		storage.Notifier
	}
)
