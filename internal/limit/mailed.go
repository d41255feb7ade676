package limit

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// RescueFailures is the number of consecutive wrong codes, over all rescues of an account by mail,
// after which one guess a day is allowed.
const RescueFailures = 20

// Mailed reserves one guess at a code by which an account's owner proves the address: in the
// caller's pause budget, and in its own budget, which allows one guess a day after FactorFailures
// consecutive wrong codes.
func (l *Limiter) Mailed(ctx context.Context, userID string, f From) (*Reservation, error) {
	return l.mailed(ctx, mailedLife, userID, f)
}

// Rescued reserves one guess at a code that a rescue mailed: in the account's pause budget and in
// the rescue's own budget, never in a factor's.
func (l *Limiter) Rescued(ctx context.Context, userID string, f From) (*Reservation, error) {
	return l.mailed(ctx, rescueLife, userID, f)
}

func (l *Limiter) mailed(ctx context.Context, of name, userID string, f From) (*Reservation, error) {
	pause, life := l.pause(userID, f), l.claim(of, userID)
	return l.reserve(ctx, &Reservation{own: Keys(pause), all: []string{life.Key}}, append(pause, life)...)
}

// Proved resets the counters of an account whose address has just been proven, because another
// person may have registered it and used up the guesses that the owner needs to set up a factor.
// Budgets that bound the cost of messages to the address stay.
func (l *Limiter) Proved(ctx context.Context, userID, address string) error {
	all := []string{
		key(mailedLife, userID), key(rescueLife, userID), key(setup, userID),
		key(sendShortly, address, storage.Email, string(Claimed)),
		key(sendUnanswered, address, storage.Email, string(Claimed)),
	}
	for _, channel := range []string{storage.Email, storage.SMS} {
		all = append(all, key(sendClaimed, userID, channel))
	}
	if err := l.counters.Release(ctx, nil, all); err != nil {
		return err
	}
	return l.counters.Forget(ctx, owned(second, userID), owned(recoveryCode, userID), owned(passkey, userID))
}

// FactorLives returns an error if the caller may not guess at a factor. It takes no place.
func (l *Limiter) FactorLives(ctx context.Context, factor string, f From) error {
	_, err := l.reserve(ctx, &Reservation{}, looking(l.life(factor, f))...)
	return err
}

// Proves adds a factor that was proven, whose failures are also reset.
func (p *Reservation) Proves(factor string) *Reservation {
	p.all = append(p.all, key(factorLife, factor), key(factorStrangers, factor), key(factorNetworks, factor))
	return p
}
