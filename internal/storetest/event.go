package storetest

import (
	"fmt"

	"github.com/twofold-auth/twofold/internal/storage"
)

func addEvent(k kit, id, user string, at int) storage.Event {
	k.Helper()
	return addEventOf(k, id, user, "user-authenticated", at)
}

func addNamed(k kit, id, user, name string) storage.Event {
	k.Helper()
	return addEventOf(k, id, user, name, 1)
}

func addEventOf(k kit, id, user, name string, at int) storage.Event {
	k.Helper()
	e := newEvent(id)
	e.UserID, e.Name, e.At = user, name, in(at)
	k.ok(k.s.AppendEvent(k.Context(), e))
	return e
}

func newEvent(id string) storage.Event {
	return storage.Event{
		ID: id, At: now, Name: "user-authenticated", Method: "sms", Result: "ok", Reason: "because", Session: "s",
		Address: "192.0.2.1", Agent: "Firefox", Request: "r", MAC: []byte{0, 255},
	}
}

// events checks the IDs of the listed events and returns the events.
func wantEvents(k kit, f storage.EventFilter, want ...string) []storage.Event {
	k.Helper()
	list, err := k.s.EventsBy(k.Context(), f)
	k.ok(err)
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	if fmt.Sprint(ids) != fmt.Sprint(want) {
		k.Fatalf("lists %v, want %v", ids, want)
	}
	return list
}

var eventRules = []rule{
	{"an event is listed as it was added, with its row", func(k kit) {
		e := addEvent(k, "a", "u", 1)
		list := wantEvents(k, storage.EventFilter{}, "a")
		if list[0].Row <= 0 {
			k.Errorf("row %d", list[0].Row)
		}
		e.Row = list[0].Row
		k.same(list, []storage.Event{e})
	}},
	{"events are listed in the order in which they were added, whatever their times", func(k kit) {
		addEvent(k, "b", "u", 9)
		addEvent(k, "a", "u", 1)
		addEvent(k, "c", "u", 5)
		list := wantEvents(k, storage.EventFilter{}, "b", "a", "c")
		if list[0].Row >= list[1].Row || list[1].Row >= list[2].Row {
			k.Errorf("rows do not grow: %v", list)
		}
	}},
	{"events are listed the newest first if asked so", func(k kit) {
		addEvent(k, "b", "u", 9)
		addEvent(k, "a", "v", 1)
		list := wantEvents(k, storage.EventFilter{}, "b", "a")
		addEvent(k, "c", "u", 5)
		wantEvents(k, storage.EventFilter{Newest: true}, "c", "a", "b")
		wantEvents(k, storage.EventFilter{Newest: true, Limit: 2}, "c", "a")
		wantEvents(k, storage.EventFilter{Newest: true, UserID: "u", Limit: 1}, "c")
		wantEvents(k, storage.EventFilter{Newest: true, UserID: "u", After: list[0].Row}, "c")
	}},
	{"events are chosen by user, time and row, and at most so many", func(k kit) {
		addEvent(k, "a", "u", 1)
		addEvent(k, "b", "v", 2)
		addEvent(k, "c", "u", 3)
		addEvent(k, "d", "", 4)
		list := wantEvents(k, storage.EventFilter{}, "a", "b", "c", "d")
		wantEvents(k, storage.EventFilter{UserID: "u"}, "a", "c")
		wantEvents(k, storage.EventFilter{UserID: "u", Limit: 1}, "a")
		wantEvents(k, storage.EventFilter{UserID: "u", After: list[0].Row}, "c")
		wantEvents(k, storage.EventFilter{Since: in(3)}, "c", "d")
		wantEvents(k, storage.EventFilter{UserID: "u", Since: in(2)}, "c")
		wantEvents(k, storage.EventFilter{After: list[1].Row, Limit: 1}, "c")
	}},
	{"events are chosen by kind before they are counted", func(k kit) {
		addNamed(k, "a", "u", "one")
		addNamed(k, "b", "v", "one")
		addNamed(k, "c", "u", "two")
		addNamed(k, "d", "u", "three")
		addNamed(k, "e", "u", "three")
		list := wantEvents(k, storage.EventFilter{UserID: "u"}, "a", "c", "d", "e")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"one"}, Newest: true, Limit: 1}, "a")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"one", "two", "unheard-of"}}, "a", "c")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"three", "one"}, Newest: true,
			Limit: 2}, "e", "d")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"one"}, After: list[0].Row})
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"three", "one", "three"}, Limit: 2}, "a", "d")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"two", "three"}, After: list[1].Row,
			Newest: true}, "e", "d")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"two", "three"}, Since: in(1000)})
		wantEvents(k, storage.EventFilter{Names: []string{"one", "three"}, Limit: 3}, "a", "b", "d")
	}},
	{"events are chosen by several filters, each with its own limit", func(k kit) {
		for i, name := range []string{"one", "two", "one", "two", "one", "three"} {
			addNamed(k, string(rune('a'+i)), "u", name)
		}
		of := func(limit int, names ...string) storage.EventFilter {
			return storage.EventFilter{UserID: "u", Names: names, Newest: true, Limit: limit}
		}
		several := func(want string, f storage.EventFilter, more ...storage.EventFilter) {
			k.Helper()
			got := ""
			list, err := k.s.EventsBy(k.Context(), f, more...)
			k.ok(err)
			for _, e := range list {
				got += e.ID
			}
			k.same(got, want)
		}
		several("fedc", of(2, "one"), of(1, "two"), of(3, "three", "four"))
		several("fe", of(1, "one", "two"), of(1, "three"), of(1, "one"), of(1, "four"))
		several("abf", storage.EventFilter{Limit: 2}, of(1, "three"), storage.EventFilter{UserID: "v"})
	}},
	{"events that are settled are there", func(k kit) {
		through, err := k.s.SettledEvents(k.Context())
		k.ok(err)
		k.same(through, int64(0))
		addEvent(k, "a", "u", 1)
		addEvent(k, "b", "u", 2)
		through, err = k.s.SettledEvents(k.Context())
		k.ok(err)
		addEvent(k, "c", "u", 3)
		list := wantEvents(k, storage.EventFilter{UpTo: through}, "a", "b")
		wantEvents(k, storage.EventFilter{UpTo: through, UserID: "u", Names: []string{"n", "m"}, After: list[0].Row})
		wantEvents(k, storage.EventFilter{UpTo: list[0].Row, UserID: "u", Newest: true}, "a")
	}},
	{"an event's id is taken once", func(k kit) {
		addEvent(k, "a", "u", 1)
		k.is(k.s.AppendEvent(k.Context(), storage.Event{ID: "a"}), storage.ErrExists)
	}},
	{"a stretch is sealed once", func(k kit) {
		none, err := k.s.LastSeal(k.Context())
		k.ok(err)
		k.same(none, storage.Seal{})
		first := storage.Seal{Through: 4, Count: 4, At: in(1), MAC: []byte{1}}
		k.ok(k.s.PutSeal(k.Context(), first))
		k.is(k.s.PutSeal(k.Context(), storage.Seal{Through: 9, Count: 9, At: in(2), MAC: []byte{2}}), storage.ErrUsed)
		second := storage.Seal{After: 4, Through: 6, Count: 2, At: in(3), MAC: []byte{3}}
		k.ok(k.s.PutSeal(k.Context(), second))
		last, err := k.s.LastSeal(k.Context())
		k.ok(err)
		k.same(last, second)
		list, err := k.s.SealsAfter(k.Context(), 0, 10)
		k.ok(err)
		k.same(list, []storage.Seal{first, second})
		list, err = k.s.SealsAfter(k.Context(), 1, 10)
		k.ok(err)
		k.same(list, []storage.Seal{second})
	}},
	{"a sweep removes no event and no seal", func(k kit) {
		addEvent(k, "a", "u", 1)
		k.ok(k.s.PutSeal(k.Context(), storage.Seal{Through: 1, Count: 1, At: in(1), MAC: []byte{1}}))
		_, err := k.s.Sweep(k.Context(), in(1<<30), 1000)
		k.ok(err)
		wantEvents(k, storage.EventFilter{}, "a")
		last, err := k.s.LastSeal(k.Context())
		k.ok(err)
		k.same(last.Through, int64(1))
	}}, {"old events and their seals are removed from the first on, together with what says so", func(k kit) {
		c := threeSeals(k)
		k.ok(k.s.RemoveEvents(k.Context(), 0, c))
		wantEvents(k, storage.EventFilter{}, "c", "d")
		wantEvents(k, storage.EventFilter{UserID: "u", Names: []string{"user-authenticated"}}, "c")
		got, err := k.s.Checkpoint(k.Context())
		k.ok(err)
		k.same(got, c)
		list, err := k.s.SealsAfter(k.Context(), 0, 10)
		k.ok(err)
		k.same(len(list), 2)
		k.same(list[0].After, c.Through)
	}},
	{"a checkpoint moves on only, from where its caller saw it", func(k kit) {
		c := threeSeals(k)
		k.is(k.s.RemoveEvents(k.Context(), 1, c), storage.ErrUsed)
		k.is(k.s.RemoveEvents(k.Context(), 0, storage.Checkpoint{}), storage.ErrUsed)
		wantEvents(k, storage.EventFilter{}, "a", "b", "c", "d")
		k.ok(k.s.RemoveEvents(k.Context(), 0, c))
		k.is(k.s.RemoveEvents(k.Context(), 0, c), storage.ErrUsed)
		k.is(k.s.RemoveEvents(k.Context(), c.Through, c), storage.ErrUsed)
		further := c
		further.Through++
		k.is(k.s.RemoveEvents(k.Context(), 0, further), storage.ErrUsed)
		wantEvents(k, storage.EventFilter{}, "c", "d")
		k.ok(k.s.RemoveEvents(k.Context(), c.Through, further))
		wantEvents(k, storage.EventFilter{}, "d")
		got, err := k.s.Checkpoint(k.Context())
		k.ok(err)
		k.same(got, further)
	}},
	{"of many who remove the same events one does", func(k kit) {
		c := threeSeals(k)
		after := int64(0)
		for range rounds() / 4 {
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.RemoveEvents(k.Context(), after, c)
			}), storage.ErrUsed)
			after, c.Through = c.Through, c.Through+1
		}
		got, err := k.s.Checkpoint(k.Context())
		k.ok(err)
		k.same(got.Through, after)
	}},
}

// threeSeals adds four events. The first two have a seal of their own. It returns
// the checkpoint for these two.
func threeSeals(k kit) storage.Checkpoint {
	k.Helper()
	none, err := k.s.Checkpoint(k.Context())
	k.ok(err)
	k.same(none, storage.Checkpoint{})
	for _, id := range []string{"a", "b", "c", "d"} {
		addEvent(k, id, map[bool]string{true: "u", false: "v"}[id != "d"], 1)
	}
	rows := wantEvents(k, storage.EventFilter{}, "a", "b", "c", "d")
	after := int64(0)
	for n, through := range []int64{rows[1].Row, rows[2].Row, rows[3].Row} {
		seal := storage.Seal{After: after, Through: through, Count: 1, At: in(1), MAC: []byte{byte(n)}}
		k.ok(k.s.PutSeal(k.Context(), seal))
		after = through
	}
	return storage.Checkpoint{
		Through: rows[1].Row, Rows: 2, Seal: []byte{0, 1}, Before: in(5), At: in(9), MAC: []byte{7, 0},
	}
}
