package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
)

// countSignIn counts a sign-in if that is configured. Sessions that continue without a sign-in, of
// a browser or a program, are not counted.
func countSignIn(ctx context.Context, c Config, g granted, e event.Event, b Client) error {
	if _, signIn := e.(event.UserAuthenticated); c.SignIns == nil || !signIn || g.stays != nil || g.family != nil {
		return nil
	}
	return c.SignIns.CountSignIn(ctx, g.user.ID, c.Now(), b.Address)
}
