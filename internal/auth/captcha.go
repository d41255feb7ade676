package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The places at which a captcha may be required.
const (
	AtRegister = "register" // at every registration
	AtReset    = "reset"    // at every form that sends a mail to the typed address
	AtSignIn   = "sign-in"  // after failed sign-ins, in unknown browsers
)

// Captcha checks answers to captchas.
type Captcha interface {
	// Check reports whether an answer is right. An error means that this could not be determined.
	Check(ctx context.Context, answer, action, address string) (bool, error)
}

// Captchas configures which captcha is required, and where.
type Captchas struct {
	Check Captcha // nil if no captcha is required
	At    []string
}

func (c Captchas) at(place string) bool { return c.Check != nil && slices.Contains(c.At, place) }

var (
	// ErrCaptcha means that a captcha must be solved first.
	ErrCaptcha = limit.ErrCaptcha
	// ErrCaptchaWrong means that the answer to the captcha is wrong, too old or already used.
	ErrCaptchaWrong = errors.New("auth: captcha not solved")
	// ErrCaptchaDown means that the answer could not be checked.
	ErrCaptchaDown = errors.New("auth: captcha could not be checked")
)

// human checks the captcha of a step that requires one, before the step takes a place in any budget
// except that of the caller's network. A correct answer is used up even if the step fails.
func (l Guesses) human(ctx context.Context, place string, b *Client) error {
	if b.Human || !l.c.Captcha.at(place) {
		return nil
	}
	if b.Captcha == "" {
		return ErrCaptcha
	}
	claimed, err := limit.CaptchaAnswer(ctx, l.c.Limits, b.Address)
	if err != nil {
		return err
	}
	ok, err := l.c.Captcha.Check.Check(ctx, b.Captcha, place, b.Address)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrCaptchaDown, errors.Join(err, claimed.Undo(context.WithoutCancel(ctx))))
	case !ok:
		return ErrCaptchaWrong
	}
	b.Human = true
	return claimed.Succeed(ctx)
}

// humanAfterFailures is like human, for a step of the sign-in. It requires a captcha only after
// failed sign-ins with the typed identity or from the network. An unknown identity counts like any
// other, so the captcha does not reveal whether it exists.
func (l Guesses) humanAfterFailures(ctx context.Context, u storage.User, identity string, b *Client) error {
	failing, err := l.asksAfterFailures(ctx, u, identity, *b)
	if err != nil || !failing {
		return err
	}
	return l.human(ctx, AtSignIn, b)
}

func (l Guesses) asksAfterFailures(ctx context.Context, u storage.User, identity string, b Client) (bool, error) {
	if b.Human || !l.c.Captcha.at(AtSignIn) {
		return false, nil
	}
	return limit.Failing(ctx, l.c.Limits, guess(u, identity, l.budgets.from(u, b)))
}

// guess returns a guess at the first factor of an account, or of a typed identity.
func guess(u storage.User, identity string, from limit.From) limit.Guess {
	return limit.Guess{Identity: typed(identity), Account: budgetOf(u, identity), Secret: u.PasswordHash, From: from}
}

// AsksCaptcha reports whether a page shows a captcha at a place, for the typed identity if there is
// one.
func (l Guesses) AsksCaptcha(ctx context.Context, place, identity string, b Client) (bool, error) {
	if place != AtSignIn {
		return !b.Human && l.c.Captcha.at(place), nil
	}
	if !l.c.Captcha.at(place) {
		return false, nil
	}
	var u storage.User
	if identity != "" {
		var err error
		if u, err = l.c.Accounts.Find(ctx, identity); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
	}
	return l.asksAfterFailures(ctx, u, identity, b)
}
