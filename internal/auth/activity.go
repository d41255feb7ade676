package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Activity is the newest activity of an account, from the audit trail. Rows that others can cause
// without completing a sign-in are kept separate, so that they do not displace other rows.
type Activity struct {
	Done  []storage.Event // actions of the owner, an operator or a signed-in user
	Tried []storage.Event // refusals, pauses and rescue requests
}

// Activity returns up to done and tried rows of the two kinds about the caller's account, newest
// first.
func (l Account) Activity(ctx context.Context, who Principal, done, tried int) (a Activity, err error) {
	newest := func(limit int, names []string) ([]storage.Event, error) {
		return l.c.Trail.List(ctx, storage.EventFilter{UserID: who.User.ID, Names: names, Newest: true, Limit: limit})
	}
	if a.Done, err = newest(done, Done()); err != nil {
		return Activity{}, err
	}
	a.Tried, err = newest(tried, Tried())
	return a, err
}

// Done returns the names of events that only the owner, an operator or a signed-in user can cause.
func Done() []string {
	return append(changes(),
		event.UserRegistered{}.Name(), event.UserAuthenticated{}.Name(), event.UserReauthenticated{}.Name(),
		event.UserLoggedOut{}.Name(),
		event.TFFactorEdited{}.Name(), event.TFFactorRemoved{}.Name(), event.RecoveryCodesMade{}.Name(),
		event.RecoveryEnded{}.Name(),
		event.SessionEnded{}.Name(), event.DeviceRevoked{}.Name())
}

// Tried returns the names of events that are neither a sign-in nor a change. Anyone can cause some
// of them; the others require the password.
func Tried() []string {
	return []string{
		event.UserFailedAuthn{}.Name(), event.UserPaused{}.Name(), event.TFPaused{}.Name(),
		event.TFRescueRequested{}.Name(),
	}
}
