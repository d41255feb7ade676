package limit

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// ErrCaptcha means that the next guess needs a captcha, because earlier ones were wrong.
var ErrCaptcha = errors.New("limit: a captcha is needed")

// networkFactor is the factor by which a network may have more wrong guesses than an identity,
// because users may share an address.
const networkFactor = 5

// captchas returns the budgets of guesses without a captcha. If they are full, a captcha is
// required; they never block a user.
func captchas() []Budget {
	return []Budget{
		{
			Name: captchaName, Per: "identity as typed, password",
			Claims: "anybody in a browser that never signed in before, with a password or a code in its place and " +
				"without a captcha, where captchas are switched on",
			Number: func(n Limits) int { return n.CaptchaFailures }, Window: day,
			Returns: "a right one by that identity, from anywhere; a new password; unlocking",
			Hurts:   "no one: a captcha is asked for",
		},
		{
			Name: captchaNetwork, Claims: "the same, for any account", Per: "network",
			Number: func(n Limits) int { return networkFactor * n.CaptchaFailures }, Window: quarter, Networks: true,
			costs:   true,
			Returns: "a right one gives its own place back",
			Hurts:   "no one: a captcha is asked for",
		},
		{
			Name: captchaAnswer, Claims: "anybody who answers a captcha that was asked for", Per: "network",
			Number: func(Limits) int { return 200 }, Window: quarter, Networks: true,
			costs:   true,
			Returns: "a right one gives its own place back, and so does one that could not be checked",
			Hurts:   "that network, where captchas are asked for",
		},
	}
}

// unasked returns the claims of a guess without a captcha. They use the typed identity, because
// budgets of the account would reveal which username belongs to an address.
func unasked(l *Limiter, g Guess) []storage.Claim {
	claims := []storage.Claim{l.claim(captchaName, g.Identity, fingerprint(g.Secret))}
	if g.From.Address != "" {
		claims = append(claims, l.byNetwork(captchaNetwork, g.From.Address)...)
	}
	return claims
}

// Failing reports whether a guess needs a captcha. It takes no place.
func Failing(ctx context.Context, l *Limiter, g Guess) (bool, error) {
	if g.From.Own() {
		return false, nil
	}
	_, err := l.reserve(ctx, &Reservation{}, looking(unasked(l, g))...)
	var p *Paused
	if errors.As(err, &p) {
		return true, nil
	}
	return false, err
}

// withoutCaptcha reserves a guess without a captcha: its places, and those of guesses without a
// captcha. It returns ErrCaptcha if only the latter are full.
func withoutCaptcha(
	ctx context.Context, l *Limiter, p *Reservation, g Guess, claims []storage.Claim,
) (*Reservation, error) {
	extra := unasked(l, g)
	for i := range extra {
		extra[i].Look = g.Look
	}
	p.own = append(p.own, Keys(extra[1:])...)
	place, err := l.reserve(ctx, p, append(claims[:len(claims):len(claims)], extra...)...)
	var closed *Paused
	if !errors.As(err, &closed) {
		return place, err
	}
	if _, err := l.reserve(ctx, &Reservation{}, looking(claims)...); err != nil {
		return nil, err
	}
	return nil, ErrCaptcha
}

// CaptchaAnswer reserves the check of an answer to a captcha.
func CaptchaAnswer(ctx context.Context, l *Limiter, address string) (*Reservation, error) {
	claims := l.byNetwork(captchaAnswer, address)
	return l.reserve(ctx, &Reservation{own: Keys(claims)}, claims...)
}

// FirstUse reports whether it is called with a text for the first time within the
// given time.
func FirstUse(ctx context.Context, l *Limiter, what string, within time.Duration) (bool, error) {
	err := l.Once(ctx, what, within)
	var again *Paused
	if errors.As(err, &again) {
		return false, nil
	}
	return err == nil, err
}
