package login

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// Activity is the newest activity of an account, from the audit trail. Rows that
// others can cause without every proof of a sign-in are kept apart, so that they
// displace nothing else.
type Activity struct {
	Done  []store.Event // what the owner, an operator or someone signed in did
	Tried []store.Event // refusals, pauses and requests for a rescue
}

// Activity returns up to so many rows of each kind about a signed-in caller's own
// account, the newest first.
func (l *Login) Activity(ctx context.Context, who Who, done, tried int) (a Activity, err error) {
	newest := func(limit int, names []string) ([]store.Event, error) {
		return l.c.Trail.List(ctx, store.EventFilter{UserID: who.User.ID, Names: names, Newest: true, Limit: limit})
	}
	if a.Done, err = newest(done, Done()); err != nil {
		return Activity{}, err
	}
	a.Tried, err = newest(tried, Tried())
	return a, err
}

// Done names the events that only the owner, an operator or someone signed in causes.
func Done() []string {
	return append(changes(),
		event.UserRegistered{}.Name(), event.UserAuthenticated{}.Name(), event.UserReauthenticated{}.Name(),
		event.UserLoggedOut{}.Name(),
		event.TFFactorEdited{}.Name(), event.TFFactorRemoved{}.Name(), event.RecoveryCodesMade{}.Name(),
		event.RecoveryEnded{}.Name(),
		event.SessionEnded{}.Name(), event.DeviceRevoked{}.Name())
}

// Tried names the events that are neither a sign-in nor a change. Anyone can cause
// some of them, and anyone who knows the password the others.
func Tried() []string {
	return []string{
		event.UserFailedAuthn{}.Name(), event.UserPaused{}.Name(), event.TFPaused{}.Name(), event.TFRescueRequested{}.Name(),
	}
}
