package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestPersonalTokensAreUsedWhereThereAreAny also checks that the last use is recorded to within ten
// minutes.
func TestPersonalTokensAreUsedWhereThereAreAny(t *testing.T) {
	ctx, b, text := t.Context(), open(t, session.Config{}), session.NewPersonal()
	if err := b.db.PutToken(ctx, storage.Token{
		ID: "t", UserID: "u", CredentialVersion: "one", Hash: seal.HashToken(text), Personal: true,
		Scopes:    []string{"read"},
		CreatedAt: b.now, IdleAt: b.now.Add(time.Hour), ExpiresAt: b.now.Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Personal(ctx, text); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("where there are none: %v", err)
	}
	m, err := session.New(limited(session.Config{Sessions: b.db, Users: b.db, Tokens: b.db,
		Now: func() time.Time { return b.now }}))
	if err != nil {
		t.Fatal(err)
	}
	begun := b.now
	for _, at := range [][2]time.Duration{{0, 0}, {1, 0}, {9, 0}, {10, 10}, {11, 10}, {19, 10}, {20, 20}} {
		after, used := at[0], at[1]
		b.now = begun.Add(after * time.Minute)
		if _, _, err := m.Personal(ctx, text); err != nil {
			t.Fatal(err)
		}
		all, err := b.db.TokensOf(ctx, "u", b.now)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if got := all[0].UsedAt.Sub(begun) / time.Minute; got != used {
			t.Errorf("after %d minutes the last use is known as of minute %d, want %d", after, got, used)
		}
	}
	for _, other := range []string{"", text + "x", text[:len(text)-1], text[4:], seal.Token()} {
		if _, _, err := m.Personal(ctx, other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q: %v", other, err)
		}
	}
	b.now = begun.Add(time.Hour)
	if _, _, err := m.Personal(ctx, text); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("at the end of its life: %v", err)
	}
}

// halfway ends sessions but returns an error.
type halfway struct{ storage.Sessions }

func (h halfway) EndSession(ctx context.Context, userID, id string) ([]string, error) {
	_, err := h.Sessions.EndSession(ctx, userID, id)
	return nil, errors.Join(err, errors.New("the answer was lost"))
}

// TestASessionThatMayHaveEndedIsNotAnsweredFromMemory.
func TestASessionThatMayHaveEndedIsNotAnsweredFromMemory(t *testing.T) {
	ctx, b := t.Context(), open(t, session.Config{})
	m, err := session.New(limited(session.Config{
		Sessions: halfway{b.db}, Users: b.db, Now: func() time.Time { return b.now },
	}))
	if err != nil {
		t.Fatal(err)
	}
	token, opened, err := m.Open(ctx, storage.Session{UserID: "u", CredentialVersion: "one", Level: storage.OneFactor})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Find(ctx, token, false, stands); err != nil {
		t.Fatal(err)
	}
	if m.End(ctx, "u", opened.ID) == nil {
		t.Error("no word of the trouble")
	}
	if _, err := m.Find(ctx, token, false, stands); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("found: %v", err)
	}
}
