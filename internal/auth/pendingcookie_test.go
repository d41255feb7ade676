package auth

import (
	"errors"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestACookieKnowsWhatItsRequestHasDone checks that after a step of the same request the copy
// matches the store, and that after a step of another request the copy does not overwrite it.
func TestACookieKnowsWhatItsRequestHasDone(t *testing.T) {
	d, ctx := newDesk(t), t.Context()
	l, err := New(d.complete(t))
	if err != nil {
		t.Fatal(err)
	}
	put := func(token string) *PendingCookie {
		t.Helper()
		if err := d.db.PutPending(ctx, storage.Pending{
			Hash: hash(token), UserID: d.user.ID, CredentialVersion: d.user.CredentialVersion, State: storage.Setup,
			CreatedAt: d.now, ExpiresAt: d.now.Add(time.Minute),
		}); err != nil {
			t.Fatal(err)
		}
		return NewPendingCookie(token)
	}
	load := func(cookie *PendingCookie) pendingSignIn {
		t.Helper()
		w, err := l.loadPending(ctx, cookie, nil)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	one := put("one")
	for _, state := range []storage.PendingState{storage.Repair, storage.Setup, storage.Repair} {
		w := load(one)
		w.State = state
		if err := l.SecondFactor.advance(ctx, w); err != nil {
			t.Fatal(err)
		}
		stored, err := d.db.Pending(ctx, hash("one"), d.now)
		if got := load(one).Pending; err != nil || got.State != state || got.Version != stored.Version {
			t.Fatalf("the copy is %+v, the record %+v, %v", got, stored, err)
		}
	}

	other := NewPendingCookie("one") // of another request
	w := load(other)
	w.Rescue = true
	if err := l.SecondFactor.advance(ctx, w); err != nil {
		t.Fatal(err)
	}
	if err := l.SecondFactor.advance(ctx, load(one)); !errors.Is(err, ErrState) {
		t.Errorf("an old copy was written over a newer record: %v", err)
	}
	if !load(one).Rescue {
		t.Error("after a refusal the record is not read again")
	}
	if err := l.takePending(ctx, load(one)); err != nil {
		t.Fatal(err)
	}
	if err := l.takePending(ctx, load(other)); !errors.Is(err, storage.ErrUsed) {
		t.Errorf("taken twice: %v", err)
	}
	for _, cookie := range []*PendingCookie{one, other, NewPendingCookie(""), nil} {
		if _, err := l.loadPending(ctx, cookie, nil); !errors.Is(err, ErrState) {
			t.Errorf("after it was taken: %v", err)
		}
	}
}
