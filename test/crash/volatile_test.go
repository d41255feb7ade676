package crash_test

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// volatile is the part of a store that expires. Each call may be the last one.
type volatile struct {
	s storage.Volatile
	*doom
}

func (c volatile) AdvancePending(ctx context.Context, p storage.Pending) error {
	defer c.call(ctx, "AdvancePending")()
	return c.s.AdvancePending(ctx, p)
}

func (c volatile) Draft(ctx context.Context, owner string) (storage.Draft, error) {
	defer c.call(ctx, "Draft")()
	return c.s.Draft(ctx, owner)
}

func (c volatile) DropChallenge(ctx context.Context, key string) error {
	defer c.call(ctx, "DropChallenge")()
	return c.s.DropChallenge(ctx, key)
}

func (c volatile) DropUser(ctx context.Context, userID string, until time.Time) error {
	defer c.call(ctx, "DropUser")()
	return c.s.DropUser(ctx, userID, until)
}

func (c volatile) EndPendings(ctx context.Context, userID string) error {
	defer c.call(ctx, "EndPendings")()
	return c.s.EndPendings(ctx, userID)
}

func (c volatile) EndSession(ctx context.Context, userID, id string) ([]string, error) {
	defer c.call(ctx, "EndSession")()
	return c.s.EndSession(ctx, userID, id)
}

func (c volatile) EndSessions(ctx context.Context, userID string) error {
	defer c.call(ctx, "EndSessions")()
	return c.s.EndSessions(ctx, userID)
}

func (c volatile) Owners(ctx context.Context) ([]string, error) {
	defer c.call(ctx, "Owners")()
	return c.s.Owners(ctx)
}

func (c volatile) Pending(ctx context.Context, hash string, now time.Time) (storage.Pending, error) {
	defer c.call(ctx, "Pending")()
	return c.s.Pending(ctx, hash, now)
}

func (z volatile) PutChallenge(ctx context.Context, c storage.Challenge) error {
	defer z.call(ctx, "PutChallenge")()
	return z.s.PutChallenge(ctx, c)
}

func (c volatile) PutDraft(ctx context.Context, d storage.Draft) error {
	defer c.call(ctx, "PutDraft")()
	return c.s.PutDraft(ctx, d)
}

func (c volatile) PutPending(ctx context.Context, p storage.Pending) error {
	defer c.call(ctx, "PutPending")()
	return c.s.PutPending(ctx, p)
}

func (c volatile) PutSession(ctx context.Context, s storage.Session) error {
	defer c.call(ctx, "PutSession")()
	return c.s.PutSession(ctx, s)
}

func (c volatile) RebindSession(ctx context.Context, s storage.Session) error {
	defer c.call(ctx, "RebindSession")()
	return c.s.RebindSession(ctx, s)
}

func (c volatile) Session(ctx context.Context, hash string, now time.Time) (storage.Session, error) {
	defer c.call(ctx, "Session")()
	return c.s.Session(ctx, hash, now)
}

func (c volatile) SessionsOf(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	defer c.call(ctx, "SessionsOf")()
	return c.s.SessionsOf(ctx, userID, now)
}

func (c volatile) TakeDraft(ctx context.Context, owner, id string) error {
	defer c.call(ctx, "TakeDraft")()
	return c.s.TakeDraft(ctx, owner, id)
}

func (c volatile) TakePending(ctx context.Context, hash string) (storage.Pending, error) {
	defer c.call(ctx, "TakePending")()
	return c.s.TakePending(ctx, hash)
}

func (c volatile) TakeSession(ctx context.Context, hash string) (storage.Session, error) {
	defer c.call(ctx, "TakeSession")()
	return c.s.TakeSession(ctx, hash)
}

func (c volatile) TouchSession(ctx context.Context, hash string, seen, idle time.Time) error {
	defer c.call(ctx, "TouchSession")()
	return c.s.TouchSession(ctx, hash, seen, idle)
}

func (c volatile) TouchSessions(ctx context.Context, list []storage.Touch) error {
	defer c.call(ctx, "TouchSessions")()
	return c.s.TouchSessions(ctx, list)
}

func (c volatile) TrimSessions(ctx context.Context, userID string, keep int) ([]storage.Session, error) {
	defer c.call(ctx, "TrimSessions")()
	return c.s.TrimSessions(ctx, userID, keep)
}

func (c volatile) TryChallenge(ctx context.Context, key string, macs [][]byte, now time.Time) error {
	defer c.call(ctx, "TryChallenge")()
	return c.s.TryChallenge(ctx, key, macs, now)
}
