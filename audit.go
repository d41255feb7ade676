package twofold

import (
	"context"

	"github.com/twofold-auth/twofold/event"
)

// Audit returns the audit trail.
func (a *Auth) Audit() event.Audit { return a.trail.Audit() }

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
