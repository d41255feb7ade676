package limit

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// RescueFailures wrong codes in a row, over all rescues of an account by mail,
// leave one guess a day.
const RescueFailures = 20

const forever = 10 * 365 * 24 * time.Hour

// Mailed reserves one guess at a code by which an account's owner proves the
// address: in the account's pause budget, and in one of its own that after
// FactorFailures wrong codes in a row leaves one guess a day.
func (l *Limiter) Mailed(ctx context.Context, userID string) (*Place, error) {
	return l.mailed(ctx, userID, "address", l.n.FactorFailures)
}

// Rescued reserves one guess at a code that a rescue mailed: in the account's
// pause budget and in one of the rescue's own, never in a factor's.
func (l *Limiter) Rescued(ctx context.Context, userID string) (*Place, error) {
	return l.mailed(ctx, userID, "rescue", RescueFailures)
}

func (l *Limiter) mailed(ctx context.Context, userID, purpose string, limit int) (*Place, error) {
	second, mailed := key("second", userID), key("mailed", purpose, userID)
	return l.reserve(ctx, &Place{own: []string{second}, all: []string{mailed}},
		store.Claim{Key: second, Limit: l.n.SecondFailures, Window: l.n.SecondWindow, Hold: l.n.SecondWindow},
		store.Claim{Key: mailed, Limit: limit, Window: forever, Hold: 24 * time.Hour})
}

// FactorLives reports whether a factor may be guessed at, and takes no place.
func (l *Limiter) FactorLives(ctx context.Context, factor string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("factor", factor), Look: true})
	return err
}

// Proves adds a factor that was proven: its failures are forgotten too.
func (p *Place) Proves(factor string) *Place {
	p.all = append(p.all, key("factor", factor))
	return p
}
