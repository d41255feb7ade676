package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Hook is a decision of the application. A refusal is a text for the user. An error means that the
// application cannot decide now.
type Hook func(ctx context.Context, u storage.User, at event.Context) (refusal string, err error)

// Refused is a refusal by the application, with its text. It matches ErrLocked.
type Refused struct{ Text string }

func (r *Refused) Error() string { return "auth: the application refuses: " + r.Text }

// Is reports whether target is ErrLocked.
func (r *Refused) Is(target error) bool { return target == ErrLocked }

// undecided hides the error of a hook, so that an error of the application is not mistaken for one
// of ours, which would be shown.
type undecided struct{ cause error }

func (u undecided) Error() string {
	return "auth: a hook of the application failed: " + u.cause.Error()
}

// decide calls a hook. A nil Hook refuses nothing.
func decide(ctx context.Context, h Hook, u storage.User, at event.Context) error {
	if h == nil {
		return nil
	}
	refusal, err := h(ctx, u, at)
	switch {
	case err != nil:
		return undecided{err}
	case refusal != "":
		return &Refused{refusal}
	}
	return nil
}

// mayRegister asks the application whether an account may be created. It does so before the
// identity is looked up, so its answer does not reveal whether an account exists. Errors in the
// form are reported first.
func (l Account) mayRegister(ctx context.Context, d account.Draft, at event.Context) error {
	h := l.c.Policy.Life.OnRegister
	if h == nil {
		return nil
	}
	if err := l.c.Accounts.Judge(d); err != nil {
		return err
	}
	email, key, err := account.ParseNewEmail(d.Email)
	if err != nil {
		return err
	}
	return decide(ctx, h, storage.User{
		Email: email, EmailKey: key, Username: d.Username, Language: d.Language, Profile: d.Profile, Active: true,
	}, at)
}

// mayEnter asks the application whether a user may be signed in. All required factors have been
// proven, so the answer is shown only to the owner.
func (l *Login) mayEnter(ctx context.Context, g granted, b Client) error {
	if g.renews != nil || g.family != nil || g.stays != nil { // these are checked before anything is used up
		return nil
	}
	return decide(ctx, l.c.Policy.Life.OnSignIn, g.user, l.at(b))
}

// mayStay asks the application whether a user may continue without a sign-in: with a refresh token,
// or in a browser that stays signed in.
func (l Sessions) mayStay(ctx context.Context, u storage.User, b Client) error {
	if err := l.checkAllowed(u); err != nil {
		return err
	}
	return decide(ctx, l.c.Policy.Life.OnSignIn, u, l.at(b))
}
