package event

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// UserDeleted reports that an account was deleted. In the audit trail, this event and the remaining
// rows of the account have a pseudonym.
type UserDeleted struct {
	User Subject
	Context
}

// DeletionRequested reports that the owner of an account asked for its deletion.
type DeletionRequested struct {
	User Subject
	Due  time.Time
	Context
}

// DeletionStopped reports that a deletion was canceled. Why is "signed in", "not me" or "link".
type DeletionStopped struct {
	User Subject
	Why  string
	Context
}

// Name implements [Event].
func (UserDeleted) Name() string { return "user-deleted" }

// Name implements [Event].
func (DeletionRequested) Name() string { return "user-deletion-requested" }

// Name implements [Event].
func (DeletionStopped) Name() string { return "user-deletion-stopped" }

// deletionEntry returns the entry of an event in this file. Erasure writes UserDeleted.
func deletionEntry(e Event, entry Entry) (Entry, bool) {
	switch e := e.(type) {
	case DeletionRequested:
		entry.of(e.User, e.Context)
	case DeletionStopped:
		entry.of(e.User, e.Context)
		entry.Reason = e.Why
	default:
		return transferEntry(e, entry)
	}
	return entry, true
}

// Erasure removes the data of one account from the trail. Its rows stay, each with its time, name,
// method and result, and with one pseudonym in place of the account's ID. Reasons, sessions,
// addresses, user agents and requests are removed.
//
// A row keeps its original keyed hash, because seals cover it. The hash also covers the account's
// ID: without the ID, no one can guess the removed values and check them. A second keyed hash, over
// the remaining values, shows that the row was erased by someone who has the key.
type Erasure struct {
	t         *Trail
	pseudonym string
	at        time.Time
	agent     string
}

// NewErasure returns an erasure under a new pseudonym.
func (t *Trail) NewErasure(ctx context.Context) Erasure {
	agent := Acting(ctx, Context{}).agent()
	return Erasure{t, "deleted-" + storage.NewID(), t.now().UTC().Truncate(time.Microsecond), agent}
}

// Erase returns the row without the erased values.
func (x Erasure) Erase(e store.Event) store.Event {
	e.UserID, e.Reason, e.Session, e.Address, e.Agent, e.Request = x.pseudonym, "", "", "", "", ""
	e.Erased = x.t.keys.MAC("erased", signedErased(e)...)
	return e
}

// Event returns the row that records the deletion.
func (x Erasure) Event() store.Event {
	e := store.Event{
		ID: storage.NewID(), UserID: x.pseudonym, At: x.at, Name: UserDeleted{}.Name(), Result: OK, Agent: x.agent,
	}
	e.MAC = x.t.keys.MAC("event", signed(e)...)
	return e
}

func signedErased(e store.Event) []string { return append(signed(e), string(e.MAC)) }

// genuine reports whether a row is unchanged since it was written, or since Erase erased it.
func (t *Trail) genuine(e store.Event) bool {
	if len(e.Erased) > 0 {
		return t.any(e.Erased, "erased", signedErased(e))
	}
	return t.any(e.MAC, "event", signed(e))
}

// Of returns all rows of an account, in order.
func (t *Trail) Of(ctx context.Context, userID string) (out []store.Event, err error) {
	for after := int64(0); ; after = out[len(out)-1].Row {
		rows, err := t.events.EventsBy(ctx, store.EventFilter{UserID: userID, After: after})
		if out = append(out, rows...); err != nil || len(rows) == 0 {
			return out, err
		}
	}
}
