package explore

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Result is the result of a search of one world.
type Result struct {
	World   *World
	States  int
	Actions int
	Depth   int
	Cut     bool // there are more states than the limit
	Took    time.Duration
	Stories []Story
}

func (r Result) String() string {
	out := fmt.Sprintf("%-70s %8d states %9d actions, depth %2d, %5.1f s",
		r.World.Name, r.States, r.Actions, r.Depth, r.Took.Seconds())
	if r.Cut {
		out += ", not all"
	}
	for _, s := range r.Stories {
		out += "\n  broken: " + s.String()
	}
	return out
}

// Story is the shortest way to a broken promise.
type Story struct {
	Promise string
	Steps   []string
	End     string
}

func (s Story) String() string {
	return s.Promise + "\n    " + strings.Join(s.Steps, "\n    ") + "\n  then: " + s.End
}

// search is the state of one breadth-first search.
type search struct {
	m    *World
	seen visited
	from []uint32 // the state before, on a shortest way
	told map[string]bool
	// steps has, for each state, the target and the actor of each action in view.
	// first[i] is the index of the first step of state i.
	steps []step
	first []int
	// until is the promise whose first story ends the search; empty: none.
	until string
	// accounts is for crowds.
	accounts map[uint64]*account
	Result
}

// All explores the given worlds, several at a time. In each it visits the nearest states, up to a maximum.
func All(asked func(i int, m *World) bool, most int) <-chan Result {
	todo, done := make(chan *World), make(chan Result)
	var busy sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for m := range todo {
				done <- Explore(m, most)
			}
		})
	}
	go func() {
		for i, m := range worlds() {
			if asked(i, m) {
				todo <- m
			}
		}
		close(todo)
		busy.Wait()
		close(done)
	}()
	return done
}

func begin(m *World) *search {
	return &search{m: m, told: map[string]bool{}, accounts: map[uint64]*account{}, Result: Result{World: m}}
}

// Explore visits every state that can be reached in a world, nearest first. If there are more than most, it
// stops there, and does not check what stays possible.
func Explore(m *World, most int) Result { return begin(m).explore(most) }

func (x *search) explore(most int) Result {
	start, m := time.Now(), x.m
	x.all(most)
	for _, w := range possible {
		if !x.Cut {
			x.stays(w)
		}
	}
	if m.Crowd && len(x.Stories) > 0 {
		x.retell()
	}
	x.Result.States, x.Took = x.seen.n, time.Since(start)
	return x.Result
}

// all visits the states, nearest first.
func (x *search) all(most int) {
	x.add(0, packed{}, &State{})
	for i, next := 0, 1; i < x.seen.n; i++ {
		if x.seen.n > most || x.told[x.until] {
			x.Cut = true
			break
		}
		if i == next { // all states of one depth were visited
			next = x.seen.n
			x.Depth++
		}
		x.visit(i)
	}
}

// retell explores the nearest states with two browsers each, to find shorter stories in which everything is in
// view.
func (x *search) retell() {
	m := *x.m
	m.Crowd = false
	two := begin(&m)
	for most := 1000; most <= enough && len(two.Stories) < len(x.Stories); most *= 4 {
		two = begin(&m)
		two.all(most)
	}
	for _, better := range two.Stories {
		for i := range x.Stories {
			if x.Stories[i].Promise == better.Promise {
				x.Stories[i] = better
			}
		}
	}
}

// enough is the number of states after which every short counterexample has most likely been found.
const enough = 300_000

// step is the number of a state and the actor that leads to it.
type step uint32

const stepBits = 29

func (s step) to() int { return int(s & (1<<stepBits - 1)) }
func (s step) by() By  { return By(s >> stepBits) }

// visit takes every action in one state.
func (x *search) visit(i int) {
	before := x.seen.state(i)
	x.first = append(x.first, len(x.steps))
	x.m.all(before, func(l Label, after State) {
		x.Actions++
		packed := after.pack()
		j := x.add(i, packed, &after)
		if j >= 1<<stepBits {
			panic("explore: too many states for a step")
		}
		if s := step(l.By)<<stepBits | step(j); i != j && !slices.Contains(x.steps[x.first[i]:], s) {
			x.steps = append(x.steps, s)
		}
		x.moved(l, i, j, &before, &after)
		if x.m.Crowd {
			x.learn(x.seen.at(i)[0], packed[0], &after, l)
		}
	})
	if x.m.Crowd {
		x.others(i)
	}
}

// moved checks the promises about actions.
func (x *search) moved(l Label, i, j int, before, after *State) {
	for _, p := range moves {
		if !x.told[p.Words] && p.Broken(x.m, l, before, after) {
			x.tell(p.Words, i, l.String(), j)
		}
	}
}

func (x *search) add(from int, p packed, s *State) int {
	i, fresh := x.seen.add(p)
	if fresh {
		x.from = append(x.from, uint32(from))
		for _, p := range promises {
			if !x.told[p.Words] && p.Broken(x.m, s) {
				x.tell(p.Words, i, "", i)
			}
		}
	}
	return i
}

// tell keeps the first story of a promise, which is a shortest one: the steps to a state, a last action if
// there is one, and the state after it.
func (x *search) tell(promise string, i int, last string, end int) {
	x.told[promise] = true
	story := Story{Promise: promise, End: x.seen.state(end).String()}
	if last != "" {
		story.Steps = []string{last}
	}
	for ; i > 0; i = int(x.from[i]) {
		story.Steps = append([]string{x.action(int(x.from[i]), i)}, story.Steps...)
	}
	x.Stories = append(x.Stories, story)
}

// action is an action that leads from one state to another.
func (x *search) action(from, to int) (out string) {
	want := x.seen.at(to)
	x.m.all(x.seen.state(from), func(l Label, s State) {
		if out == "" && s.pack() == want {
			out = l.String()
		}
	})
	for e, action := range x.account(x.seen.at(from)[0]).effects {
		if out == "" && e.on(x.seen.state(from)) == want {
			out = "In another browser: " + action
		}
	}
	return out
}

// stays marks every state from which the goal can be reached: those where it is
// reached, then those with an action into a marked one, until there are no more.
func (x *search) stays(w Possible) {
	good, far := make([]bool, x.seen.n), false
	for i := range good {
		s := x.seen.state(i)
		good[i] = w.Goal(x.m, &s)
		far = far || !good[i] && w.Asks(x.m, &s)
	}
	if !far {
		return
	}
	for more := true; more; {
		more = false
		for i := len(good) - 1; i >= 0; i-- {
			if !good[i] && x.leads(i, w, good) {
				good[i], more = true, true
			}
		}
	}
	for i := range good {
		if s := x.seen.state(i); !good[i] && w.Asks(x.m, &s) {
			x.tell(w.Words, i, "", i)
			return
		}
	}
}

// leads reports whether an action of one of the actors leads to a marked state.
func (x *search) leads(i int, w Possible, good []bool) bool {
	end := len(x.steps)
	if i+1 < len(x.first) {
		end = x.first[i+1]
	}
	for _, s := range x.steps[x.first[i]:end] {
		if good[s.to()] && w.By(s.by()) {
			return true
		}
	}
	return false
}
