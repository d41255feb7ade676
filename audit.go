package twofold

import (
	"context"

	"github.com/twofold-auth/twofold/event"
)

// Audit returns the audit trail.
func (a *Auth) Audit() event.Audit { return a.trail.Audit() }

// changed records a change that the application or an operator made to an
// account.
func changed(ctx context.Context, a *Auth, id, what string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return publicError(err)
	}
	return a.login.AccountChanged(ctx, u, what)
}
