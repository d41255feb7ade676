package sqlstore

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const deviceColumns = `d.id, d.user_id, d.uniquifier, d.secret, d.name, d.address, d.created_at, d.last_seen_at, d.expires_at,
	d.stays, d.level, d.session_id, d.trusted_by, d.proofs`

func scanDevice(scan scanner) (d storage.Device, err error) {
	err = scan(deviceDest(&d)...)
	return d, err
}

func deviceDest(d *storage.Device) []any {
	return []any{&d.ID, &d.UserID, &d.CredentialVersion, &d.Secret, &d.Name, &d.Address,
		(*stamp)(&d.CreatedAt), (*stamp)(&d.LastSeenAt), (*stamp)(&d.ExpiresAt),
		&d.RememberMe, &d.Level, &d.SessionID, &d.TrustedBy, listOf[storage.Proof]{&d.Proofs}}
}

// PutDevice implements storage.Devices.
func (s devices) PutDevice(ctx context.Context, d storage.Device, messages ...storage.Message) error {
	_, err := s.execTelling(ctx, "put device", messages, `INSERT INTO twofold_devices
		(id, user_id, uniquifier, secret, name, address, created_at, last_seen_at, expires_at, last_secret, rotated_at,
			stays, level, session_id, trusted_by, proofs)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', 0, $10, $11, $12, $13, $14)`,
		d.ID, d.UserID, d.CredentialVersion, d.Secret, d.Name, d.Address,
		micros(d.CreatedAt), micros(d.LastSeenAt), micros(d.ExpiresAt),
		bit(d.RememberMe), int64(d.Level), d.SessionID, d.TrustedBy, text(d.Proofs))
	return err
}

// usedDevice is a device with its previous secret.
type usedDevice struct {
	storage.Device
	lastSecret string
	rotatedAt  time.Time
}

func scanUsedDevice(scan scanner) (d usedDevice, err error) {
	err = scan(append(deviceDest(&d.Device), &d.lastSecret, (*stamp)(&d.rotatedAt))...)
	return d, err
}

// UseDevice implements storage.Devices. Secrets are compared as SHA-256 hashes of random tokens, so
// the duration of a comparison does not help to find a token.
func (s devices) UseDevice(ctx context.Context, u storage.DeviceUse) (storage.Device, error) {
	var d usedDevice
	stolen := false
	err := s.tx(ctx, "use device", func(t *txn) (err error) {
		stolen = false
		d, err = get(t, `SELECT `+deviceColumns+`, d.last_secret, d.rotated_at FROM twofold_devices d
			WHERE d.id = $1 AND d.user_id = $2 AND d.uniquifier = $3 AND d.stays = $4`+s.d.ForUpdate, scanUsedDevice,
			u.ID, u.UserID, u.CredentialVersion, bit(u.RememberMe))
		if err != nil {
			return err
		}
		// A clock that stepped back must not extend a device or the grace period.
		now := later(u.Now, d.LastSeenAt)
		if u.Secret == "" || !d.ExpiresAt.After(now) {
			return storage.ErrNotFound
		}
		switch {
		case u.Secret == d.Secret:
			err = t.rotateDevice(&d.Device, u, now)
		case u.Secret == d.lastSecret && now.Before(d.rotatedAt.Add(u.Grace)):
			_, err = t.exec(`UPDATE twofold_devices SET address = $2, last_seen_at = $3 WHERE id = $1`, d.ID, u.Address,
				micros(now))
		default:
			// This is committed although the caller gets an error.
			if stolen, err = t.dropStolen(d.ID, u.Secret); err == nil {
				err = t.putCopied(u.Copied)
			}
			return err
		}
		d.Address, d.LastSeenAt = u.Address, now
		return err
	})
	switch {
	case err != nil:
		return storage.Device{}, err
	case stolen:
		return storage.Device{}, storage.ErrUsed
	}
	return d.Device, nil
}

// rotateDevice retires the current secret. Every retired secret is kept as long as the device, so
// that it is recognized when it is presented again.
func (t *txn) rotateDevice(d *storage.Device, u storage.DeviceUse, now time.Time) error {
	if _, err := t.exec(`UPDATE twofold_devices SET secret = $2, last_secret = secret, rotated_at = $3, address = $4, last_seen_at = $3
		WHERE id = $1`, d.ID, u.Next, micros(now), u.Address); err != nil {
		return err
	}
	_, err := t.exec(`INSERT INTO twofold_device_secrets (device_id, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		d.ID, d.Secret)
	d.Secret = u.Next
	return err
}

// dropStolen removes the device if the secret is a retired one.
func (t *txn) dropStolen(id, secret string) (bool, error) {
	_, err := get(t, `SELECT 1 FROM twofold_device_secrets WHERE device_id = $1 AND secret = $2`, scanInt, id, secret)
	if err != nil {
		return false, err // ErrNotFound: a secret that never was one
	}
	_, err = t.exec(`DELETE FROM twofold_devices WHERE id = $1`, id)
	return true, err
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return moment(micros(a))
}

// DevicesOf implements storage.Devices. A device that was stored with an old credential version during a
// change is not valid, so it is not listed.
func (s devices) DevicesOf(ctx context.Context, userID string, now time.Time) ([]storage.Device, error) {
	return all(ctx, s.Store, "devices", `SELECT `+deviceColumns+` FROM twofold_devices d
		JOIN twofold_users u ON u.id = d.user_id AND u.uniquifier = d.uniquifier
		WHERE d.user_id = $1 AND d.expires_at > $2
		ORDER BY d.created_at DESC, d.id LIMIT CAST($3 AS BIGINT)`, scanDevice, userID, micros(now), int64(storage.MaxListed))
}

// RevokeDevice implements storage.Devices.
func (s devices) RevokeDevice(ctx context.Context, userID, id string) error {
	return found(s.exec(ctx, "revoke device", `DELETE FROM twofold_devices WHERE user_id = $1 AND id = $2`, userID, id))
}

// RevokeDevices implements storage.Devices.
func (s devices) RevokeDevices(ctx context.Context, userID string, messages ...storage.Message) error {
	return s.tx(ctx, "revoke devices", func(t *txn) error {
		if _, err := t.exec(`DELETE FROM twofold_devices WHERE user_id = $1`, userID); err != nil {
			return err
		}
		return t.putMessages(messages)
	})
}

// RevokeRemembered implements storage.Devices.
func (s devices) RevokeRemembered(ctx context.Context, userID, sessionID string) error {
	_, err := s.exec(ctx, "revoke staying",
		`DELETE FROM twofold_devices WHERE user_id = $1 AND stays = 1 AND session_id = $2`, userID, sessionID)
	return err
}
