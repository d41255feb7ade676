package limit

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Mailed reserves one guess at a code that was mailed to an account for a
// purpose other than a second factor: in the account's pause budget, and in one
// of the purpose's own that after FactorFailures wrong codes in a row leaves one
// guess a day. A second factor's own budget is another one.
func (l *Limiter) Mailed(ctx context.Context, userID, purpose string) (*Place, error) {
	second, mailed := key("second", userID), key("mailed", purpose, userID)
	return l.reserve(ctx, &Place{own: []string{second}, all: []string{mailed}},
		store.Claim{Key: second, Limit: l.n.SecondFailures, Window: l.n.SecondWindow, Hold: l.n.SecondWindow},
		store.Claim{Key: mailed, Limit: l.n.FactorFailures, Window: 10 * 365 * 24 * time.Hour, Hold: 24 * time.Hour})
}
