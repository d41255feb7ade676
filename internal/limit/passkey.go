package limit

import (
	"context"

	"github.com/twofold-auth/twofold/store"
)

// Passkey reserves one answer of an authenticator, from a client address and,
// where it is known before, for an account. Passkeys have budgets of their own
// (R119): a signature cannot be guessed, so these bound what checking costs, and
// guesses at passwords or codes do not shut the owner's passkey out.
func (l *Limiter) Passkey(ctx context.Context, userID string, f From) (*Reservation, error) {
	var own, all []store.Claim
	if userID != "" {
		all = l.apart(passkey, userID, f)
	}
	if f.Address != "" && !f.known() {
		own = l.byNetwork(passkeyAddress, f.Address)
	}
	return l.reserve(ctx, &Reservation{own: Keys(own), all: Keys(all)}, append(own, all...)...)
}

// PasskeyOptions reserves one question that is put to a stranger's browser.
func (l *Limiter) PasskeyOptions(ctx context.Context, address string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.byNetwork(passkeyOptions, address)...)
	return err
}

// Answer reserves one answer to a question that was put to a passkey.
func (l *Limiter) Answer(ctx context.Context, question string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(passkeyAnswer, question))
	return err
}
