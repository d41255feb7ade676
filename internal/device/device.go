package device

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Time for which the previous secret is still accepted. Two sign-ins may run at
// once in one browser. A browser that starts may open several pages, and all of
// them send the old cookie until the first response has set the new one.
const (
	grace           = 10 * time.Second
	rememberMeGrace = 30 * time.Second
)

// ErrCopied is returned if a retired secret is used again: two browsers have the
// same cookie. The device was deleted.
var ErrCopied = errors.New("device: the cookie was copied")

// Config configures a Manager.
type Config struct {
	Devices storage.Devices
	Keys    *seal.Keys
	Now     func() time.Time
	// Life is the time for which a browser may skip the second factor or stay
	// signed in, from the time of the proof. It is at most 30 days (NIST SP
	// 800-63B-4 section 2.1.3).
	Life time.Duration
	// RememberMe selects browsers that stay signed in. Their cookies do not skip a
	// second factor, and the cookies of trusted browsers do not sign in.
	RememberMe bool
}

// Manager makes and recognizes devices of one of the two kinds.
type Manager struct {
	c       Config
	purpose string // of the signature
	grace   time.Duration
}

// New returns a Manager.
func New(c Config) *Manager {
	if c.RememberMe {
		return &Manager{c, "remember", rememberMeGrace}
	}
	return &Manager{c, "device", grace}
}

// payload is the content of the cookie. The field names are short because every
// request carries the cookie.
type payload struct {
	CredentialVersion string `json:"u"`
	ID                string `json:"d"`
	Secret            string `json:"s"`
	// Only if the browser stays signed in, because then the user is not known yet.
	User    string `json:"i,omitempty"`
	Session string `json:"b,omitempty"`
}

// Life returns the configured life.
func (m *Manager) Life() time.Duration { return m.c.Life }

// Trust makes a device for a user who has just proven a second factor, and returns
// the value of its cookie. The caller must fill in the device's name, address and
// proofs. The messages are stored in the same transaction.
func (m *Manager) Trust(ctx context.Context, u storage.User, d storage.Device,
	messages ...storage.Message) (string, error) {
	return m.put(ctx, u, d, m.c.Life, messages)
}

// Keep makes a browser stay signed in for the given life. The user must just have
// proven everything that their account asks for. The caller must fill in the
// device's name, address, level, proofs and session. The messages are stored in the
// same transaction.
func (m *Manager) Keep(ctx context.Context, u storage.User, d storage.Device, life time.Duration,
	messages ...storage.Message) (string, error) {
	return m.put(ctx, u, d, min(life, m.c.Life), messages)
}

func (m *Manager) put(ctx context.Context, u storage.User, d storage.Device, life time.Duration,
	messages []storage.Message) (string, error) {
	now, p := m.c.Now(), payload{CredentialVersion: u.CredentialVersion, ID: storage.NewID(), Secret: seal.Token()}
	if m.c.RememberMe {
		p.User, p.Session = u.ID, d.SessionID
	}
	d.ID, d.UserID, d.CredentialVersion = p.ID, u.ID, u.CredentialVersion
	d.Secret, d.RememberMe = seal.HashToken(p.Secret), m.c.RememberMe
	d.CreatedAt, d.LastSeenAt, d.ExpiresAt = now, now, now.Add(life)
	if err := m.c.Devices.PutDevice(ctx, d, messages...); err != nil {
		return "", err
	}
	return m.sign(p)
}

// Known is a recognized device.
type Known struct {
	storage.Device
	Next string        // the cookie's next value; empty if the cookie does not change
	Left time.Duration // remaining life of the device, if Next is set
}

// Recognize reports whether the cookie is a valid device of this user, and returns its next value.
// A malformed cookie is not a device and not an error (R85). If the cookie was copied, it returns
// ErrCopied and stores the messages that copied returns, if it is not nil.
func (m *Manager) Recognize(
	ctx context.Context, u storage.User, cookie, address string, copied func() []storage.Message,
) (known Known, ok bool, err error) {
	p, ok := m.read(cookie)
	if !ok || p.CredentialVersion != u.CredentialVersion {
		return Known{}, false, nil
	}
	n := p
	n.Secret = seal.Token()
	hash := seal.HashToken(n.Secret)
	now := m.c.Now()
	d, err := m.c.Devices.UseDevice(ctx, storage.DeviceUse{
		ID: p.ID, UserID: u.ID, CredentialVersion: u.CredentialVersion, RememberMe: m.c.RememberMe,
		Secret: seal.HashToken(p.Secret), Next: hash, Address: address, Now: now, Grace: m.grace, Copied: copied,
	})
	switch {
	case errors.Is(err, storage.ErrUsed):
		return Known{}, false, ErrCopied
	case errors.Is(err, storage.ErrNotFound):
		return Known{}, false, nil
	case err != nil:
		return Known{}, false, err
	case d.Secret != hash: // the secret that a parallel request set is kept
		return Known{Device: d}, true, nil
	}
	next, err := m.sign(n)
	return Known{Device: d, Next: next, Left: d.ExpiresAt.Sub(now)}, err == nil, err
}

// read decodes a cookie that was made here, even if its device no longer exists.
func (m *Manager) read(cookie string) (p payload, ok bool) {
	raw, err := m.c.Keys.Verify(m.purpose, cookie)
	return p, err == nil && json.Unmarshal(raw, &p) == nil
}

// Made returns the user, device and session for which the cookie of a remembered
// browser was made. It does not look the device up and proves nothing.
func (m *Manager) Made(cookie string) (made storage.Device, ok bool) {
	p, ok := m.read(cookie)
	return storage.Device{ID: p.ID, UserID: p.User, SessionID: p.Session}, ok && m.c.RememberMe && p.User != ""
}

// Vouches reports whether the cookie was made for this user under their current
// credentials. It does not look the device up and proves nothing: it only selects a
// budget.
func (m *Manager) Vouches(u storage.User, cookie string) bool { return m.ID(u, cookie) != "" }

// ID returns the ID of the cookie's device if the cookie was made for this user
// under their current credentials, and "" otherwise. It does not look the device up
// and proves nothing.
func (m *Manager) ID(u storage.User, cookie string) string {
	p, ok := m.read(cookie)
	if !ok || u.ID == "" || p.CredentialVersion != u.CredentialVersion {
		return ""
	}
	return p.ID
}

// List returns the user's valid devices of both kinds, newest first.
func (m *Manager) List(ctx context.Context, userID string) ([]storage.Device, error) {
	return m.c.Devices.DevicesOf(ctx, userID, m.c.Now())
}

// StillProves reports whether the device with this ID is valid and enough returns
// true for it. If the device depends on another one, both must be valid, and enough
// is called with the other one. An empty ID stands for any device, because records
// of earlier versions do not name their device.
func (m *Manager) StillProves(ctx context.Context, userID, id string, enough func(storage.Device) bool) (bool, error) {
	all, err := m.List(ctx, userID)
	if err != nil || id == "" {
		return slices.ContainsFunc(all, enough), err
	}
	d, ok := restsOn(all, id)
	return ok && enough(d), nil
}

// Proofs returns the proofs of a valid device of the user, or of the device on
// which it depends. If either is gone, Proofs returns nothing.
func (m *Manager) Proofs(ctx context.Context, userID, id string) ([]storage.Proof, error) {
	all, err := m.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	d, _ := restsOn(all, id)
	return d.Proofs, nil
}

// restsOn returns the device on which the device with this ID depends: another
// device, or itself.
func restsOn(all []storage.Device, id string) (storage.Device, bool) {
	for range 2 { // a remembered browser may depend on a trusted one, and that one on no other
		i := slices.IndexFunc(all, func(d storage.Device) bool { return d.ID == id })
		if i < 0 {
			break
		}
		if id = all[i].TrustedBy; id == "" {
			return all[i], true
		}
	}
	return storage.Device{}, false
}

// Trim deletes all but the newest devices of a user, and returns the deleted ones.
func (m *Manager) Trim(ctx context.Context, userID string, keep int) ([]storage.Device, error) {
	return m.c.Devices.TrimDevices(ctx, userID, keep)
}

// Revoke deletes one device of the user. If it does not exist, Revoke returns
// storage.ErrNotFound.
func (m *Manager) Revoke(ctx context.Context, userID, id string) error {
	return m.c.Devices.RevokeDevice(ctx, userID, id)
}

// RevokeAll deletes all devices of a user, of both kinds. The messages, which give
// the reason, are stored in the same transaction.
func (m *Manager) RevokeAll(ctx context.Context, userID string, messages ...storage.Message) error {
	return m.c.Devices.RevokeDevices(ctx, userID, messages...)
}

func (m *Manager) sign(p payload) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return m.c.Keys.Sign(m.purpose, raw), nil
}

// RevokeBeside deletes the user's remembered browsers that belong to a session.
func (m *Manager) RevokeBeside(ctx context.Context, userID, sessionID string) error {
	return m.c.Devices.RevokeRemembered(ctx, userID, sessionID)
}
