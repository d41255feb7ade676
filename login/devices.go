package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// Device is a trusted device as its owner may see it.
type Device struct {
	store.Device
	Current bool // the browser that asks
}

// DevicesOf lists the caller's trusted devices, the newest first. The secret is
// left out.
func (l *Login) DevicesOf(ctx context.Context, who Who, b Browser) ([]Device, error) {
	all, err := l.c.Devices.List(ctx, who.User.ID)
	if err != nil {
		return nil, err
	}
	mine := l.c.Devices.ID(who.User, b.Device)
	out := make([]Device, 0, len(all))
	for _, d := range all {
		d.Secret, d.Uniquifier = "", ""
		out = append(out, Device{Device: d, Current: d.ID == mine})
	}
	return out, nil
}

// RevokeDevice ends one trusted device of the caller; with an empty id all of
// them. ErrReauthenticate, ErrNoSuch.
func (l *Login) RevokeDevice(ctx context.Context, who Who, id string, b Browser) error {
	if err := l.RequireRecent(who); err != nil {
		return err
	}
	var err error
	if id == "" {
		err = l.c.Devices.RevokeAll(ctx, who.User.ID)
	} else {
		err = l.c.Devices.Revoke(ctx, who.User.ID, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSuch
	}
	if err != nil {
		return err
	}
	return l.tell(ctx, event.DeviceRevoked{User: subject(who.User), All: id == "", Context: l.at(b)})
}

// trusts says whether browsers of this user may be trusted at all.
func (l *Login) trusts(u store.User) bool {
	p := l.c.Policy
	return p.TrustDevices && l.c.Devices.Life() > 0 && (p.TrustFor == nil || p.TrustFor(u))
}
