package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// Device is a browser that the account knows, as its owner may see it.
type Device struct {
	store.Device
	Current bool // the browser that asks
}

// DevicesOf lists the caller's trusted devices and the browsers that stay signed
// in, the newest first. The secret is left out.
func (l *Login) DevicesOf(ctx context.Context, who Who, b Browser) ([]Device, error) {
	all, err := l.c.Devices.List(ctx, who.User.ID)
	if err != nil {
		return nil, err
	}
	trusted, staying := l.c.Devices.ID(who.User, b.Device), ""
	if l.c.Staying != nil {
		staying = l.c.Staying.ID(who.User, b.Stays)
	}
	out := make([]Device, 0, len(all))
	for _, d := range all {
		d.Secret, d.Uniquifier = "", ""
		out = append(out, Device{Device: d, Current: d.ID == trusted || d.ID == staying})
	}
	return out, nil
}

// RevokeDevice ends one of the caller's devices of either kind; with an empty id
// all of them. ErrReauthenticate, ErrNoSuch.
func (l *Login) RevokeDevice(ctx context.Context, who Who, id string, b Browser) error {
	if err := l.RequireRecent(who); err != nil {
		return err
	}
	var err error
	if id == "" {
		err = l.endTrust(ctx, who.User.ID)
	} else {
		err = l.c.Devices.Revoke(ctx, who.User.ID, id)
		l.c.Sessions.Forget() // those that rest on its trust are over at once
	}
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSuch
	}
	if err != nil {
		return err
	}
	return l.tell(ctx, event.DeviceRevoked{User: subject(who.User), All: id == "", Context: l.at(b)})
}

// endTrust ends all devices of a user, and at once what rests on their trust: the
// session of a browser that was trusted a moment ago is not answered from memory.
func (l *Login) endTrust(ctx context.Context, userID string, messages ...store.Message) error {
	if err := l.c.Devices.RevokeAll(ctx, userID, messages...); err != nil {
		return err
	}
	l.c.Sessions.Forget()
	return nil
}

// trusts says whether browsers of this user may be trusted at all.
func (l *Login) trusts(u store.User) bool {
	p := l.c.Policy
	return p.TrustDevices && l.c.Devices.Life() > 0 && (p.TrustFor == nil || p.TrustFor(u))
}
