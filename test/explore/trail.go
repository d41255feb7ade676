package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Explain reads the audit trail of one account, oldest row first, and looks for a run of the model in which the
// same happens in the same order. It keeps every state that the account and one of its browsers can be in.
// Actions of other browsers are known by their effects on the account, as in a crowd. For each row, Explain
// takes every action that would write it, from every state that it kept, and keeps the resulting states. If
// there are none, the product did what the model cannot do, and Explain returns an error that describes it.
//
// A trail does not say who acts, so one person has everything (World.Alone). It does not say how old a proof
// is, or that a browser was discarded: both are possible at any time. Rows about refusals and messages change
// nothing and are skipped.
func (m World) Explain(rows []storage.Event) error {
	m.Invites, m.SignsUp, m.Deletes = true, true, true
	m.Alone, m.Crowd, m.EveHas, m.EveCopiesASession = true, true, None, false
	r := &reader{World: &m, states: map[packed]bool{{}: true}, sets: map[Kind]int{}, open: map[string]bool{}}
	for i, row := range rows {
		if row.Result == "refused" {
			continue
		}
		before := slices.Collect(maps.Keys(r.states))
		r.wait(row.At)
		if r.read(row); r.unknown != "" {
			return fmt.Errorf("the model does not know %q: %s", r.unknown, told(row))
		}
		if len(r.states) == 0 {
			return unexplained(rows[:i+1], before)
		}
		r.count(row)
		r.invited = row.Name == "user-invitation-accepted"
	}
	return nil
}

type reader struct {
	*World
	states  map[packed]bool
	sets    map[Kind]int    // the maximum number of factors of each kind
	sites   int             // the maximum number of connections
	since   time.Time       // of the last reset, or request for a recovery
	entered Thing           // what a sign-in has just set up, whose session is the next row
	invited bool            // the row before created an account from an invitation
	removed bool            // the row before was that of a second factor that may be a passkey
	begun   Things          // the first factors of unfinished sign-ins, as Ann's things
	repairs bool            // one of these sign-ins may set up a factor in place of a lost one
	moves   bool            // an unused link changes the address
	leaves  bool            // the deletion was asked for
	open    map[string]bool // the sessions that can be alive, by their ids
	unknown string          // a row that the model does not know
}

// unexplained describes the row, the rows before it and the states of the model.
func unexplained(rows []storage.Event, before []packed) error {
	var b strings.Builder
	last := rows[len(rows)-1]
	fmt.Fprintf(&b, "no run of the model does this: %s\nafter:", told(last))
	for _, row := range rows[max(0, len(rows)-25) : len(rows)-1] {
		fmt.Fprintf(&b, "\n  %s", told(row))
	}
	fmt.Fprintf(&b, "\nThe account could be in %d states then, such as:", len(before))
	slices.SortFunc(before, func(a, c packed) int { return slices.Compare(c[:], a[:]) })
	for _, s := range before[:min(3, len(before))] {
		fmt.Fprintf(&b, "\n  %s", s.state())
	}
	return fmt.Errorf("%s", b.String())
}

func told(row storage.Event) string {
	what := strings.Join([]string{row.Name, row.Method, row.Result, row.Reason}, " ")
	return strings.TrimSpace(fmt.Sprintf("row %d, %s: %s", row.Row, row.At.Format("15:04:05"), what))
}

// count counts the sessions: if none can be valid, none is in view either.
func (r *reader) count(row storage.Event) {
	alive := func(p packed) bool {
		s := p.state()
		return s.Browsers[0].Session.alive()
	}
	switch row.Name {
	case "user-authenticated":
		r.open[row.Session] = true
	case "user-logged-out":
		if delete(r.open, row.Session); len(r.open) == 0 {
			maps.DeleteFunc(r.states, func(p packed, _ bool) bool { return alive(p) })
		}
	}
	for p := range r.states {
		if alive(p) {
			return
		}
	}
	clear(r.open)
}

// wait runs the actions that leave no row, before a row of the given time.
func (r *reader) wait(at time.Time) {
	todo := slices.Collect(maps.Keys(r.states))
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		quietly := func(change func(*State)) {
			next := s.state()
			change(&next)
			after := next.pack()
			if !r.states[after] {
				r.states[after] = true
				todo = append(todo, after)
			}
		}
		quietly(func(s *State) { s.Browsers[0].Session.Fresh = false })
		quietly(func(s *State) { s.Browsers[0].Session = Session{} })
		quietly(func(s *State) { s.Browsers[0] = Browser{} })
		quietly(func(s *State) { s.Browsers[0].TrustFirst, s.Browsers[0].TrustSecond = 0, 0 })
		if at.Sub(r.since) >= 24*time.Hour {
			quietly((*State).day)
		}
	}
}

// step leaves the states that are emitted, and those of a browser that sees an action
// of another one.
func (r *reader) step(act func(t *turn)) {
	type another struct {
		ended ended
		to    uint64
	}
	next, effects := map[packed]bool{}, map[uint64]map[another]bool{}
	for s := range r.states {
		t := &turn{World: r.World, was: s.state()}
		account := s[0]
		t.emit = func(_ Label, after State) {
			p := after.pack()
			next[p] = true
			if effects[account] == nil {
				effects[account] = map[another]bool{}
			}
			effects[account][another{after.ended, p[0]}] = true
		}
		act(t)
	}
	for s := range r.states {
		for e := range effects[s[0]] {
			next[effect{account: e.to, ended: e.ended}.on(s.state())] = true
		}
	}
	r.states = next
}

// changes is step for actions that end everything that was under way.
func (r *reader) changes(act func(t *turn)) {
	r.step(act)
	r.begun, r.repairs, r.moves = 0, false, false
}

// The following steps are parts of other actions in the model.

// isTrusted makes a browser that has just signed in a trusted one.
func (t *turn) isTrusted() {
	s := t.was
	if n := s.Browsers[0].Session; t.Trust && n.Fresh && n.Second != 0 && n.Second.kind() != Mended {
		s.Browsers[0].TrustFirst, s.Browsers[0].TrustSecond = n.First, n.Second
		t.then(By(Ann), "has the browser trusted", s)
	}
}

// makesToken leaves everything as it is. A token for oneself asks for a fresh session.
func (t *turn) makesToken(personal bool) {
	alive := t.was.Exists && t.usable(&t.was, &t.was.Browsers[0])
	if alive && (!personal || t.isFull()) && t.mayMint(&t.was) {
		t.doesNothing()
	}
}

// isFull reports whether the browser in view may change what opens the account.
func (t *turn) isFull() bool {
	b := &t.was.Browsers[0]
	return t.usable(&t.was, b) && b.Session.Fresh && t.full(&t.was, b)
}

func (t *turn) doesNothing() { t.then(By(Ann), "", t.was) }

// confirms proves the address: by a link or a code in a browser that knows the password, or, if none does, by
// choosing another password or none.
func (t *turn) confirms() {
	if !t.was.Exists {
		return
	}
	s := t.was
	t.proves(&s, Ann)
	t.then(By(Ann), "confirms the address", s)
	s = t.was
	t.chooses(&s, Ann)
	t.then(By(Ann), "confirms the address and chooses a password", s)
	s.HasPassword, s.Knows = false, [people]bool{}
	t.then(By(Ann), "confirms the address and has no password", s)
}

// moves follows the link that changes the address.
func (t *turn) moves() {
	s := t.was
	t.moveTo(&s, (s.Mailbox+1)%people, Ann)
	t.end(&s, 0)
	t.then(By(Ann), "changes the address", s)
}

// rescues calls f for every first factor of sign-ins under way that a rescue may follow.
func (t *turn) rescues(begun Things, f func()) {
	begun.each(func(first Thing) {
		if t.mayRescue(&t.was, first) && t.was.Seconds != 0 {
			f()
		}
	})
}

// waits requests a recovery, or repeats the request.
func (t *turn) waits(begun Things) {
	t.rescues(begun, func() {
		if s := t.was; t.Recovers && s.HasPassword {
			if s.Recovery == NotAsked {
				s.Recovery = Waits
			}
			t.then(By(Ann), "asks for a recovery", s)
		}
	})
}

// rescued ends in a set-up that replaces a lost factor.
func (t *turn) rescued(byLink bool, begun Things) {
	if s := t.was; byLink {
		if s.Recovery == Opens && s.HasPassword {
			t.follows(&s, Ann)
			t.then(By(Ann), "follows the link of a recovery", s)
		}
		return
	}
	t.rescues(begun, func() {
		if s := t.was; t.RescueByMail && !t.StrongOnly {
			s.endTrust()
			t.then(By(Ann), "enters a mailed rescue code", s)
		}
	})
}

// repairs sets up a factor in place of each factor that can be lost.
func (t *turn) repairs(k Kind) {
	was := t.was
	t.was.Browsers[0] = Browser{Of: Ann}
	only := *t.World
	only.Seconds = []Kind{k}
	one := turn{World: &only, was: t.was, emit: t.emit, before: thing(Mended, Ann)}
	was.Seconds.each(func(lost Thing) { one.enroll(0, thing(Password, Ann), lost, "sets up another factor") })
}

// kindOf is the kind of thing behind the name of a method in a trail.
func kindOf(method string) Kind {
	switch method {
	case "password", "register":
		return Password
	case policy.Confirmed, policy.Reset:
		return Mail
	}
	return Kind(max(0, slices.Index(methods[:], method)))
}
