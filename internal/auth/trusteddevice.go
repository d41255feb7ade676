package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Device is a trusted or remembered browser of an account, in the form that its owner may see.
type Device struct {
	storage.Device
	Current bool // the browser of the caller
}

// DevicesOf lists the caller's trusted devices and the browsers that stay signed in, newest first,
// without their secrets.
func (l SecondFactor) DevicesOf(ctx context.Context, who Principal, b Client) ([]Device, error) {
	all, err := l.c.Devices.List(ctx, who.User.ID)
	if err != nil {
		return nil, err
	}
	trusted, staying := l.c.Devices.ID(who.User, b.Device), ""
	if l.c.RememberMe != nil {
		staying = l.c.RememberMe.ID(who.User, b.RememberMe)
	}
	out := make([]Device, 0, len(all))
	for _, d := range all {
		d.Secret, d.CredentialVersion = "", ""
		out = append(out, Device{Device: d, Current: d.ID == trusted || d.ID == staying})
	}
	return out, nil
}

// RevokeDevice revokes one of the caller's devices of either kind, or all of them if id is empty.
// It returns ErrReauthenticate or ErrNoSuch.
func (l SecondFactor) RevokeDevice(ctx context.Context, who Principal, id string, b Client) error {
	if err := l.Reauth.RequireRecent(who); err != nil {
		return err
	}
	var err error
	if id == "" {
		err = l.endTrust(ctx, who.User.ID)
	} else {
		err = l.c.Devices.Revoke(ctx, who.User.ID, id)
		l.c.Sessions.ForgetUser(who.User.ID) // sessions that depend on its trust end at once
	}
	if errors.Is(err, storage.ErrNotFound) {
		return ErrNoSuch
	}
	if err != nil {
		return err
	}
	return l.tell(ctx, event.DeviceRevoked{User: subject(who.User), All: id == "", Context: l.at(b)})
}

// endTrust revokes all devices of a user. It also removes the sessions from the cache, so that those
// that depend on their trust end at once.
func (l SecondFactor) endTrust(ctx context.Context, userID string, messages ...storage.Message) error {
	if err := l.c.Devices.RevokeAll(ctx, userID, messages...); err != nil {
		return err
	}
	l.c.Sessions.ForgetUser(userID)
	return nil
}

// trusts reports whether browsers of this user may be trusted at all.
func (l SecondFactor) trusts(u storage.User) bool {
	p := l.c.Policy
	return p.TrustDevices && l.c.Devices.Life() > 0 && (p.TrustFor == nil || p.TrustFor(u))
}
