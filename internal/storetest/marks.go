package storetest

import (
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// seen checks through which row a user has seen the activity of the account, and that only the
// later rows are listed as unseen.
func (k kit) seen(u storage.User, want int64) {
	k.Helper()
	got, err := k.s.SeenThrough(k.Context(), u.ID)
	k.ok(err)
	k.same(got, want)
	later, err := k.s.EventsBy(k.Context(), storage.EventFilter{UserID: u.ID, After: want})
	k.ok(err)
	for _, f := range []storage.EventFilter{
		{UserID: u.ID, Unseen: true}, {UserID: u.ID, Unseen: true, Names: []string{"user-authenticated"}},
	} {
		unseen, err := k.s.EventsBy(k.Context(), f)
		k.ok(err)
		if f.Names != nil {
			later = slices.DeleteFunc(later, func(e storage.Event) bool { return e.Name != f.Names[0] })
		}
		k.same(unseen, later)
	}
}

// wantSet checks the record of a user's recovery codes.
func wantSet(k kit, u storage.User, want storage.CodeSet) {
	k.Helper()
	got, err := k.s.CodeSetOf(k.Context(), u.ID)
	k.ok(err)
	k.same(got, want)
}

// mark marks the activity of a user as seen, with no row of the trail.
func (k kit) mark(u storage.User, through int64) {
	k.Helper()
	k.ok(k.s.MarkSeen(k.Context(), u.ID, through, storage.Event{}))
}

// addRows adds n rows of a user to the trail and returns the numbers of all of them.
func addRows(k kit, u storage.User, n int) (rows []int64) {
	k.Helper()
	for range n {
		addEvent(k, storage.NewID(), u.ID, 1)
	}
	list, err := k.s.EventsBy(k.Context(), storage.EventFilter{UserID: u.ID})
	k.ok(err)
	for _, e := range list {
		rows = append(rows, e.Row)
	}
	return rows
}

var markRules = []rule{
	{"what was seen stays seen, and an earlier mark takes nothing back", func(k kit) {
		u := k.user()
		k.seen(u, 0)
		rows := addRows(k, u, 3)
		for _, mark := range []struct{ through, want int64 }{
			{0, 0}, {-1, 0}, {rows[1], rows[1]}, {rows[0], rows[1]}, {0, rows[1]}, {rows[2], rows[2]},
		} {
			k.mark(u, mark.through)
			k.seen(u, mark.want)
		}
	}},
	{"a row that does not exist yet cannot be seen", func(k kit) {
		u := k.user()
		k.mark(u, 9)
		k.seen(u, 0)
		last := addRows(k, u, 2)[1]
		k.mark(u, 1<<63-1)
		k.seen(u, last)
		next := addRows(k, u, 1)[2]
		k.seen(u, last)
		e := newEvent("mark")
		e.UserID = u.ID
		k.ok(k.s.MarkSeen(k.Context(), u.ID, 1<<63-1, e))
		list := wantEvents(k, storage.EventFilter{After: next}, "mark")
		k.seen(u, list[0].Row)
	}},
	{"what one user marks is not seen by another", func(k kit) {
		u, other := k.user(), k.user()
		rows := addRows(k, u, 2)
		k.mark(other, rows[0])
		k.seen(u, 0)
		k.mark(u, rows[1])
		k.seen(u, rows[1])
		k.seen(other, rows[0])
	}},
	{"a mark and its row of the trail come together or not at all", func(k kit) {
		u := k.user()
		rows := addRows(k, u, 2)
		e := newEvent("mark")
		e.UserID = u.ID
		k.ok(k.s.MarkSeen(k.Context(), u.ID, rows[0], e))
		k.is(k.s.MarkSeen(k.Context(), u.ID, rows[1], e), storage.ErrExists)
		k.seen(u, rows[0])
		unknown := newUser()
		e.ID, e.UserID = "another mark", unknown.ID
		k.is(k.s.MarkSeen(k.Context(), unknown.ID, rows[0], e), storage.ErrNotFound)
		k.is(k.s.MarkSeen(k.Context(), unknown.ID, rows[0], storage.Event{}), storage.ErrNotFound)
		wantEvents(k, storage.EventFilter{After: rows[1]}, "mark")
	}},
	{"how many codes a set had is known until the codes go, and not changed by their use", func(k kit) {
		u := k.enrolled()
		wantSet(k, u, storage.CodeSet{})
		u = k.codes(u, "a", "b", "c")
		wantSet(k, u, storage.CodeSet{Made: 3, At: now})
		for _, code := range []string{"a", "b", "c"} {
			_, err := k.spend(k.s, u, code)
			k.ok(err)
			wantSet(k, u, storage.CodeSet{Made: 3, At: now})
		}
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Codes: asBytes([]string{"d"}), Now: in(9)}))
		wantSet(k, u, storage.CodeSet{Made: 1, At: in(9)})
		k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: "old", To: "r", Codes: asBytes([]string{"e", "f"}), Now: in(10)}), storage.ErrUsed)
		wantSet(k, u, storage.CodeSet{Made: 1, At: in(9)})
		f := newFactor(u)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: "q", To: "r", Add: &f, Now: in(11)}))
		wantSet(k, u, storage.CodeSet{Made: 1, At: in(9)})
	}},
	{"the record of a set goes with its codes", func(k kit) {
		for name, end := range map[string]func(u storage.User) error{
			"no new ones": func(u storage.User) error {
				return k.s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: u.ID, From: u.CredentialVersion, To: "q", Codes: [][]byte{}, Now: in(1)})
			},
			"the last second factor": func(u storage.User) error {
				return k.s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: u.ID, From: u.CredentialVersion, To: "q", RemoveAll: true, Now: in(1)})
			},
			"a new password": func(u storage.User) error {
				return k.s.ChangePassword(k.Context(), storage.PasswordChange{
					UserID: u.ID, From: u.CredentialVersion, To: "q", Hash: "new", DropSeconds: true, Now: in(1)})
			},
			"a deletion": func(u storage.User) error { return k.s.DeleteUser(k.Context(), deletion(u)) },
		} {
			u, other := k.codes(k.enrolled(), "a", "b"), k.codes(k.enrolled(), "c")
			if err := end(u); err != nil {
				k.Fatalf("%s: %v", name, err)
			}
			wantSet(k, u, storage.CodeSet{})
			wantSet(k, other, storage.CodeSet{Made: 1, At: now})
		}
	}},
	{"codes that are imported are a set, and one that replaces another", func(k kit) {
		a, b := newWhole(), newWhole()
		b.Codes = nil
		k.ok(k.s.PutAccounts(k.Context(), []storage.Whole{a, b}))
		wantSet(k, a.User, storage.CodeSet{Made: 2, At: in(-9)})
		wantSet(k, b.User, storage.CodeSet{})
		k.mark(a.User, addRows(k, a.User, 1)[0])
		last := addRows(k, a.User, 0)[0]
		w := next(a)
		w.Codes, w.Origin.Codes = w.Codes[:1], 1
		k.ok(k.s.ReplaceAccount(k.Context(), w, *a.Origin, false))
		wantSet(k, a.User, storage.CodeSet{Made: 1, At: in(-9)})
		k.seen(a.User, last)
		none := next(w)
		none.Codes, none.Origin.Codes = nil, 0
		k.ok(k.s.ReplaceAccount(k.Context(), none, *w.Origin, false))
		wantSet(k, a.User, storage.CodeSet{})
	}},
	{"a link is used once, and no other link with it", func(k kit) {
		k.ok(k.s.UseLink(k.Context(), "a", in(9)))
		k.is(k.s.UseLink(k.Context(), "a", in(9)), storage.ErrUsed)
		k.is(k.s.UseLink(k.Context(), "a", in(99)), storage.ErrUsed)
		k.ok(k.s.UseLink(k.Context(), "b", in(9)))
	}},
	{"a used link stays used until it is swept, also if it has expired", func(k kit) {
		k.ok(k.s.UseLink(k.Context(), "a", in(9)))
		k.ok(k.s.UseLink(k.Context(), "b", in(10)))
		k.is(k.s.UseLink(k.Context(), "a", in(20)), storage.ErrUsed)
		n, err := k.s.Sweep(k.Context(), in(9), 100)
		k.ok(err)
		k.same(n, 1)
		k.is(k.s.UseLink(k.Context(), "b", in(20)), storage.ErrUsed)
		k.ok(k.s.UseLink(k.Context(), "a", in(20)))
	}},
	{"a link that an older version used is used", func(k kit) {
		_, err := k.s.Reserve(k.Context(), now, storage.Claim{Key: "once:a", Limit: 1, Window: time.Minute})
		k.ok(err)
		k.is(k.s.UseLink(k.Context(), "once:a", in(9)), storage.ErrUsed)
		k.ok(k.s.UseLink(k.Context(), "once:b", in(9)))
	}},
	{"a mark goes with its account", func(k kit) {
		u, other := k.user(), k.user()
		last := addRows(k, u, 1)[0]
		k.mark(u, last)
		k.mark(other, last)
		k.ok(k.s.DeleteUser(k.Context(), deletion(u)))
		k.seen(u, 0)
		k.seen(other, last)
		k.is(k.s.MarkSeen(k.Context(), u.ID, last, storage.Event{}), storage.ErrNotFound)
	}},
}

var markRaceRules = []rule{
	{"of marks at once the latest stays", func(k kit) {
		for range rounds() {
			u, other := k.user(), k.user()
			rows := addRows(k, u, callers)
			k.mark(other, rows[0])
			k.exactly(callers, k.race(func(s storage.Store, i int) error {
				through, e := rows[(i*7)%callers], storage.Event{}
				if i%2 == 0 {
					e = newEvent(storage.NewID())
				}
				return s.MarkSeen(k.Context(), u.ID, through, e)
			}), nil)
			k.seen(u, rows[callers-1])
			k.seen(other, rows[0])
		}
	}},
	{"of uses of a link at once one succeeds", func(k kit) {
		for i := range rounds() {
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.UseLink(k.Context(), name("link", i), in(9))
			}), storage.ErrUsed)
		}
	}},
	{"of parallel new sets the record is that of the set that stands", func(k kit) {
		u := k.enrolled()
		for range rounds() / 4 {
			k.one(k.race(func(s storage.Store, i int) error {
				var macs []string
				for j := range i + 1 {
					macs = append(macs, name("code", j))
				}
				return s.ChangeFactors(k.Context(), storage.FactorChange{UserID: u.ID, From: u.CredentialVersion,
					To: storage.NewID(), Codes: asBytes(macs), Now: now.Add(time.Duration(i) * time.Second)})
			}), storage.ErrUsed)
			u = k.stored(u.ID)
			left, err := k.s.RecoveryCodesLeft(k.Context(), u.ID, in(-1000))
			k.ok(err)
			wantSet(k, u, storage.CodeSet{Made: left, At: in(left - 1)})
		}
	}},
}
