package limit

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// How many sessions an account may begin, and how often a program may exchange
// its refresh token. They bound what an account costs, so only those claim them
// who have proven all that the account asks for: a stranger cannot use them up.
const (
	sessionsAtOnce  = 120
	exchangesAtOnce = 30  // of one family
	exchangesOfAll  = 300 // of all families of an account
	atOnce          = 10 * time.Minute
)

// Session reserves the beginning of a session of an account.
func (l *Limiter) Session(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("sessions", userID), Limit: sessionsAtOnce, Window: atOnce})
	return err
}

// Exchange reserves the exchange of a refresh token.
func (l *Limiter) Exchange(ctx context.Context, userID, family string) error {
	_, err := l.reserve(ctx, &Place{},
		store.Claim{Key: key("exchange", family), Limit: exchangesAtOnce, Window: atOnce},
		store.Claim{Key: key("exchanges", userID), Limit: exchangesOfAll, Window: atOnce})
	return err
}
