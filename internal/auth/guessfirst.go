package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// proveFirst runs a check of an account's first factor within its budget. The check returns the
// proven method, or an empty string for a wrong answer. It may set the account: an unknown one may
// be imported from the former system.
func (l Guesses) proveFirst(ctx context.Context, who *storage.User, identity, authType string, b Client,
	check func(context.Context) (string, error)) (string, error) {
	method, place, err := l.guessFirst(ctx, guessed{who, identity, authType}, b, check)
	if err == nil {
		err = l.right(ctx, *who, place)
	}
	return method, err
}

// right updates the budgets after a right guess at a first factor. The check may have changed
// whether the account may sign in.
func (l Guesses) right(ctx context.Context, u storage.User, place *limit.Reservation) error {
	if err := place.Succeed(ctx); err != nil {
		return err
	}
	return l.checkAllowed(u)
}

// guessed describes a guess at a first factor.
type guessed struct {
	who                *storage.User
	identity, authType string
}

// guessFirst is like proveFirst, for a caller that updates the budgets after a right guess itself,
// when it has written the result.
func (l Guesses) guessFirst(ctx context.Context, g guessed, b Client,
	check func(context.Context) (string, error)) (string, *limit.Reservation, error) {
	// Password checks wait for a hashing slot. A place is reserved after the wait, so that many
	// users behind one address do not fill its budget by waiting. A caller is refused without
	// waiting if no place is left.
	u := *g.who
	if b.Captcha != "" {
		if err := l.humanAfterFailures(ctx, u, g.identity, &b); err != nil {
			return "", nil, err
		}
	}
	ctx = l.ahead(ctx, u, b)
	queued, leave := ctx, func() {}
	if g.authType == "password" || slices.Contains(l.Passwordless.FirstMethods(), ByPassword) {
		var err error
		if l.c.Accounts.HashingBusy() {
			if _, err = l.budgets.firstPlace(ctx, u, g.identity, b, true); err != nil {
				return "", nil, err
			}
		}
		if queued, leave, err = l.c.Accounts.AcquireHash(ctx); err != nil {
			return "", nil, err
		}
	}
	defer leave()
	place, err := l.budgets.firstPlace(ctx, u, g.identity, b, false)
	if err != nil {
		return "", nil, err
	}
	method, err := check(queued)
	refusal := error(ErrPassword)
	switch {
	case errors.Is(err, account.ErrWrong):
		refusal = err
	case errors.Is(err, account.ErrLegacy): // it could not be determined whether it was right
		// The account's own place stays taken, like that of a known account.
		return "", nil, errors.Join(err, place.Release(ctx))
	case err != nil:
		return "", nil, err
	}
	leave() // the writes below need no hashing slot
	if method == "" {
		// An unknown identity also gets a row, so that it takes as long. The row does not contain
		// the typed text, which may be a password in the wrong field.
		failed := event.UserFailedAuthn{User: subject(u), AuthType: g.authType, Context: l.at(b)}
		full, err := l.Account.reportSpray(ctx, b)
		if err != nil {
			return "", nil, err
		}
		if u.ID == "" {
			if failed.Reason = "unknown identity"; full {
				return "", nil, refusal // strangers must not fill the audit trail
			}
			return "", nil, recordedOr(refusal, l.record(ctx, failed))
		}
		return "", nil, recordedOr(refusal, l.tell(ctx, failed))
	}
	return method, place, nil
}
