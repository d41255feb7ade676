package device

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/seal"
	"github.com/twofold-auth/twofold/store"
)

// grace is how long the secret retired last is still taken, for two sign-ins
// at once in one browser.
const grace = 10 * time.Second

// ErrCopied: a secret that was retired came back, so two browsers hold what was
// given to one. The device is gone.
var ErrCopied = errors.New("device: the cookie was copied")

// Config says what trusted devices need.
type Config struct {
	Devices store.Devices
	Keys    *seal.Keys
	Now     func() time.Time
	// Life is how long a browser may skip the second factor, counted from the
	// proof; 30 days at most (NIST SP 800-63B-4 section 2.1.3).
	Life time.Duration
}

// Manager makes and recognises trusted devices.
type Manager struct{ c Config }

// New returns a manager.
func New(c Config) *Manager { return &Manager{c} }

// payload is the cookie's content. The field names are short as the cookie
// travels with every request.
type payload struct {
	Uniquifier string `json:"u"`
	ID         string `json:"d"`
	Secret     string `json:"s"`
}

// Life is the configured life.
func (m *Manager) Life() time.Duration { return m.c.Life }

// Trust makes a device for a user who has just proven a second factor, and
// returns its cookie value. Messages are stored with it.
func (m *Manager) Trust(ctx context.Context, u store.User, name, address string, messages ...store.Message) (string, error) {
	now := m.c.Now()
	p := payload{Uniquifier: u.Uniquifier, ID: store.NewID(), Secret: seal.Token()}
	err := m.c.Devices.PutDevice(ctx, store.Device{
		ID: p.ID, UserID: u.ID, Uniquifier: u.Uniquifier, Secret: seal.HashToken(p.Secret),
		Name: name, Address: address, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(m.c.Life),
	}, messages...)
	if err != nil {
		return "", err
	}
	return m.sign(p)
}

// Recognise says whether the cookie is a living trusted device of this user.
// If so it returns the cookie's next value, or an empty one if the present one
// stays. Anything odd about a cookie is no device, never an error (R85), but for
// one: ErrCopied.
func (m *Manager) Recognise(ctx context.Context, u store.User, cookie, address string) (next string, left time.Duration, ok bool, err error) {
	raw, err := m.c.Keys.Verify("device", cookie)
	if err != nil {
		return "", 0, false, nil
	}
	var p payload
	if json.Unmarshal(raw, &p) != nil || p.Uniquifier != u.Uniquifier {
		return "", 0, false, nil
	}
	n := payload{Uniquifier: p.Uniquifier, ID: p.ID, Secret: seal.Token()}
	hash := seal.HashToken(n.Secret)
	now := m.c.Now()
	d, err := m.c.Devices.UseDevice(ctx, store.DeviceUse{
		ID: p.ID, UserID: u.ID, Uniquifier: u.Uniquifier,
		Secret: seal.HashToken(p.Secret), Next: hash, Address: address, Now: now, Grace: grace,
	})
	switch {
	case errors.Is(err, store.ErrUsed):
		return "", 0, false, ErrCopied
	case errors.Is(err, store.ErrNotFound):
		return "", 0, false, nil
	case err != nil:
		return "", 0, false, err
	case d.Secret != hash: // the parallel sign-in's new secret stands
		return "", 0, true, nil
	}
	next, err = m.sign(n)
	return next, d.ExpiresAt.Sub(now), err == nil, err
}

// Vouches says whether the cookie was once made for this user under his present
// credentials. It opens nothing and is not looked up; it only chooses a budget.
func (m *Manager) Vouches(u store.User, cookie string) bool { return m.ID(u, cookie) != "" }

// ID is the id of the device that the cookie was made for, if it was made for
// this user under his present credentials; empty otherwise. It opens nothing.
func (m *Manager) ID(u store.User, cookie string) string {
	raw, err := m.c.Keys.Verify("device", cookie)
	var p payload
	if err != nil || u.ID == "" || json.Unmarshal(raw, &p) != nil || p.Uniquifier != u.Uniquifier {
		return ""
	}
	return p.ID
}

// List returns the user's living devices, newest first.
func (m *Manager) List(ctx context.Context, userID string) ([]store.Device, error) {
	return m.c.Devices.DevicesOf(ctx, userID, m.c.Now())
}

// Revoke ends one trusted device of the user; store.ErrNotFound.
func (m *Manager) Revoke(ctx context.Context, userID, id string) error {
	return m.c.Devices.RevokeDevice(ctx, userID, id)
}

// RevokeAll ends all trusted devices of a user. Messages, about why, are stored
// with that.
func (m *Manager) RevokeAll(ctx context.Context, userID string, messages ...store.Message) error {
	return m.c.Devices.RevokeDevices(ctx, userID, messages...)
}

func (m *Manager) sign(p payload) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return m.c.Keys.Sign("device", raw), nil
}
