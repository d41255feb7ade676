package security_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// crowd creates people with an account each.
func (w *world) crowd(n int) []*person {
	w.T.Helper()
	people := make([]*person, n)
	for i := range people {
		people[i] = w.person(fmt.Sprintf("pupil%d", i))
	}
	return people
}

// arrive sends the correct passwords of all of them at once, from one address.
func (w *world) arrive(people []*person, answered func(*answer)) {
	testkit.Par(len(people), func(i int) { answered(w.signsIn(people[i].Email, secret)) })
}

// TestACrowdBehindOneAddress lets a thousand people behind one address send the correct password at
// once. No answer reports too many attempts, however long the queue is. If the queue is full, the
// answer says when to retry.
func TestACrowdBehindOneAddress(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.Password.Slots = 2 })
	var mu sync.Mutex
	statuses := map[int]int{}
	w.arrive(w.crowd(1000), func(a *answer) {
		mu.Lock()
		defer mu.Unlock()
		statuses[a.Status]++
		if a.Status == 503 && a.Header.Get("Retry-After") == "" {
			t.Error("busy, and the answer does not say when to come again")
		}
	})
	t.Log(statuses)
	others := maps.Clone(statuses)
	delete(others, 200)
	delete(others, 503)
	if len(others) > 0 || statuses[200] == 0 {
		t.Errorf("answers by status: %v, want 200, or 503 where the queue is too long", statuses)
	}
}

// TestAClosedBudgetIsToldWithoutWaiting checks that a guess over the budget is refused at once,
// while other passwords wait to be hashed.
func TestAClosedBudgetIsToldWithoutWaiting(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.Password.Slots = 1 })
	people, target := w.crowd(60), w.person("target")
	guess := func() int { return w.signsIn(target.Email, strings.Repeat("x", 1100)).Status } // not hashed
	for guess() != 429 {
	}
	load := func() twofold.Stats {
		l, err := w.Nodes[0].Auth.Stats(t.Context())
		w.Must(err)
		return l
	}
	// The whole crowd is in the queue before the guess is sent. If part of it still waits when the
	// answer comes, the guess was not queued.
	for range 10 {
		var mu sync.Mutex
		answered, done := 0, make(chan struct{})
		go func() {
			defer close(done)
			w.arrive(people, func(*answer) { mu.Lock(); answered++; mu.Unlock() })
		}()
		for arrived := 0; arrived < len(people); time.Sleep(time.Millisecond) {
			l := load()
			mu.Lock()
			arrived = answered + l.HashBusy + l.HashWaiting
			mu.Unlock()
		}
		status, waiting := guess(), load().HashWaiting
		<-done
		if status != 429 {
			t.Fatalf("a guess beyond the budget: %d, want 429", status)
		}
		if waiting > 0 {
			return
		}
	}
	t.Error("a guess beyond the budget was answered after all who waited, ten times")
}
