package session_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
)

// stored returns the time of the last activity in the store.
func (b *bench) stored(t *testing.T, token string) time.Time {
	t.Helper()
	s, err := b.db.Session(t.Context(), seal.HashToken(token), b.now)
	if err != nil {
		t.Fatal(err)
	}
	return s.SeenAt
}

// collects starts WriteTouches and returns once touches are collected. stop ends it.
func (b *bench) collects(t *testing.T, token string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.WriteTouches(ctx, slog.New(slog.DiscardHandler))
	}()
	for range 40 {
		b.now = b.now.Add(time.Minute)
		if b.alive(token); !b.stored(t, token).Equal(b.now) {
			return func() { cancel(); <-done }
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("every touch was written at once")
	return nil
}

func TestCollectedTouchesAreWrittenTogether(t *testing.T) {
	b := open(t, session.Config{})
	one, two := b.start(t), b.start(t)
	stop := b.collects(t, one)
	b.alive(two)
	stop()
	for _, token := range []string{one, two} {
		if at := b.stored(t, token); !at.Equal(b.now) {
			t.Errorf("the store has %v, and the last request was at %v", at, b.now)
		}
	}
}

func TestAListOfSessionsHasTheCollectedTouches(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	stop := b.collects(t, token)
	defer stop()
	list, err := b.List(t.Context(), "u")
	if err != nil || len(list) != 1 || !list[0].SeenAt.Equal(b.now) || !list[0].IdleAt.Equal(b.now.Add(time.Hour)) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestALateTouchIsWrittenBeforeTheStoreIsRead(t *testing.T) {
	b := open(t, session.Config{Cache: -1})
	token := b.start(t)
	stop := b.collects(t, token)
	defer stop()
	b.now = b.stored(t, token).Add(time.Hour + time.Second) // past the end that the store knows
	if list, err := b.List(t.Context(), "u"); err != nil || len(list) != 1 {
		t.Errorf("list: %d, %v", len(list), err)
	}
	if !b.alive(token) {
		t.Error("the session expired although it was used")
	}
}

func TestATouchAfterALateOneIsNotLost(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	stop := b.collects(t, token)
	for range 3 {
		b.now = b.now.Add(50 * time.Minute)
		if !b.alive(token) {
			t.Fatal("the session expired although it was used")
		}
	}
	stop()
	if at := b.stored(t, token); !at.Equal(b.now) {
		t.Errorf("the store has %v, and the last request was at %v", at, b.now)
	}
}

func TestATouchIsWrittenAtOnceWhileNoneAreCollected(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	b.collects(t, token)()
	b.now = b.now.Add(2 * time.Minute)
	if b.alive(token); !b.stored(t, token).Equal(b.now) {
		t.Error("the touch was not written")
	}
}

func TestATouchOfASessionThatIsAboutToExpireIsWrittenAtOnce(t *testing.T) {
	b := open(t, session.Config{})
	token, late := b.start(t), b.start(t)
	stop := b.collects(t, token)
	defer stop()
	b.now = b.stored(t, late).Add(time.Hour - time.Second)
	if b.alive(late); !b.stored(t, late).Equal(b.now) {
		t.Error("the touch was not written, so the store would end the session within a second")
	}
}

func TestACollectedTouchDoesNotReviveASession(t *testing.T) {
	b := open(t, session.Config{})
	token := b.start(t)
	stop := b.collects(t, token)
	if _, err := b.Take(t.Context(), seal.HashToken(token)); err != nil {
		t.Fatal(err)
	}
	stop()
	if b.alive(token) {
		t.Error("the session is valid again")
	}
}
