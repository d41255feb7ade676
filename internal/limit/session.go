package limit

import (
	"context"

	"github.com/twofold-auth/twofold/store"
)

// Session reserves the beginning of a session of an account. This budget and
// those of exchanges bound what an account costs, so only those claim them who have
// proven all that the account asks for: a stranger cannot use them up.
func (l *Limiter) Session(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.SessionClaim(userID))
	return err
}

// SessionClaim is the claim of Session, for a step that reserves it itself.
func (l *Limiter) SessionClaim(userID string) store.Claim { return l.claim(sessions, userID) }

// Exchange reserves the exchange of a refresh token.
func (l *Limiter) Exchange(ctx context.Context, userID, family string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(exchange, family), l.claim(exchanges, userID))
	return err
}

// Profile reserves a change of profile fields, each of which writes rows that stay.
func Profile(ctx context.Context, l *Limiter, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(profiles, userID))
	return err
}

// Copy reserves a copy of all that is kept about an account.
func Copy(ctx context.Context, l *Limiter, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(copies, userID))
	return err
}
