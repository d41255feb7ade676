package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Attempt is a sign-in with a password.
type Attempt struct {
	Identity string // e-mail address or username, as typed
	Password string
	Remember bool
}

// Password is the step of the first factor. It returns ErrUnknownUser, ErrPassword, ErrDisabled or
// *limit.Paused. With ErrSend it also returns an Outcome whose Pending is valid although its code
// was not sent.
func (l Account) Password(ctx context.Context, a Attempt, b Client) (Outcome, error) {
	u, err := l.c.Accounts.Find(ctx, a.Identity)
	unknown := errors.Is(err, storage.ErrNotFound)
	if err != nil && !unknown {
		return Outcome{}, err
	}
	place, err := l.guessPassword(ctx, &u, a.Identity, a.Password, b)
	if err != nil {
		if unknown && errors.Is(err, ErrPassword) {
			return Outcome{}, ErrUnknownUser
		}
		return Outcome{}, err
	}
	return l.continueSignIn(ctx, u, passed{l.proof("password"), a.Remember, place}, b)
}

// password checks the password of an account within the account's budget, which sign-in and
// re-authentication share (R117). A zero User means that there is no account.
func (l Account) password(ctx context.Context, u *storage.User, identity, plain string, b Client) error {
	place, err := l.guessPassword(ctx, u, identity, plain, b)
	if err != nil {
		return err
	}
	return l.Guesses.right(ctx, *u, place)
}

// guessPassword is like password, for a caller that updates the budgets after a right guess itself.
func (l Account) guessPassword(
	ctx context.Context, u *storage.User, identity, plain string, b Client,
) (*limit.Reservation, error) {
	check := func(ctx context.Context) (string, error) {
		ok, err := l.checkPassword(ctx, u, identity, plain, b)
		if !ok {
			return "", err
		}
		return "password", err
	}
	_, place, err := l.Guesses.guessFirst(ctx, guessed{u, identity, "password"}, b, check)
	return place, err
}

// checkPassword checks the password with the accounts. An account that was imported from the former
// system is reported as registered.
func (l Account) checkPassword(ctx context.Context, u *storage.User, identity, plain string, b Client) (bool, error) {
	if identity == "" {
		identity = u.Email // they are signed in
	}
	checked, err := l.c.Accounts.CheckPassword(ctx, u, identity, plain)
	if err == nil && checked.Created {
		err = l.tell(ctx, event.UserRegistered{User: subject(*u), Context: l.at(b)})
	}
	return checked.OK, err
}

// typed returns the budget key of a typed identity, whether or not an account has it. So a full
// budget does not reveal that an address and a username belong to one account.
func typed(identity string) string { return "key:" + account.Key(identity) }

// budgetOf returns the key of the budget in which guesses for an identity count.
func budgetOf(u storage.User, identity string) string {
	if u.ID == "" {
		return typed(identity)
	}
	return "id:" + u.ID
}

// reportSpray notifies the operator of password guessing across many accounts (R113). full reports whether
// it continues.
func (l Account) reportSpray(ctx context.Context, b Client) (full bool, err error) {
	first, full, err := l.c.Limits.SprayAlert(ctx)
	if err != nil || !first {
		return full, err
	}
	l.c.Log.ErrorContext(ctx, "unusually many failed sign-ins in the last hour: possible password spraying")
	return full, l.tell(ctx, event.PasswordsGuessed{Context: event.Context{At: l.c.Now(), Request: b.Request}})
}
