package password

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// crowd is a queue for a slot that is held for a second each, with a record of served and refused
// callers.
type crowd struct {
	t      *testing.T
	s      *slots
	served []string
	busy   atomic.Int64
}

// full takes the slot and returns the time for which it is held. leave frees it.
func full(t *testing.T, wait time.Duration) (c *crowd, leave func()) {
	c = &crowd{t: t, s: newSlots(1, wait)}
	c.s.held.Store(int64(time.Second))
	l, err := c.s.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, l.leave
}

// comes starts a caller with these shares, and returns when it waits.
func (c *crowd) comes(who string, shares ...string) {
	ctx := c.t.Context()
	if len(shares) > 0 {
		ctx = Reserve(ctx, shares...)
	}
	go func() {
		l, err := c.s.take(ctx)
		if err != nil {
			c.busy.Add(1)
			return
		}
		c.served = append(c.served, who)
		time.Sleep(time.Second)
		l.leave()
	}()
	synctest.Wait()
}

// TestAFloodDoesNotBlockACallerWithAShare fills the queue of strangers. A caller with a share of the
// other queue is served next. The two queues alternate, so strangers are served too.
func TestAFloodDoesNotBlockACallerWithAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, leave := full(t, 10*time.Second)
		for range 50 {
			c.comes("stranger")
		}
		if _, waiting := c.s.load(); waiting != 10 || c.busy.Load() != 40 {
			t.Fatalf("%d strangers wait and %d were refused, want 10 and 40", waiting, c.busy.Load())
		}
		c.comes("stranger")
		c.comes("ann", "account 1", "network 1")
		c.comes("bob", "account 2", "network 1")
		c.comes("cyd", "account 3", "network 2")
		for n := range 3 { // with a stranger before each, the sixth would wait 12 seconds
			c.comes("other", "account 1"+strconv.Itoa(n))
		}
		if n := c.busy.Load(); n != 42 {
			t.Fatalf("%d were refused, want the strangers and the sixth of the others", n)
		}
		leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		for n, who := range map[int]string{0: "stranger", 1: "ann", 2: "stranger", 3: "bob", 4: "stranger", 5: "cyd"} {
			if len(c.served) <= n || c.served[n] != who {
				t.Fatalf("served were %v", c.served)
			}
		}
		if taken, waiting := c.s.load(); taken != 0 || waiting != 0 || len(c.s.shares) != 0 {
			t.Errorf("%d slots are taken, %d wait, shares %v", taken, waiting, c.s.shares)
		}
	})
}

// TestAShareIsSmall checks that the holder of a share cannot fill the queue of other holders; the
// rest of its calls wait among strangers.
func TestAShareIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, leave := full(t, 100*time.Second)
		for range 50 {
			c.comes("greedy", "account 1", "network 1")
		}
		for n := range 20 { // other accounts of the same network
			c.comes("greedy", "account 1"+strconv.Itoa(n), "network 1")
		}
		if n := len(c.s.queues[reserved]); n != perShare {
			t.Errorf("%d wait in the reserved queue, want %d", n, perShare)
		}
		c.comes("ann", "account 2", "network 2")
		leave()
		time.Sleep(time.Hour)
		synctest.Wait()
		for n, who := range c.served {
			if who == "ann" && n > 2*perShare+1 {
				t.Errorf("ann was served as number %d", n+1)
			}
		}
		if len(c.served) != 71 || len(c.s.shares) != 0 {
			t.Errorf("%d were served, want 71; shares %v", len(c.served), c.s.shares)
		}
	})
}

// TestACallerThatGivesUpReleasesItsSlot checks that a caller that gives up releases its place, its share, and a
// slot that it got at the last moment.
func TestACallerThatGivesUpReleasesItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, leave := full(t, 2*time.Second)
		ctx, cancel := context.WithCancel(Reserve(t.Context(), "account 1"))
		done := make(chan error, 1)
		go func() { _, err := c.s.take(ctx); done <- err }()
		synctest.Wait()
		if c.s.shares["account 1"] != 1 {
			t.Fatalf("shares %v", c.s.shares)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		c.comes("late", "account 1")
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.busy.Load() != 1 || len(c.s.shares) != 0 {
			t.Errorf("%d gave up; shares %v", c.busy.Load(), c.s.shares)
		}
		c.s.held.Store(int64(time.Hour))
		c.comes("refused", "account 1")
		if c.busy.Load() != 2 || len(c.s.shares) != 0 {
			t.Errorf("%d were refused; shares %v", c.busy.Load(), c.s.shares)
		}
		leave()
		if taken, waiting := c.s.load(); taken != 0 || waiting != 0 {
			t.Errorf("%d slots are taken and %d wait", taken, waiting)
		}
	})
}
