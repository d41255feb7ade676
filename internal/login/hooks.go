package login

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// Hook is a decision of the application. A refusal is a text for the person. An
// error means that the application cannot decide now.
type Hook func(ctx context.Context, u store.User, at event.Context) (refusal string, err error)

// Refused is the application's refusal, in its own words. To every step it is an
// account that is locked: ErrLocked.
type Refused struct{ Text string }

func (r *Refused) Error() string { return "login: the application refuses: " + r.Text }

// Is reports that a refusal is an ErrLocked.
func (r *Refused) Is(target error) bool { return target == ErrLocked }

// undecided hides what a hook failed with: an error of the application must not be
// taken for one of ours, which would be shown.
type undecided struct{ cause error }

func (u undecided) Error() string {
	return "login: a hook of the application failed: " + u.cause.Error()
}

// decide asks the application; a Hook that is nil refuses nothing.
func decide(ctx context.Context, h Hook, u store.User, at event.Context) error {
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

// mayRegister asks the application about an account that someone wants to make. It
// is asked before anyone looks whether there is one already, so its answer tells
// nothing of that. What is wrong with the form is said first.
func mayRegister(ctx context.Context, l *Login, d account.Draft, at event.Context) error {
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
	return decide(ctx, h, store.User{
		Email: email, EmailKey: key, Username: d.Username, Language: d.Language, Profile: d.Profile, Active: true,
	}, at)
}

// mayEnter asks the application about an account that is about to be signed in to.
// Everything that the account asks for was proven, so the answer is its owner's.
func (g granted) mayEnter(ctx context.Context, l *Login, b Browser) error {
	if g.renews != nil || g.family != nil || g.stays != nil { // they are asked before anything is spent
		return nil
	}
	return decide(ctx, l.c.Policy.Life.OnSignIn, g.user, l.at(b))
}

// mayStay asks the application about an account that goes on without a sign-in: by
// a refresh token, or in a browser that stays signed in.
func mayStay(ctx context.Context, l *Login, u store.User, b Browser) error {
	if err := l.admit(u); err != nil {
		return err
	}
	return decide(ctx, l.c.Policy.Life.OnSignIn, u, l.at(b))
}
