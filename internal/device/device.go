package device

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/store"
)

// How long the secret retired last is still taken: for two sign-ins at once in
// one browser, and for all the pages that one opens as it starts, of which the
// first answer must arrive before the cookie is the new one.
const (
	grace        = 10 * time.Second
	stayingGrace = 30 * time.Second
)

// ErrCopied: a secret that was retired came back, so two browsers hold what was
// given to one. The device is gone.
var ErrCopied = errors.New("device: the cookie was copied")

// Config says what trusted devices need.
type Config struct {
	Devices store.Devices
	Keys    *seal.Keys
	Now     func() time.Time
	// Life is the time for which a browser may skip the second factor, or stay signed in,
	// counted from the proof; 30 days at most (NIST SP 800-63B-4 section 2.1.3).
	Life time.Duration
	// Staying are browsers that stay signed in. Their cookies are no good where
	// the second factor is skipped, nor the reverse.
	Staying bool
}

// Manager makes and recognises devices of one of the two kinds.
type Manager struct {
	c       Config
	purpose string // of the signature
	grace   time.Duration
}

// New returns a manager.
func New(c Config) *Manager {
	if c.Staying {
		return &Manager{c, "remember", stayingGrace}
	}
	return &Manager{c, "device", grace}
}

// payload is the cookie's content. The field names are short as the cookie
// travels with every request.
type payload struct {
	Uniquifier string `json:"u"`
	ID         string `json:"d"`
	Secret     string `json:"s"`
	// Of one that stays, as the user is not known yet.
	User    string `json:"i,omitempty"`
	Session string `json:"b,omitempty"`
}

// Life is the configured life.
func (m *Manager) Life() time.Duration { return m.c.Life }

// Trust makes a device for a user who has just proven a second factor, and
// returns its cookie value. The caller fills in name, address and proofs. Messages
// are stored with it.
func (m *Manager) Trust(ctx context.Context, u store.User, d store.Device, messages ...store.Message) (string, error) {
	return m.put(ctx, u, d, m.c.Life, messages)
}

// Keep makes a browser stay signed in for so long, for a user who has just
// proven all that their account asks for. The caller fills in the device's name,
// address, level, proofs and session. Messages are stored with it.
func (m *Manager) Keep(ctx context.Context, u store.User, d store.Device, life time.Duration, messages ...store.Message) (string, error) {
	return m.put(ctx, u, d, min(life, m.c.Life), messages)
}

func (m *Manager) put(ctx context.Context, u store.User, d store.Device, life time.Duration, messages []store.Message) (string, error) {
	now, p := m.c.Now(), payload{Uniquifier: u.Uniquifier, ID: store.NewID(), Secret: seal.Token()}
	if m.c.Staying {
		p.User, p.Session = u.ID, d.SessionID
	}
	d.ID, d.UserID, d.Uniquifier, d.Secret, d.Stays = p.ID, u.ID, u.Uniquifier, seal.HashToken(p.Secret), m.c.Staying
	d.CreatedAt, d.LastSeenAt, d.ExpiresAt = now, now, now.Add(life)
	if err := m.c.Devices.PutDevice(ctx, d, messages...); err != nil {
		return "", err
	}
	return m.sign(p)
}

// Known is a device that was recognised.
type Known struct {
	store.Device
	Next string        // the cookie's next value; empty if the present one stays
	Left time.Duration // of the device's life, if there is a next value
}

// Recognise reports whether the cookie is a valid device of this user, and returns its next value.
// A malformed cookie is not a device and not an error (R85). If the cookie was copied, it returns
// ErrCopied and stores the messages.
func (m *Manager) Recognise(ctx context.Context, u store.User, cookie, address string, copied ...store.Message) (known Known, ok bool, err error) {
	p, ok := m.read(cookie)
	if !ok || p.Uniquifier != u.Uniquifier {
		return Known{}, false, nil
	}
	n := p
	n.Secret = seal.Token()
	hash := seal.HashToken(n.Secret)
	now := m.c.Now()
	d, err := m.c.Devices.UseDevice(ctx, store.DeviceUse{
		ID: p.ID, UserID: u.ID, Uniquifier: u.Uniquifier, Stays: m.c.Staying,
		Secret: seal.HashToken(p.Secret), Next: hash, Address: address, Now: now, Grace: m.grace, Copied: copied,
	})
	switch {
	case errors.Is(err, store.ErrUsed):
		return Known{}, false, ErrCopied
	case errors.Is(err, store.ErrNotFound):
		return Known{}, false, nil
	case err != nil:
		return Known{}, false, err
	case d.Secret != hash: // the parallel sign-in's new secret stands
		return Known{Device: d}, true, nil
	}
	next, err := m.sign(n)
	return Known{Device: d, Next: next, Left: d.ExpiresAt.Sub(now)}, err == nil, err
}

// read opens a cookie that was made here, whatever has become of its device.
func (m *Manager) read(cookie string) (p payload, ok bool) {
	raw, err := m.c.Keys.Verify(m.purpose, cookie)
	return p, err == nil && json.Unmarshal(raw, &p) == nil
}

// Made is whose browser a cookie of one that stays was made for, and alongside
// which session. It opens nothing.
func (m *Manager) Made(cookie string) (made store.Device, ok bool) {
	p, ok := m.read(cookie)
	return store.Device{ID: p.ID, UserID: p.User, SessionID: p.Session}, ok && m.c.Staying && p.User != ""
}

// Vouches reports whether the cookie was once made for this user under their present
// credentials. It opens nothing and is not looked up; it only chooses a budget.
func (m *Manager) Vouches(u store.User, cookie string) bool { return m.ID(u, cookie) != "" }

// ID is the id of the device that the cookie was made for, if it was made for
// this user under their present credentials; empty otherwise. It opens nothing.
func (m *Manager) ID(u store.User, cookie string) string {
	p, ok := m.read(cookie)
	if !ok || u.ID == "" || p.Uniquifier != u.Uniquifier {
		return ""
	}
	return p.ID
}

// List returns the user's living devices of both kinds, newest first.
func (m *Manager) List(ctx context.Context, userID string) ([]store.Device, error) {
	return m.c.Devices.DevicesOf(ctx, userID, m.c.Now())
}

// StillProves reports whether the device with this id, and the one that it rests on if
// any, are living devices of the user, and what was proven for the last of them is
// enough. An empty id means any: records of earlier versions do not name their
// device.
func (m *Manager) StillProves(ctx context.Context, userID, id string, enough func(store.Device) bool) (bool, error) {
	all, err := m.List(ctx, userID)
	if err != nil || id == "" {
		return slices.ContainsFunc(all, enough), err
	}
	d, ok := restsOn(all, id)
	return ok && enough(d), nil
}

// Proofs returns what was proven for a living device of the user, or for the one that
// it rests on. There is nothing for a device that is gone.
func (m *Manager) Proofs(ctx context.Context, userID, id string) ([]store.Proof, error) {
	all, err := m.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	d, _ := restsOn(all, id)
	return d.Proofs, nil
}

// restsOn finds the device that the one with this id rests on: itself, or another.
func restsOn(all []store.Device, id string) (store.Device, bool) {
	for range 2 { // a device that stays may rest on a trusted one, and that on none
		i := slices.IndexFunc(all, func(d store.Device) bool { return d.ID == id })
		if i < 0 {
			break
		}
		if id = all[i].TrustedBy; id == "" {
			return all[i], true
		}
	}
	return store.Device{}, false
}

// Trim ends all but the newest devices of a user, and returns those that it ended.
func (m *Manager) Trim(ctx context.Context, userID string, keep int) ([]store.Device, error) {
	return m.c.Devices.TrimDevices(ctx, userID, keep)
}

// Revoke ends one device of the user; store.ErrNotFound.
func (m *Manager) Revoke(ctx context.Context, userID, id string) error {
	return m.c.Devices.RevokeDevice(ctx, userID, id)
}

// RevokeAll ends all devices of a user, of both kinds. Messages, about why, are
// stored with that.
func (m *Manager) RevokeAll(ctx context.Context, userID string, messages ...store.Message) error {
	return m.c.Devices.RevokeDevices(ctx, userID, messages...)
}

func (m *Manager) sign(p payload) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return m.c.Keys.Sign(m.purpose, raw), nil
}

// RevokeBeside ends the user's remembered browsers that belong to a session.
func (m *Manager) RevokeBeside(ctx context.Context, userID, sessionID string) error {
	return m.c.Devices.RevokeStaying(ctx, userID, sessionID)
}
