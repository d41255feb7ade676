package storetest

import (
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
)

// wholeStep returns a step that spends a code of an app and a pending, and grants a
// session.
func wholeStep(k kit) (storage.Step, storage.User) {
	k.Helper()
	u := k.user()
	f := newFactor(u)
	u = k.add(u, f)
	p := k.pending(newPending(u))
	v, d, e := newSession(u), newDraft(u, "answer "+u.ID), newEvent("event "+u.ID)
	e.UserID = u.ID
	return storage.Step{
		Now: now, Budgets: [][]storage.Claim{{claim("once "+u.ID, 1)},
			{claim("guess "+u.ID, 2), claim("life "+u.ID, 9)}},
		Returns: []string{"guess " + u.ID}, Clears: []string{"life " + u.ID}, Factor: f.ID, TOTPStep: f.LastStep + 1,
		Takes: p.Hash, Events: []storage.Event{e}, Session: &v, Draft: &d,
	}, u
}

// refuses checks that a step is refused and grants nothing.
func refuses(k kit, s storage.Step, want error) {
	k.Helper()
	err := k.s.TakeStep(k.Context(), s)
	k.is(err, want)
	var closed *storage.Closed
	if errors.As(err, &closed) {
		k.Fatalf("a budget is closed: %+v", closed)
	}
	granted(k, s, false)
}

// closes checks that a step is refused because of a group of budgets.
func closes(k kit, s storage.Step, want storage.Closed) {
	k.Helper()
	err := k.s.TakeStep(k.Context(), s)
	var closed *storage.Closed
	if !errors.As(err, &closed) || !errors.Is(err, storage.ErrUsed) {
		k.Fatalf("got error %v, want a closed budget", err)
	}
	k.same(*closed, want)
	granted(k, s, false)
}

// granted checks whether a step's grants are there: all of them, or none.
func granted(k kit, s storage.Step, want bool) {
	k.Helper()
	is := func(what string, err error) {
		k.Helper()
		if err != nil && !errors.Is(err, storage.ErrNotFound) || (err == nil) != want {
			k.Fatalf("%s: %v, want it there: %v", what, err, want)
		}
	}
	if s.Session != nil {
		_, err := k.s.Session(k.Context(), s.Session.Hash, now)
		is("session", err)
	}
	if s.Pending != nil {
		_, err := k.s.Pending(k.Context(), s.Pending.Hash, now)
		is("pending", err)
	}
	if s.Draft != nil {
		_, err := k.s.Draft(k.Context(), s.Draft.Owner)
		is("draft", err)
	}
	if s.Session == nil && s.Pending == nil {
		return
	}
	for _, e := range s.Events {
		rows, err := k.s.EventsBy(k.Context(), storage.EventFilter{UserID: e.UserID})
		k.ok(err)
		if (len(rows) > 0) != want {
			k.Fatalf("%d rows in the trail, want some: %v", len(rows), want)
		}
	}
}

var takeStepRules = []rule{
	{"a step spends what it says and grants what it says", func(k kit) {
		s, u := wholeStep(k)
		k.ok(k.s.TakeStep(k.Context(), s))
		granted(k, s, true)
		got, err := k.s.Session(k.Context(), s.Session.Hash, now)
		k.ok(err)
		k.same(got, *s.Session)
		_, err = k.s.TakePending(k.Context(), s.Takes)
		k.is(err, storage.ErrUsed)
		k.is(k.s.AdvanceStep(k.Context(), s.Factor, s.TOTPStep, now), storage.ErrUsed)
		k.closed(now, in(60), claim("once "+u.ID, 1))
		k.reserve(now, claim("guess "+u.ID, 2)) // its place was returned, so this is the first of two
		k.reserve(now, claim("guess "+u.ID, 2))
		k.closed(now, in(60), claim("guess "+u.ID, 2))
		k.reserve(now, claim("life "+u.ID, 2)) // cleared
		k.reserve(now, claim("life "+u.ID, 2))
	}},
	{"a step that begins a pending drops the one it replaces", func(k kit) {
		u := k.user()
		old, e, next := k.pending(newPending(u)), newEvent("event "+u.ID), newPending(u)
		e.UserID = u.ID
		k.reserve(now, claim("own", 1))
		s := storage.Step{Now: now, Returns: []string{"own"}, Drops: old.Hash, Events: []storage.Event{e},
			Pending: &next}
		k.ok(k.s.TakeStep(k.Context(), s))
		k.ended(old)
		k.waits(next)
		granted(k, s, true)
		k.reserve(now, claim("own", 1))
		for i := range 8 { // like PutPending, it keeps the newest five
			p := newPending(u)
			p.CreatedAt = in(i)
			k.ok(k.s.TakeStep(k.Context(), storage.Step{Now: now, Drops: "unknown", Pending: &p}))
		}
		k.ended(next)
	}},
	{"a step of which a budget is closed changes nothing, whatever else holds", func(k kit) {
		s, u := wholeStep(k)
		for group, key := range []string{"once ", "guess "} {
			k.reserve(now, claim(key+u.ID, 1))
			closes(k, s, storage.Closed{Group: group, Opens: in(60)})
			wrong := s // a wrong code is refused in the same way
			wrong.Factor, wrong.Takes = "unknown", "unknown"
			closes(k, wrong, storage.Closed{Group: group, Opens: in(60)})
			k.ok(k.s.Release(k.Context(), nil, []string{key + u.ID}))
		}
		k.ok(k.s.TakeStep(k.Context(), s))
	}},
	{"a code or a pending that is spent grants nothing and counts nothing", func(k kit) {
		s, _ := wholeStep(k)
		late := s
		late.TOTPStep--
		refuses(k, late, storage.ErrUsed)
		late = s
		late.Factor = "unknown"
		refuses(k, late, storage.ErrUsed)
		k.ok(k.s.TakeStep(k.Context(), s)) // the refused steps did not count
	}},
	{"a pending that was taken grants nothing", func(k kit) {
		s, _ := wholeStep(k)
		_, err := k.s.TakePending(k.Context(), s.Takes)
		k.ok(err)
		refuses(k, s, storage.ErrUsed)
	}},
	{"a code of an account that has a request is not accepted", func(k kit) {
		s, u := wholeStep(k)
		k.ok(k.s.PutRecovery(k.Context(), newRequest(u)))
		refuses(k, s, storage.ErrUsed)
		k.ok(k.s.EndRecovery(k.Context(), u.ID))
		k.ok(k.s.PutDeletion(k.Context(), newDeletion(u), u.CredentialVersion))
		refuses(k, s, storage.ErrUsed)
		k.ok(k.s.EndDeletion(k.Context(), u.ID, ""))
		k.ok(k.s.TakeStep(k.Context(), s))
	}},
	{"a step for a deleted account grants nothing", func(k kit) {
		s, u := wholeStep(k)
		s.Factor, s.Takes, s.Draft = "", "", nil
		k.ok(k.s.DeleteUser(k.Context(), storage.Deletion{UserID: u.ID, Now: now}))
		refuses(k, s, storage.ErrNotFound)
		p := newPending(u)
		refuses(k, storage.Step{Now: now, Events: s.Events, Pending: &p}, storage.ErrNotFound)
	}},
	{"a step whose claims would count nothing is refused", func(k kit) {
		for _, c := range []storage.Claim{{Key: "b", Limit: 1}, {Key: "b", Look: true}} {
			if k.s.TakeStep(k.Context(), storage.Step{Now: now, Budgets: [][]storage.Claim{{c}}}) == nil {
				k.Fatalf("taken: %+v", c)
			}
		}
	}},
}

var takeStepRaceRules = []rule{
	{"of parallel steps with one code or one pending exactly one is taken", func(k kit) {
		for range rounds() {
			s, u := wholeStep(k)
			s.Budgets = s.Budgets[1:]
			s.Budgets[0][0].Limit = 2 * callers
			k.one(k.race(func(st storage.Store, i int) error {
				one := s
				v, e := newSession(u), newEvent(name("event "+u.ID, i))
				e.UserID = u.ID
				one.Session, one.Events = &v, []storage.Event{e}
				if i%2 == 1 {
					one.TOTPStep += int64(i) // another code, so the pending decides
				}
				return st.TakeStep(k.Context(), one)
			}), storage.ErrUsed)
			list, err := k.s.SessionsOf(k.Context(), u.ID, now)
			k.ok(err)
			k.same(len(list), 1)
			rows, err := k.s.EventsBy(k.Context(), storage.EventFilter{UserID: u.ID})
			k.ok(err)
			k.same(len(rows), 1)
		}
	}},
	{"parallel steps do not pass the limit of a budget", func(k kit) {
		for i := range rounds() {
			c := claim(name("limit", i), 5)
			k.exactly(5, k.race(func(s storage.Store, n int) error {
				e := newEvent(name(name("event", i), n))
				return s.TakeStep(k.Context(),
					storage.Step{Now: now, Budgets: [][]storage.Claim{{c}}, Events: []storage.Event{e}})
			}), storage.ErrUsed)
		}
	}},
}
