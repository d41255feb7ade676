package login

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// How many an account may have at once. The newest are kept, since they are in use
// now. Lists are shown whole, so the numbers bound what a page costs.
const (
	maxSessions = 100 // rows, header tokens too
	// If an account had fewer sessions before a sign-in, they are not counted again: it has
	// room for this one, and for others of the same moment.
	fewSessions = maxSessions / 2
	maxDevices  = 30 // of both kinds
	maxFamilies = 50
)

// boundSessions ends the oldest sessions of an account that has too many.
func (l *Login) boundSessions(ctx context.Context, u store.User, b Browser) error {
	ended, err := l.c.Sessions.Trim(ctx, u.ID, maxSessions)
	for _, s := range ended {
		at := l.at(b)
		at.Session = s.ID
		if err := l.tell(ctx, event.SessionEnded{User: subject(u), Excess: true, Context: at}); err != nil {
			return err
		}
	}
	return err
}

// boundDevices does the same for trusted browsers and those that stay signed in.
func (l *Login) boundDevices(ctx context.Context, u store.User, b Browser) error {
	ended, err := l.c.Devices.Trim(ctx, u.ID, maxDevices)
	if len(ended) > 0 {
		l.c.Sessions.Forget() // those that rest on their trust are over
	}
	for range ended {
		if err := l.tell(ctx, event.DeviceRevoked{User: subject(u), Excess: true, Context: l.at(b)}); err != nil {
			return err
		}
	}
	return err
}

// boundFamilies does the same for families of refresh tokens.
func (l *Login) boundFamilies(ctx context.Context, u store.User, b Browser) error {
	ended, err := l.c.Tokens.TrimFamilies(ctx, u.ID, maxFamilies)
	for range ended {
		if err := l.tell(ctx, event.TokenRevoked{User: subject(u), Excess: true, Context: l.at(b)}); err != nil {
			return err
		}
	}
	return err
}
