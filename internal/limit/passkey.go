package limit

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Passkey reserves one answer of an authenticator, from a client address and,
// where it is known before, for an account. Passkeys have budgets of their own
// (R119): nobody can guess a signature, so these bound what checking costs, and
// whoever guesses passwords or codes does not shut the owner's passkey out.
func (l *Limiter) Passkey(ctx context.Context, userID, address string) (*Place, error) {
	p := &Place{}
	var claims []store.Claim
	if userID != "" {
		k := key("passkey", userID)
		p.all = append(p.all, k)
		claims = append(claims, store.Claim{Key: k, Limit: l.n.PasskeyFailures, Window: 15 * time.Minute, Hold: 15 * time.Minute})
	}
	if address != "" {
		a := key("passkeyaddress", network(address))
		p.own = append(p.own, a)
		claims = append(claims, store.Claim{Key: a, Limit: l.n.AddressFailures, Window: 15 * time.Minute, Hold: 15 * time.Minute})
	}
	return l.reserve(ctx, p, claims...)
}

// PasskeyOptions reserves one question that is put to a stranger's browser.
func (l *Limiter) PasskeyOptions(ctx context.Context, address string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{
		Key: key("passkeyoptions", network(address)), Limit: l.n.PasskeyHour, Window: time.Hour,
	})
	return err
}

// answers is how many answers one question of a passkey takes. They are counted
// for longer than any question stands.
const (
	answers       = 5
	answersWindow = time.Hour
)

// Answer reserves one answer to a question that was put to a passkey.
func (l *Limiter) Answer(ctx context.Context, question string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("answer", question), Limit: answers, Window: answersWindow})
	return err
}
