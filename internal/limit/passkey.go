package limit

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Passkey reserves one answer of an authenticator, from a client address and, where it is known
// before, for an account. Passkeys have their own budgets (R119). A signature cannot be guessed, so
// these only bound the cost of checks. Guesses at passwords or codes do not block the owner's
// passkey.
func (l *Limiter) Passkey(ctx context.Context, userID string, f From) (*Reservation, error) {
	var own, all []storage.Claim
	if userID != "" {
		all = l.apart(passkey, userID, f)
	}
	if f.Address != "" && !f.known() {
		own = l.byNetwork(passkeyAddress, f.Address)
	}
	return l.reserve(ctx, &Reservation{own: Keys(own), all: Keys(all)}, append(own, all...)...)
}

// PasskeyOptions reserves one challenge for a stranger's browser.
func (l *Limiter) PasskeyOptions(ctx context.Context, address string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.byNetwork(passkeyOptions, address)...)
	return err
}

// Answer reserves one answer to a passkey challenge.
func (l *Limiter) Answer(ctx context.Context, question string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(passkeyAnswer, question))
	return err
}
