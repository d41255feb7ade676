package storage

import (
	"context"
	"time"
)

// Device is a browser that may skip the second factor for a while. If RememberMe is set, it stays signed
// in and skips the first factor, too.
type Device struct {
	ID                string
	UserID            string
	CredentialVersion string // the user's credential version when the browser was trusted
	Secret            string // SHA-256 of the current secret
	Name              string // description of the browser
	Address           string // client address of the last use
	CreatedAt         time.Time
	LastSeenAt        time.Time
	ExpiresAt         time.Time // use does not extend it
	RememberMe        bool
	// For a device that stays signed in: the level proven when it was created, and the ID of its
	// session, which sessions that it opens also get.
	Level     Level
	SessionID string
	// TrustedBy is the ID of the trusted device that replaced the second factor at that time, if
	// any. If that device is revoked, this one becomes invalid.
	TrustedBy string
	// Proofs lists the factors proven when it was created. Records of earlier versions have no
	// proofs and do not count as a second factor.
	Proofs []Proof
}

// Devices stores trusted devices.
type Devices interface {
	DeviceRevoker
	// PutDevice stores a new device, and messages about it in the same transaction. It returns
	// ErrExists if the ID is taken, and ErrNotFound for an unknown user.
	PutDevice(ctx context.Context, d Device, messages ...Message) error
	// UseDevice recognizes a device and stores its next secret in the same statement. It returns
	// ErrNotFound and changes nothing if the device is unknown, expired or revoked, belongs to
	// another user, has another credential version, or has another value of RememberMe. If a retired secret of a
	// valid device is presented, the secret was copied: the device is removed and ErrUsed is
	// returned. The secret that was retired last is accepted for the time grace after its
	// replacement, for concurrent sign-ins. In that case next is not stored, and the returned
	// Device.Secret is the current secret.
	UseDevice(ctx context.Context, d DeviceUse) (Device, error)
	// DevicesOf lists the valid devices of a user, newest first, at most MaxListed.
	DevicesOf(ctx context.Context, userID string, now time.Time) ([]Device, error)
}

// DeviceRevoker removes devices before they expire.
type DeviceRevoker interface {
	// TrimDevices removes all but the newest devices of a user, and returns those
	// that it removed.
	TrimDevices(ctx context.Context, userID string, keep int) ([]Device, error)
	// RevokeDevice removes one device of the user. It returns ErrNotFound if there is no such
	// device.
	RevokeDevice(ctx context.Context, userID, id string) error
	// RevokeDevices removes all devices of the user, and stores messages about the reason in the
	// same transaction, even if there were no devices.
	RevokeDevices(ctx context.Context, userID string, messages ...Message) error
	// RevokeRemembered removes the user's remembered browsers that belong to a
	// session. A device that only skips the second factor belongs to no session.
	RevokeRemembered(ctx context.Context, userID, sessionID string) error
}

// DeviceUse contains the secret that a browser presented and its next secret.
type DeviceUse struct {
	ID, UserID, CredentialVersion string
	RememberMe                    bool
	Secret, Next                  string // SHA-256 hashes
	Address                       string
	Now                           time.Time
	Grace                         time.Duration
	// Copied returns messages about a copied secret, which are stored in the transaction that
	// removes the device. It is not called otherwise; nil stores none. It may be called more
	// than once, and must not use the store.
	Copied func() []Message
}
