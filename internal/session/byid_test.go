package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestASessionIsFoundByItsID checks that a valid session is found by its ID for its own user,
// whatever its token is, and that a header token with the same ID is not.
func TestASessionIsFoundByItsID(t *testing.T) {
	b := open(t, session.Config{})
	found := func(user, id string) bool {
		t.Helper()
		f, err := b.FindByID(t.Context(), user, id, stands)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil && f.Session.ID == id && f.User.ID == user && !f.Session.Token
	}
	put := func(s storage.Session) storage.Session {
		t.Helper()
		s.UserID, s.CredentialVersion, s.Level = "u", "one", storage.OneFactor
		_, opened, err := b.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	put(storage.Session{ID: "a", Token: true})
	if found("u", "a") {
		t.Error("a header token is found by its id")
	}
	first := put(storage.Session{ID: "a"})
	for range 2 { // the second time from memory
		if !found("u", "a") || found("u", "b") || found("other", "a") || found("u", "") {
			t.Error("a session is not found by its id and its user alone")
		}
	}
	// A renewed session has another hash and the same ID.
	second := put(storage.Session{ID: "a"})
	if _, err := b.Take(t.Context(), first.Hash); err != nil {
		t.Fatal(err)
	}
	if !found("u", "a") {
		t.Error("a renewed session is not found")
	}
	if _, err := b.Take(t.Context(), second.Hash); err != nil {
		t.Fatal(err)
	}
	if found("u", "a") {
		t.Error("a session that ended is found")
	}
	put(storage.Session{ID: "c"})
	for range 5 {
		b.now = b.now.Add(50 * time.Minute)
		if !found("u", "c") {
			t.Fatal("looking by the id is no activity")
		}
	}
	b.now = b.now.Add(61 * time.Minute)
	if found("u", "c") {
		t.Error("an idle session is found")
	}
}
