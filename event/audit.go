package event

import (
	"context"
	"io"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Audit reads the audit trail.
type Audit struct{ trail *Trail }

// Audit returns the part of the trail that only reads it.
func (t *Trail) Audit() Audit { return Audit{t} }

// AuditEntry is one row of the audit trail. It contains no secret.
type AuditEntry struct {
	Row     int64     `json:"row"`
	At      time.Time `json:"at"`
	User    string    `json:"user,omitempty"` // an ID, empty if unknown
	Event   string    `json:"event"`          // e.g. "user-authenticated"
	Method  string    `json:"method,omitempty"`
	Result  string    `json:"result"` // "ok" or "refused"
	Reason  string    `json:"reason,omitempty"`
	Session string    `json:"session,omitempty"` // the ID, not the token
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Request string    `json:"request,omitempty"` // as in the header X-Request-Id
	// By is the actor and the reason of a call whose context was made by event.WithActor. Address, Agent
	// and Request are then empty.
	By string `json:"by,omitempty"`
}

// AuditFilter selects entries. A zero field selects all.
type AuditFilter struct {
	User  string // an ID
	Since time.Time
	After int64 // only entries after this row
	Limit int   // 1000 if zero
}

// List returns entries of the audit trail, oldest first. To read on, set After to the Row of the
// last entry: no entry is skipped.
func (a Audit) List(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	rows, err := a.trail.Settled(ctx, storage.EventFilter{
		UserID: f.User, Since: f.Since, After: f.After, Limit: f.Limit,
	})
	out := make([]AuditEntry, len(rows))
	for i, e := range rows {
		out[i] = AuditEntry{
			Row: e.Row, At: e.At.UTC(), User: e.UserID, Event: e.Name, Method: e.Method, Result: e.Result,
			Reason: e.Reason, Session: e.Session, Address: e.Address, Request: e.Request,
		}
		out[i].Agent, out[i].By = ActorOf(e)
	}
	return out, err
}

// Verify reads the whole audit trail and reports rows that were changed, removed or inserted. If
// head is not empty, it is the Head of an earlier report (the log has one every hour); Verify then
// also detects that the end of the trail was cut off. Rows that were removed because of their age
// (Accounts.AuditDays) are reported separately and are not a problem.
func (a Audit) Verify(ctx context.Context, head string) (Report, error) {
	return a.trail.Verify(ctx, head)
}

// VerifyArchive reads a file of the archive (Accounts.AuditArchive) and reports what does not match.
// It needs the key and no store.
func (a Audit) VerifyArchive(r io.Reader) (ArchiveReport, error) { return a.trail.VerifyArchive(r) }
