package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Maximum numbers for an account. The newest items are kept, because they are in use. Pages show
// all items, so the numbers also bound the cost of a page.
const (
	maxSessions = 100 // rows, including header tokens
	// If an account had fewer sessions before a sign-in, they are not counted again, because there
	// is room for this session and for concurrent ones.
	fewSessions = maxSessions / 2
	maxDevices  = 30 // of both kinds
	maxFamilies = 50
)

// boundSessions ends the oldest sessions of an account that has too many.
func (l Sessions) boundSessions(ctx context.Context, u storage.User, b Client) error {
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
func (l Sessions) boundDevices(ctx context.Context, u storage.User, b Client) error {
	ended, err := l.c.Devices.Trim(ctx, u.ID, maxDevices)
	if len(ended) > 0 {
		l.c.Sessions.ForgetUser(u.ID) // sessions that depend on their trust have ended
	}
	for range ended {
		if err := l.tell(ctx, event.DeviceRevoked{User: subject(u), Excess: true, Context: l.at(b)}); err != nil {
			return err
		}
	}
	return err
}

// boundFamilies does the same for families of refresh tokens.
func (l Sessions) boundFamilies(ctx context.Context, u storage.User, b Client) error {
	ended, err := l.c.Tokens.TrimFamilies(ctx, u.ID, maxFamilies)
	for range ended {
		if err := l.tell(ctx, event.TokenRevoked{User: subject(u), Excess: true, Context: l.at(b)}); err != nil {
			return err
		}
	}
	return err
}
