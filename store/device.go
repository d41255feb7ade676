package store

import (
	"context"
	"time"
)

// Device is a browser that may skip the second factor for a while, or, if it
// Stays, one that stays signed in: the first factor too.
type Device struct {
	ID         string
	UserID     string
	Uniquifier string // the user's when it was trusted
	Secret     string // SHA-256 of the current secret
	Name       string // the browser in words
	Address    string // where it was last seen
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute; use does not prolong it
	Stays      bool
	// Of one that stays: what was proven when it was made, and the id of the
	// session alongside it, which those that it opens have too.
	Level     Level
	SessionID string
	// TrustedBy is the id of the trusted device that stood for the second factor
	// then, if one did: without that device this one is over too.
	TrustedBy string
	// Proofs are what was proven when it was made. Records of earlier versions have
	// none, and do not count as a second factor.
	Proofs []Proof
}

// Devices keeps trusted devices.
type Devices interface {
	// PutDevice stores a new device, and messages about it in the same
	// transaction; ErrExists if the id is taken, ErrNotFound for an unknown user.
	PutDevice(ctx context.Context, d Device, messages ...Message) error
	// UseDevice recognises a device and gives it its next secret in the same
	// statement. It returns ErrNotFound for an unknown, expired or revoked
	// device, for another user's, for another uniquifier and for one that does
	// not stay where one that does was asked for, or the reverse; none of these
	// change anything. A retired secret of a living device means that someone
	// copied it: the device is removed and ErrUsed returned. The secret retired
	// last is accepted for grace after its replacement (two sign-ins at once),
	// and then next is not stored: the returned Device.Secret tells which
	// secret is the current one.
	UseDevice(ctx context.Context, d DeviceUse) (Device, error)
	// TrimDevices removes all but the newest devices of a user, and returns those
	// that it removed.
	TrimDevices(ctx context.Context, userID string, keep int) ([]Device, error)
	// DevicesOf lists the living devices of a user, newest first, at most
	// MaxListed.
	DevicesOf(ctx context.Context, userID string, now time.Time) ([]Device, error)
	// RevokeDevice removes one device of the user; ErrNotFound otherwise.
	RevokeDevice(ctx context.Context, userID, id string) error
	// RevokeDevices removes all of them, and stores messages about why in the same
	// transaction, also if there were none.
	RevokeDevices(ctx context.Context, userID string, messages ...Message) error
	// RevokeStaying removes the user's remembered browsers that belong to a
	// session. A device that only skips the second factor belongs to no session.
	RevokeStaying(ctx context.Context, userID, sessionID string) error
}

// DeviceUse is what a browser presented, and what it shall have next.
type DeviceUse struct {
	ID, UserID, Uniquifier string
	Stays                  bool
	Secret, Next           string // SHA-256 hashes
	Address                string
	Now                    time.Time
	Grace                  time.Duration
	// Copied are messages about a copy, stored in the transaction that removes
	// the device.
	Copied []Message
}
