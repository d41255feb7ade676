package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

func newMessage(id string) storage.Message {
	return storage.Message{
		ID: id, Channel: storage.Email, Body: []byte{0, 1, 255}, Attempts: 2,
		CreatedAt: now, DueAt: now, ExpiresAt: in(600),
	}
}

func (k kit) message(id string, due int) storage.Message {
	k.Helper()
	m := newMessage(id)
	m.CreatedAt, m.DueAt = in(due), in(due)
	k.ok(k.s.PutMessage(k.Context(), m))
	return m
}

// claims checks the IDs of the claimed messages.
func (k kit) claims(at time.Time, limit int, want ...string) []storage.Message {
	k.Helper()
	list, err := k.s.ClaimMessages(k.Context(), at, time.Minute, limit)
	k.ok(err)
	ids := map[string]bool{}
	for _, m := range list {
		ids[m.ID] = true
	}
	if len(ids) != len(want) || len(list) != len(want) {
		k.Fatalf("handed out %v, want %v", list, want)
	}
	for _, id := range want {
		if !ids[id] {
			k.Fatalf("handed out %v, want %v", list, want)
		}
	}
	return list
}

var messageRules = []rule{
	{"a message is handed out as stored, its attempt counted and its due time moved on", func(k kit) {
		m := k.message("m", 0)
		list := k.claims(in(1), 10, "m")
		m.Attempts, m.DueAt = 3, in(61)
		k.same(list, []storage.Message{m})
	}},
	{"a taken id is ErrExists", func(k kit) {
		k.message("m", 0)
		k.is(k.s.PutMessage(k.Context(), newMessage("m")), storage.ErrExists)
	}},
	{"a message is not handed out before it is due", func(k kit) {
		k.message("m", 10)
		k.claims(in(10).Add(-tick), 10)
		k.claims(in(10), 10, "m")
	}},
	{"a message is not handed out twice within its lease", func(k kit) {
		k.message("m", 0)
		k.claims(now, 10, "m")
		k.claims(in(59), 10)
		list := k.claims(in(60), 10, "m")
		k.same(list[0].Attempts, 4)
	}},
	{"up to limit messages are handed out, the longest due first", func(k kit) {
		for i := range 5 {
			k.message(name("m", i), 4-i)
		}
		k.claims(in(10), 0)
		k.claims(in(10), 2, "m 4", "m 3")
		k.claims(in(10), 2, "m 2", "m 1")
		k.claims(in(10), 2, "m 0")
		k.claims(in(10), 2)
	}},
	{"an expired message is deleted, not handed out", func(k kit) {
		m := k.message("m", 0)
		k.claims(m.ExpiresAt, 10)
		k.is(k.s.RetryMessage(k.Context(), "m", now), storage.ErrNotFound)
	}},
	{"a message is due again when RetryMessage says", func(k kit) {
		k.message("m", 0)
		k.claims(now, 10, "m")
		k.ok(k.s.RetryMessage(k.Context(), "m", in(5)))
		k.claims(in(4), 10)
		k.claims(in(5), 10, "m")
		k.is(k.s.RetryMessage(k.Context(), "unknown", in(5)), storage.ErrNotFound)
	}},
	{"the messages that wait are counted, with the time of the oldest", func(k kit) {
		count := func(want int, since time.Time) {
			k.Helper()
			n, oldest, err := k.s.CountMessages(k.Context())
			k.ok(err)
			k.same(n, want)
			k.same(oldest.Equal(since), true)
		}
		count(0, time.Time{})
		k.message("b", 7)
		k.message("a", 3)
		count(2, in(3))
		k.claims(in(3), 10, "a")
		count(2, in(3)) // claimed, and still stored
		k.ok(k.s.FinishMessage(k.Context(), "a"))
		count(1, in(7))
	}},
	{"a change of factors stores its messages with it, or neither", func(k kit) {
		u := k.user()
		m := newMessage("m")
		change := storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "next", RemoveAll: true,
			Messages: []storage.Message{m}, Now: now}
		lost := change
		lost.From = "another"
		k.is(k.s.ChangeFactors(k.Context(), lost), storage.ErrUsed)
		k.claims(in(1), 10)
		k.ok(k.s.ChangeFactors(k.Context(), change))
		k.claims(in(1), 10, "m")
		again := change
		again.From, again.To = "next", "third"
		k.is(k.s.ChangeFactors(k.Context(), again), storage.ErrExists) // the ID is taken
		kept, err := k.s.UserByID(k.Context(), u.ID)
		k.ok(err)
		k.same(kept.CredentialVersion, "next")
	}},
	{"a finished message is gone, and finishing it again is not an error", func(k kit) {
		k.message("m", 0)
		k.message("keep", 0)
		k.ok(k.s.FinishMessage(k.Context(), "m"))
		k.ok(k.s.FinishMessage(k.Context(), "m"))
		k.claims(in(1), 10, "keep")
	}},
}
