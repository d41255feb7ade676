package twofold

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// MissingKeys counts the second factors that no configured key decrypts, grouped by the name of the
// key that encrypted them: a tag of TwoFactor.Secrets, or a name that starts with "k" for a key of
// Config.Key. It stops counting at 1,000.
func (a *Auth) MissingKeys(ctx context.Context) (map[string]int, error) {
	sealed, err := a.store.SealedOtherwise(ctx, a.ring.Heads(), 1000)
	if err != nil || len(sealed) == 0 {
		return nil, err
	}
	out := map[string]int{}
	for _, s := range sealed {
		out[seal.TagOf(s)]++
	}
	return out, nil
}

// KeyFits reports whether a configured key signed the newest sealed row of the
// audit trail. If not, the key belongs to another database, or someone changed
// that row.
func (a *Auth) KeyFits(ctx context.Context) (bool, error) { return a.trail.Fits(ctx) }

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
	// By is the actor and the reason of a call whose context was made by [By]. Address, Agent and
	// Request are then empty.
	By string `json:"by,omitempty"`
}

// AuditFilter selects entries. A zero field selects all.
type AuditFilter struct {
	User  string // an ID
	Since time.Time
	After int64 // only entries after this row
	Limit int   // 1000 if zero
}

// AuditList returns entries of the audit trail, oldest first. To read on, set After to the Row of
// the last entry: no entry is skipped.
func (a *Auth) AuditList(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	rows, err := a.trail.Settled(ctx, storage.EventFilter{
		UserID: f.User, Since: f.Since, After: f.After, Limit: f.Limit,
	})
	out := make([]AuditEntry, len(rows))
	for i, e := range rows {
		out[i] = AuditEntry{
			Row: e.Row, At: e.At.UTC(), User: e.UserID, Event: e.Name, Method: e.Method, Result: e.Result,
			Reason:  e.Reason,
			Session: e.Session, Address: e.Address, Request: e.Request,
		}
		out[i].Agent, out[i].By = event.ActorOf(e)
	}
	return out, err
}

// AuditVerify reads the whole audit trail and reports rows that were changed, removed or inserted.
// If head is not empty, it is the Head of an earlier report (the log has one every hour);
// AuditVerify then also detects that the end of the trail was cut off. Rows that were removed
// because of their age (Accounts.AuditDays) are reported separately and are not a problem.
func (a *Auth) AuditVerify(ctx context.Context, head string) (event.Report, error) {
	return a.trail.Verify(ctx, head)
}

// By returns a context that records the actor and the reason of calls that change accounts. The
// reason may be empty. Both appear in events, in the audit trail and in mails to the owners of the
// accounts, so choose a name for the actor that owners may read.
func By(ctx context.Context, actor, reason string) context.Context {
	return event.WithActor(ctx, actor, reason)
}

// changed records a change that the application or an operator made to an
// account.
func changed(ctx context.Context, a *Auth, id, what string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return publicError(err)
	}
	return a.login.AccountChanged(ctx, u, what)
}
