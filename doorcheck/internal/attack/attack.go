// Package attack contains the attacks. Each one runs only after the same action of an honest user
// succeeded, because a site that lets no one in also refuses every attack.
package attack

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// Outcome is the result of an attack.
type Outcome string

const (
	Refused    Outcome = "refused"
	Works      Outcome = "works"
	NotOffered Outcome = "not offered" // the site lacks the feature
	NotChecked Outcome = "not checked" // the honest use failed, or the site did not answer
)

// Attack is one row of the table.
type Attack struct {
	Name  string // for the command line
	Group string
	Title string // what the attacker does
	run   func(t *Try)
}

// Result is one cell of the table.
type Result struct {
	Attack  string        `json:"attack"`
	Outcome Outcome       `json:"outcome"`
	Detail  string        `json:"detail,omitempty"`
	Took    time.Duration `json:"took"`
}

// All returns the attacks in the order of the table.
func All() []Attack {
	return slices.Concat(replays(), sideDoors(), planted(), weaker(), sessions(), redirects(), budgets(), tells(),
		pages(), elsewhere(), newPasskeys(), passkeys(), trusts(), invitations())
}

// Run tries the attacks on a site, several at a time. Attacks that measure time run first and
// alone.
func Run(site *door.Site, list []Attack, parallel int, each func(Result)) []Result {
	results := make([]Result, len(list))
	lane := make(chan struct{}, parallel)
	var said sync.Mutex
	try := func(i int) {
		began := time.Now()
		r := one(site, list[i])
		r.Took = time.Since(began).Round(time.Millisecond)
		results[i] = r
		said.Lock()
		defer said.Unlock()
		each(r)
	}
	for i, a := range list {
		if a.Group == timing {
			try(i)
		}
	}
	var wg sync.WaitGroup
	for i, a := range list {
		if a.Group != timing {
			lane <- struct{}{}
			wg.Go(func() {
				defer func() { <-lane }()
				try(i)
			})
		}
	}
	wg.Wait()
	return results
}

// stop ends an attack from any depth of calls.
type stop Result

// one tries one attack.
func one(site *door.Site, a Attack) (r Result) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case stop:
			r = Result(v)
		default:
			r = Result{Outcome: NotChecked, Detail: fmt.Sprintf("%v at %s", v, debug.Stack())}
		}
		r.Attack = a.Name
	}()
	a.run(&Try{Site: site})
	return Result{Outcome: Refused}
}
