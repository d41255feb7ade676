package login

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/store"
)

// The places where a captcha may be asked for.
const (
	AtRegister = "register" // at every registration
	AtReset    = "reset"    // at every form that has a letter sent to what was typed
	AtSignIn   = "sign-in"  // after failed sign-ins, in browsers that are not known
)

// Captcha checks answers to captchas. An error means that it is not known whether an
// answer is right.
type Captcha interface {
	Check(ctx context.Context, answer, action, address string) (bool, error)
}

// Captchas says where a captcha is asked for, and which.
type Captchas struct {
	Check Captcha // nil: none is asked for
	At    []string
}

func (c Captchas) at(place string) bool { return c.Check != nil && slices.Contains(c.At, place) }

var (
	// ErrCaptcha: a captcha must be answered first.
	ErrCaptcha = limit.ErrCaptcha
	// ErrCaptchaWrong: the answer to the captcha is wrong, too old or used before.
	ErrCaptchaWrong = errors.New("login: captcha not solved")
	// ErrCaptchaDown: it is not known whether the answer is right.
	ErrCaptchaDown = errors.New("login: captcha could not be checked")
)

// human checks the captcha of a step that asks for one, before the step takes a
// place in a budget of anyone's but the caller's network. A right answer is used up,
// also where the step then fails.
func human(ctx context.Context, l *Login, place string, b *Browser) error {
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
	return claimed.Right(ctx)
}

// humanAfterFailures is human for a step of the sign-in: it asks for a captcha only
// where sign-ins failed before, by what was typed and by the network. An identity
// that no one has counts like any other, so this tells nothing of it.
func humanAfterFailures(ctx context.Context, l *Login, u store.User, identity string, b *Browser) error {
	failing, err := asksAfterFailures(ctx, l, u, identity, *b)
	if err != nil || !failing {
		return err
	}
	return human(ctx, l, AtSignIn, b)
}

func asksAfterFailures(ctx context.Context, l *Login, u store.User, identity string, b Browser) (bool, error) {
	if b.Human || !l.c.Captcha.at(AtSignIn) {
		return false, nil
	}
	return limit.Failing(ctx, l.c.Limits, guess(u, identity, l.from(u, b)))
}

// guess is a guess at the first factor of an account, or of what was typed.
func guess(u store.User, identity string, from limit.From) limit.Guess {
	return limit.Guess{Identity: typed(identity), Account: budgetOf(u, identity), Secret: u.PasswordHash, From: from}
}

// AsksCaptcha reports whether a page shows a captcha: at a place, and for the
// identity that was typed, if there is one.
func AsksCaptcha(ctx context.Context, l *Login, place, identity string, b Browser) (bool, error) {
	if place != AtSignIn {
		return !b.Human && l.c.Captcha.at(place), nil
	}
	if !l.c.Captcha.at(place) {
		return false, nil
	}
	var u store.User
	if identity != "" {
		var err error
		if u, err = l.c.Accounts.Find(ctx, identity); err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
	}
	return asksAfterFailures(ctx, l, u, identity, b)
}
