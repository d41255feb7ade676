package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// deletion returns a deletion whose events get a pseudonym.
func deletion(u storage.User) storage.Deletion {
	return storage.Deletion{
		UserID: u.ID, Now: now,
		Erase: func(e storage.Event) storage.Event {
			e.UserID, e.Reason, e.Session, e.Address, e.Agent, e.Request = "pseudonym", "", "", "", "", ""
			e.Erased = []byte("erased")
			return e
		},
		Event: storage.Event{
			ID: "deletion of " + u.ID, UserID: "pseudonym", At: now, Name: "user-deleted", Result: "ok", MAC: []byte{1},
		},
	}
}

// volatileWrites returns a function for each kind of record that expires, and for
// an event.
func volatileWrites(u storage.User) map[string]func(ctx context.Context, s storage.Store) error {
	id := storage.NewID()
	return map[string]func(ctx context.Context, s storage.Store) error{
		"session": func(ctx context.Context, s storage.Store) error { return s.PutSession(ctx, newSession(u)) },
		"pending": func(ctx context.Context, s storage.Store) error { return s.PutPending(ctx, newPending(u)) },
		"draft":   func(ctx context.Context, s storage.Store) error { return s.PutDraft(ctx, newDraft(u, id)) },
		"event": func(ctx context.Context, s storage.Store) error {
			e := storage.Event{ID: id, UserID: u.ID, At: now, Name: "user-authenticated", Result: "ok", MAC: []byte{1}}
			return s.AppendEvent(ctx, e)
		},
		"mark": func(ctx context.Context, s storage.Store) error {
			e := newEvent(storage.NewID())
			e.UserID, e.Name = u.ID, "news-seen"
			return s.MarkSeen(ctx, u.ID, 1, e)
		},
		"device":   func(ctx context.Context, s storage.Store) error { return s.PutDevice(ctx, newDevice(u)) },
		"token":    func(ctx context.Context, s storage.Store) error { return s.PutToken(ctx, newToken(u)) },
		"recovery": func(ctx context.Context, s storage.Store) error { return s.PutRecovery(ctx, newRequest(u)) },
		"factor": func(ctx context.Context, s storage.Store) error {
			f := newFactor(u)
			c := storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: u.CredentialVersion, Add: &f,
				Now: now}
			return s.ChangeFactors(ctx, c)
		},
		"deletion": func(ctx context.Context, s storage.Store) error {
			return s.PutDeletion(ctx, newDeletion(u), u.CredentialVersion)
		},
	}
}

func newDeletion(u storage.User) storage.DeletionRequest {
	return storage.DeletionRequest{
		UserID: u.ID, ID: storage.NewID(), CredentialVersion: storage.NewID(), CreatedAt: now, DueAt: in(100),
	}
}

// leftOf returns the records of an account that are left.
func leftOf(k kit, u storage.User) []string {
	k.Helper()
	ctx, out := k.Context(), []string{}
	has := func(what string, n int, err error) {
		k.Helper()
		if k.ok(err); n > 0 {
			out = append(out, what)
		}
	}
	sessions, err := k.s.SessionsOf(ctx, u.ID, time.Time{})
	has("session", len(sessions), err)
	factors, err := k.s.FactorsOf(ctx, u.ID)
	has("factor", len(factors), err)
	firsts, err := k.s.FirstFactorsOf(ctx, u.ID)
	has("first factor", len(firsts), err)
	devices, err := k.s.DevicesOf(ctx, u.ID, time.Time{})
	has("device", len(devices), err)
	tokens, err := k.s.TokensOf(ctx, u.ID, time.Time{})
	has("token", len(tokens), err)
	connections, err := k.s.ConnectionsOf(ctx, u.ID)
	has("connection", len(connections), err)
	codes, err := k.s.RecoveryCodesLeft(ctx, u.ID, time.Time{})
	has("code", codes, err)
	set, err := k.s.CodeSetOf(ctx, u.ID)
	has("code set", set.Made, err)
	seen, err := k.s.SeenThrough(ctx, u.ID)
	has("mark", int(seen), err)
	events, err := k.s.EventsBy(ctx, storage.EventFilter{UserID: u.ID})
	has("event", len(events), err)
	owners, err := k.s.Owners(ctx)
	k.ok(err)
	for _, id := range owners {
		if id == u.ID {
			out = append(out, "volatile record")
		}
	}
	if _, err := k.s.Recovery(ctx, u.ID); !errors.Is(err, storage.ErrNotFound) {
		out = append(out, "recovery")
	}
	if _, err := k.s.UserByID(ctx, u.ID); !errors.Is(err, storage.ErrNotFound) {
		out = append(out, "user")
	}
	if _, err := k.s.UserByIdentity(ctx, u.EmailKey); !errors.Is(err, storage.ErrNotFound) {
		out = append(out, "identity")
	}
	wrong, err := k.s.Examine(ctx, now)
	k.ok(err)
	return append(out, wrong...)
}

var deletionRules = []rule{
	{"a deletion leaves nothing of the account and everything of the others", func(k kit) {
		ctx := k.Context()
		u, _ := k.furnish()
		other, _ := k.furnish()
		for _, v := range []storage.User{u, other} {
			k.fill(v, 2, in(600))
			m := newMessage("to " + v.ID)
			m.UserID = v.ID
			k.ok(k.s.PutMessage(ctx, m))
			addEvent(k, "event of "+v.ID, v.ID, 1)
			k.ok(k.s.CountSignIn(ctx, v.ID, now, "192.0.2.1"))
			k.mark(v, 1)
		}
		before := k.belongings(other)
		k.ok(k.s.DeleteUser(ctx, deletion(u)))
		k.same(leftOf(k, u), []string{})
		k.same(k.belongings(other), before)
		sessions, err := k.s.SessionsOf(ctx, other.ID, now)
		k.ok(err)
		k.same(len(sessions), 2)
		wantEvents(k, storage.EventFilter{UserID: other.ID}, "event of "+other.ID)
		list, err := k.s.ClaimMessages(ctx, in(1), time.Minute, 100)
		k.ok(err)
		for _, m := range list {
			if m.UserID == u.ID {
				k.Fatal("a message to the deleted account is sent")
			}
		}
		if len(list) != 5 { // each fill stores two for no account
			k.Fatalf("%d messages are left, want 5", len(list))
		}
	}},
	{"a deleted account's events are what Erase left of them, and the deletion's own comes last", func(k kit) {
		u := k.user()
		addEvent(k, "before", "another", 1)
		was := addEvent(k, "a", u.ID, 2)
		addEvent(k, "between", "another", 3)
		k.ok(k.s.DeleteUser(k.Context(), deletion(u)))
		list := wantEvents(k, storage.EventFilter{}, "before", "a", "between", "deletion of "+u.ID)
		was.Row = list[1].Row
		k.same(list[1], deletion(u).Erase(was))
		k.same(list[3].UserID, "pseudonym")
		wantEvents(k, storage.EventFilter{UserID: "pseudonym"}, "a", "deletion of "+u.ID)
	}},
	{"nothing is stored for a deleted account, and its id is not given again", func(k kit) {
		u := k.user()
		for what, write := range volatileWrites(u) {
			// if a request came first
			if err := write(k.Context(), k.s); err != nil && !errors.Is(err, storage.ErrUsed) {
				k.Fatalf("%s before: %v", what, err)
			}
		}
		k.ok(k.s.DeleteUser(k.Context(), deletion(u)))
		k.is(k.s.DeleteUser(k.Context(), deletion(u)), storage.ErrNotFound)
		for what, write := range volatileWrites(u) {
			if err := write(k.Context(), k.s); !errors.Is(err, storage.ErrNotFound) &&
				!errors.Is(err, storage.ErrUsed) {
				k.Fatalf("%s after: %v", what, err)
			}
		}
		m := newMessage("late")
		m.UserID = u.ID
		k.ok(k.s.PutMessage(k.Context(), m))
		k.same(leftOf(k, u), []string{})
		k.claims(in(1), 10)
		k.is(k.s.CreateUser(k.Context(), u), storage.ErrExists)
		k.is(k.s.PutAccounts(k.Context(), []storage.Whole{{User: newUser()}, {User: u}}), storage.ErrExists)
		again := u
		again.ID = storage.NewID()
		k.ok(k.s.CreateUser(k.Context(), again))
		k.same(k.stored(again.ID), again)
	}},
	{"budgets end by their prefix with the account", func(k kit) {
		u := k.user()
		for _, key := range []string{"b:mine:1", "b:other:1"} {
			_, err := k.s.Reserve(k.Context(), now, claim(key, 1))
			k.ok(err)
		}
		d := deletion(u)
		d.Forget = []string{"b:mine:"}
		k.ok(k.s.DeleteUser(k.Context(), d))
		_, err := k.s.Reserve(k.Context(), now, claim("b:mine:1", 1))
		k.ok(err)
		_, err = k.s.Reserve(k.Context(), now, claim("b:other:1", 1))
		k.is(err, storage.ErrUsed)
	}},
	{"a request is returned, changes the credential version, and is the only one", func(k kit) {
		u := k.user()
		_, err := k.s.DeletionOf(k.Context(), u.ID)
		k.is(err, storage.ErrNotFound)
		r := newDeletion(u)
		k.is(k.s.PutDeletion(k.Context(), r, "another"), storage.ErrUsed)
		k.device(u)
		m := newMessage("m")
		m.UserID = u.ID
		k.ok(k.s.PutDeletion(k.Context(), r, u.CredentialVersion, m))
		k.claims(in(1), 10, "m")
		k.devices(u, 0)
		got, err := k.s.DeletionOf(k.Context(), u.ID)
		k.ok(err)
		k.same(got, r)
		k.same(k.stored(u.ID).CredentialVersion, r.CredentialVersion)
		k.is(k.s.PutDeletion(k.Context(), newDeletion(u), r.CredentialVersion), storage.ErrExists)
		k.is(k.s.EndDeletion(k.Context(), u.ID, "another"), storage.ErrNotFound)
		k.ok(k.s.EndDeletion(k.Context(), u.ID, r.ID))
		k.is(k.s.EndDeletion(k.Context(), u.ID, ""), storage.ErrNotFound)
		k.ok(k.s.PutDeletion(k.Context(), newDeletion(u), r.CredentialVersion))
		k.ok(k.s.EndDeletion(k.Context(), u.ID, ""))
	}},
	{"a request stays valid when the credential version changes", func(k kit) {
		u := k.user()
		r := newDeletion(u)
		k.ok(k.s.PutDeletion(k.Context(), r, u.CredentialVersion))
		k.ok(k.s.SetPassword(k.Context(), storage.NewPassword{
			UserID: u.ID, Hash: "new", CredentialVersion: "another", Now: now,
		}))
		got, err := k.s.DeletionOf(k.Context(), u.ID)
		k.ok(err)
		k.same(got, r)
		k.is(k.s.PutDeletion(k.Context(), newDeletion(u), "another"), storage.ErrExists)
		list, err := k.s.DueDeletions(k.Context(), in(200), 10)
		k.ok(err)
		k.same(list, []storage.DeletionRequest{r})
		d := deletion(u)
		d.Request, d.Now = r.ID, in(200)
		k.ok(k.s.DeleteUser(k.Context(), d))
		k.same(leftOf(k, u), []string{})
	}},
	{"a row of the trail comes with its change or not at all", func(k kit) {
		u := k.user()
		row := func(id string) storage.Event {
			return storage.Event{ID: id, UserID: u.ID, At: now, Name: "n", Result: "ok", MAC: []byte{1}}
		}
		r, t, q := newDeletion(u), newToken(u), newRequest(u)
		t.Personal, t.Most = true, 1
		r.Event, t.Event, q.Event = row("refused deletion"), row("token"), row("recovery")
		k.is(k.s.PutDeletion(k.Context(), r, "another"), storage.ErrUsed)
		k.ok(k.s.PutToken(k.Context(), t))
		k.ok(k.s.PutRecovery(k.Context(), q))
		wantEvents(k, storage.EventFilter{UserID: u.ID}, "token", "recovery")
		second, again := newToken(u), newRequest(u)
		second.Personal, second.Most, second.Event, again.Event = true, 1, row("token 2"), row("recovery 2")
		k.is(k.s.PutToken(k.Context(), second), storage.ErrUsed)
		k.is(k.s.PutRecovery(k.Context(), again), storage.ErrExists)
		r.Event = row("deletion")
		k.ok(k.s.PutDeletion(k.Context(), r, u.CredentialVersion))
		r.ID, r.Event = storage.NewID(), row("deletion 2")
		k.is(k.s.PutDeletion(k.Context(), r, r.CredentialVersion), storage.ErrExists)
		wantEvents(k, storage.EventFilter{UserID: u.ID}, "token", "recovery", "deletion")
	}},
	{"a requested deletion happens when it is due, and only by its own id", func(k kit) {
		u := k.user()
		r := newDeletion(u)
		k.ok(k.s.PutDeletion(k.Context(), r, u.CredentialVersion))
		for _, at := range []time.Time{now, in(99)} {
			list, err := k.s.DueDeletions(k.Context(), at, 10)
			k.ok(err)
			k.same(len(list), 0)
			d := deletion(u)
			d.Request, d.Now = r.ID, at
			k.is(k.s.DeleteUser(k.Context(), d), storage.ErrUsed)
		}
		list, err := k.s.DueDeletions(k.Context(), in(100), 10)
		k.ok(err)
		k.same(list, []storage.DeletionRequest{r})
		d := deletion(u)
		d.Request, d.Now = "another", in(100)
		k.is(k.s.DeleteUser(k.Context(), d), storage.ErrUsed)
		k.ok(k.s.PutSession(k.Context(), newSession(u))) // a refused deletion blocks nothing
		d.Request = r.ID
		k.ok(k.s.DeleteUser(k.Context(), d))
		k.same(leftOf(k, u), []string{})
	}},
	{"a user who is dropped can be let in again", func(k kit) {
		u := newUser()
		k.ok(k.s.PutSession(k.Context(), newSession(u)))
		k.ok(k.s.DropUser(k.Context(), u.ID, time.Now().Add(time.Hour)))
		list, err := k.s.SessionsOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(len(list), 0)
		k.is(k.s.PutSession(k.Context(), newSession(u)), storage.ErrNotFound)
		k.is(k.s.PutPending(k.Context(), newPending(u)), storage.ErrNotFound)
		k.is(k.s.PutDraft(k.Context(), newDraft(u, "x")), storage.ErrNotFound)
		k.ok(k.s.DropUser(k.Context(), u.ID, time.Time{}))
		k.ok(k.s.PutSession(k.Context(), newSession(u)))
	}},
}

var deletionRaceRules = []rule{
	{"of parallel deletions of an account one happens", func(k kit) {
		for range rounds() {
			u := k.user()
			errs := k.race(func(s storage.Store, _ int) error { return s.DeleteUser(k.Context(), deletion(u)) })
			k.one(errs, storage.ErrNotFound)
			k.same(leftOf(k, u), []string{})
		}
	}},
	{"what is stored during a deletion does not outlive it", func(k kit) {
		for range 3 * rounds() {
			u := k.user()
			var all sync.WaitGroup
			start := make(chan struct{})
			run := func(f func() error) {
				all.Go(func() {
					<-start
					err := f()
					for _, refusal := range []error{nil, storage.ErrNotFound, storage.ErrUsed, storage.ErrExists} {
						if errors.Is(err, refusal) {
							return
						}
					}
					k.Error(err)
				})
			}
			i := 0
			for range 2 {
				for _, write := range volatileWrites(u) {
					s := k.nodes[i%len(k.nodes)]
					i++
					run(func() error { return write(k.Context(), s) })
				}
			}
			run(func() error { return k.s.DeleteUser(k.Context(), deletion(u)) })
			close(start)
			all.Wait()
			k.same(leftOf(k, u), []string{})
		}
	}},
	{"of a deletion that is due and its end one happens", func(k kit) {
		for range rounds() {
			u := k.user()
			r := newDeletion(u)
			k.ok(k.s.PutDeletion(k.Context(), r, u.CredentialVersion))
			d := deletion(u)
			d.Request, d.Now = r.ID, in(200)
			errs := k.race(func(s storage.Store, i int) error {
				if i%2 == 0 {
					return s.EndDeletion(k.Context(), u.ID, r.ID)
				}
				if err := s.DeleteUser(k.Context(), d); errors.Is(err, storage.ErrUsed) {
					return storage.ErrNotFound
				} else {
					return err
				}
			})
			k.one(errs, storage.ErrNotFound)
		}
	}},
}
