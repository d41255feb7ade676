package send_test

import (
	"context"
	"testing"
	"time"
)

// A decoy is stored like any message and never sent, whatever the clock does.
func TestDecoyIsStoredAndNeverSent(t *testing.T) {
	h := newHouse(t)
	if err := h.Decoy(t.Context(), mail()); err != nil {
		t.Fatal(err)
	}
	if len(h.rows.rows) != 1 {
		t.Fatalf("%d rows", len(h.rows.rows))
	}
	for _, now := range []time.Time{time.Unix(1, 0), time.Now().AddDate(-50, 0, 0), time.Now(),
		time.Now().AddDate(200, 0, 0)} {
		copied := newMemory()
		for id, m := range h.rows.rows {
			copied.rows[id] = m
		}
		if due, err := copied.ClaimMessages(context.Background(), now, time.Minute, 10); err != nil || len(due) != 0 ||
			len(copied.rows) != 0 {
			t.Errorf("at %v: %d handed out, %d left, %v", now, len(due), len(copied.rows), err)
		}
	}
	if len(h.first.All())+len(h.next.All()) != 0 {
		t.Error("it was sent")
	}
}
