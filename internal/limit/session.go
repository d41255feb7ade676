package limit

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Session reserves one new session of an account. This budget and those of exchanges bound the cost
// of an account. Only users who have proven all required factors claim them, so strangers cannot
// use them up.
func (l *Limiter) Session(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.SessionClaim(userID))
	return err
}

// SessionClaim is the claim of Session, for a step that reserves it itself.
func (l *Limiter) SessionClaim(userID string) storage.Claim { return l.claim(sessions, userID) }

// Exchange reserves the exchange of a refresh token.
func (l *Limiter) Exchange(ctx context.Context, userID, family string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(exchange, family), l.claim(exchanges, userID))
	return err
}

// Profile reserves a change of profile fields, which writes permanent rows.
func Profile(ctx context.Context, l *Limiter, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(profiles, userID))
	return err
}

// Copy reserves a copy of all data about an account.
func Copy(ctx context.Context, l *Limiter, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(copies, userID))
	return err
}
