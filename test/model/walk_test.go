package model_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// length is the number of steps of one walk, after which the next starts with a new database. It is
// long enough to reach every budget and short enough to be reduced.
const length = 500

// TestWalk verifies R17: no sequence of operations grants access that the model forbids.
func TestWalk(t *testing.T) {
	everyday := map[bool]string{true: "20000", false: "2000"}[os.Getenv("CI") == "true"]
	total, err := strconv.Atoi(cmp.Or(os.Getenv("TWOFOLD_WALK"), everyday))
	if err != nil {
		t.Fatalf("TWOFOLD_WALK: %v", err)
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TWOFOLD_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("TWOFOLD_SEED: %v", err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // hashing leaves much behind
	t.Logf("%d steps, TWOFOLD_SEED=%d", total, seed)
	var begun, walked atomic.Int64
	var failed atomic.Bool
	var walkers sync.WaitGroup
	parallel := 2 * runtime.GOMAXPROCS(0) // one of two waits for the disk
	tally := make(chan map[string]int, parallel)
	all := newSites(t)
	start := time.Now()
	for range parallel {
		walkers.Go(func() {
			counts := map[string]int{}
			defer func() { tally <- counts }()
			for !failed.Load() {
				i := begun.Add(1) - 1
				if int(i)*length >= total {
					return
				}
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				steps, err := walk(all, r, i%2 == 1, min(length, total-int(i)*length), counts)
				walked.Add(int64(len(steps)))
				if err != nil && !failed.Swap(true) {
					report(t, all, seed, i%2 == 1, steps, err)
				}
			}
		})
	}
	walkers.Wait()
	close(tally)
	sum := map[string]int{}
	for counts := range tally {
		for what, n := range counts {
			sum[what] += n
		}
	}
	took := time.Since(start)
	speed := float64(walked.Load()) / took.Seconds()
	t.Logf("%d steps in %v, %.0f a second; opened %v", walked.Load(), took.Round(time.Millisecond), speed, sum)
	// A walk that achieves nothing proves nothing.
	wanted := []string{"one factor", "two factors", "fresh", "pending", "explained rows"}
	if total >= 100_000 {
		wanted = append(wanted, "trusted", "unproven", "proof awaited", "noted", "proven at last",
			"readdressed", "double click", "passkey of a sign-in", "invite", "revoke invitation", "delete",
			"deleted on the day", "in parallel", "no connection before the proof", "a second factor after the site",
			"an address that is not verified", "an address that is taken", "a connection dropped",
			"await", "arrived", "a claim of an account that is here", "a claim of an account that waits",
			"another name of an account that waits")
		wanted = append(wanted, slices.Collect(maps.Keys(asks))...)
	}
	for _, what := range wanted {
		if !t.Failed() && total >= 2000 && sum[what] == 0 {
			t.Errorf("none of %d steps ended with %q anywhere", total, what)
		}
	}
}

// walk runs a walk in a new world and returns its steps.
func walk(all *sites, r *rand.Rand, open bool, n int, counts map[string]int) ([]step, error) {
	w, err := newWorld(all, open)
	if w != nil {
		defer w.close()
	}
	if err != nil {
		return nil, err
	}
	var steps []step
	w.guesser = r.IntN(4) == 0
	for range n {
		s := w.pick(r)
		steps = append(steps, s)
		if err := w.take(s); err != nil {
			return steps, err
		}
		w.count(counts)
	}
	if err := w.explained(counts); err != nil {
		return steps, err
	}
	for what, n := range w.done {
		counts[what] += n
	}
	counts["proven at last"] += w.shown
	counts["a connection dropped"] += w.dropped
	return steps, nil
}

// count records the states that the browsers have reached.
func (w *world) count(counts map[string]int) {
	for _, b := range w.browsers {
		s := w.peek(b[sessionCookie], false)
		for what, on := range map[string]bool{
			"one factor": s != nil && s.level == 1 && !s.trusted, "two factors": s != nil && s.level == 2,
			"unproven": s != nil && s.of.unproven, "proof awaited": w.owes(b, s), "noted": len(w.users(b)) > 0,
			"trusted": s != nil && s.trusted, "fresh": s != nil &&
				w.fresh(s, freshForPage), "pending": w.waiting(b[pendingCookie], s) != nil,
		} {
			if on {
				counts[what]++
			}
		}
	}
}

// owes reports whether a browser was asked to prove the address.
func (w *world) owes(b browser, s *session) bool {
	p := w.waiting(b[pendingCookie], s)
	return p != nil && p.state == "owner"
}

// users returns the users in a browser's cookie.
func (w *world) users(b browser) []noted {
	if n := w.notes[b[knownCookie]]; n != nil {
		return n.users
	}
	return nil
}

// again runs the given steps in a new world.
func again(all *sites, open bool, steps []step) error {
	w, err := newWorld(all, open)
	if w != nil {
		defer w.close()
	}
	if err != nil {
		return nil
	}
	for _, s := range steps {
		if err := w.take(s); err != nil {
			return err
		}
	}
	return w.explained(nil)
}

// report reduces a failing walk to the steps that matter and prints them.
func report(t *testing.T, all *sites, seed uint64, open bool, steps []step, err error) {
	var b *broken
	if !errors.As(err, &b) {
		t.Errorf("TWOFOLD_SEED=%d: %v", seed, err)
		return
	}
	found := b.text
	t.Logf("found in %d steps, which are cut down now: %s", len(steps), found)
	deadline := time.Now().Add(90 * time.Second)
	for size := len(steps) / 2; size > 0 && time.Now().Before(deadline); {
		cut := false
		for from := len(steps) - 1 - size; from >= 0 && time.Now().Before(deadline); from -= size {
			fewer := append(append([]step{}, steps[:from]...), steps[from+size:]...)
			if err := again(all, open, fewer); errors.As(err, &b) {
				steps, found, cut = fewer, b.text, true
				from = min(from, len(steps)-1)
			}
		}
		if !cut || size > 1 {
			size /= 2
		}
	}
	var list strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&list, "%3d. %v\n", i+1, s)
	}
	t.Errorf("TWOFOLD_SEED=%d: after these %d steps: %s\n%s", seed, len(steps), found, list.String())
}
