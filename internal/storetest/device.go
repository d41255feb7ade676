package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const grace = 10 * time.Second

var deviceRules = []rule{
	{"a device comes back as stored, the newest first", func(k kit) {
		u := k.user()
		old, young := newDevice(u), newDevice(u)
		old.CreatedAt = in(-100)
		k.ok(k.s.PutDevice(k.Context(), old))
		k.ok(k.s.PutDevice(k.Context(), young))
		k.device(k.user())
		list, err := k.s.DevicesOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Device{young, old})
	}},
	{"all but a user's newest devices are removed and returned", func(k kit) {
		u := k.user()
		var all []storage.Device
		for i := range 3 {
			d := newDevice(u)
			d.CreatedAt, d.TrustedBy = in(-100+i), "another device"
			k.ok(k.s.PutDevice(k.Context(), d))
			all = append(all, d)
		}
		k.device(k.user())
		ended, err := k.s.TrimDevices(k.Context(), u.ID, 2)
		k.ok(err)
		k.same(ended, all[:1])
		list, err := k.s.DevicesOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Device{all[2], all[1]})
	}},
	{"a taken id is ErrExists", func(k kit) {
		u, other := k.user(), k.user()
		d := k.device(u)
		double := newDevice(other)
		double.ID = d.ID
		k.is(k.s.PutDevice(k.Context(), double), storage.ErrExists)
		_, err := k.use(d, d.Secret, now, 0)
		k.ok(err)
	}},
	{"a device of an unknown user is ErrNotFound", func(k kit) {
		k.is(k.s.PutDevice(k.Context(), newDevice(newUser())), storage.ErrNotFound)
	}},
	{"an expired device is not listed", func(k kit) {
		u := k.user()
		d := k.device(u)
		list, err := k.s.DevicesOf(k.Context(), u.ID, d.ExpiresAt)
		k.ok(err)
		k.same(list, []storage.Device{})
	}},
	{"a used device gets its next secret and no longer life", func(k kit) {
		u := k.user()
		d := k.device(u)
		got, err := k.use(d, d.Secret, in(3), grace)
		k.ok(err)
		d.Secret, d.Address, d.LastSeenAt = d.Secret+"+", "198.51.100.7", in(3)
		k.same(got, d)
		list, err := k.s.DevicesOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Device{d})
		_, err = k.use(d, d.Secret, in(4), grace)
		k.ok(err)
	}},
	{"a device that stays signed in comes back as stored, and is used as such only", func(k kit) {
		u := k.user()
		d := k.stays(u, "session 1")
		list, err := k.s.DevicesOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Device{d})
		v := d
		v.RememberMe = false
		_, err = k.use(v, d.Secret, now, grace)
		k.is(err, storage.ErrNotFound)
		got, err := k.use(d, d.Secret, in(3), grace)
		k.ok(err)
		d.Secret, d.Address, d.LastSeenAt = d.Secret+"+", "198.51.100.7", in(3)
		k.same(got, d)
		trusted := k.device(u)
		v = trusted
		v.RememberMe = true
		_, err = k.use(v, trusted.Secret, now, grace)
		k.is(err, storage.ErrNotFound)
		_, err = k.use(trusted, trusted.Secret, now, grace)
		k.ok(err)
	}},
	{"RevokeRemembered removes the user's that belong to that session", func(k kit) {
		u, other := k.user(), k.user()
		gone, kept, his, trusted := k.stays(u, "session 1"), k.stays(u, "session 2"), k.stays(other, "session 1"),
			k.device(u)
		k.ok(k.s.RevokeRemembered(k.Context(), u.ID, "session 1"))
		k.ok(k.s.RevokeRemembered(k.Context(), u.ID, "session 1"))
		k.ok(k.s.RevokeRemembered(k.Context(), u.ID, ""))
		_, err := k.use(gone, gone.Secret, now, grace)
		k.is(err, storage.ErrNotFound)
		for _, d := range []storage.Device{kept, his, trusted} {
			_, err := k.use(d, d.Secret, now, grace)
			k.ok(err)
		}
		k.ok(k.s.RevokeDevices(k.Context(), u.ID))
		k.devices(u, 0)
	}},
	{"unknown, expired, another user or credential version, no secret: ErrNotFound and no change", func(k kit) {
		u, other := k.user(), k.user()
		d := k.device(u)
		try := func(change func(*storage.Device), secret string, at time.Time) {
			k.Helper()
			v := d
			change(&v)
			_, err := k.use(v, secret, at, grace)
			k.is(err, storage.ErrNotFound)
		}
		same := func(*storage.Device) {}
		try(func(v *storage.Device) { v.ID = "unknown" }, d.Secret, now)
		try(func(v *storage.Device) { v.UserID = other.ID }, d.Secret, now)
		try(func(v *storage.Device) { v.CredentialVersion = "another" }, d.Secret, now)
		try(same, d.Secret, d.ExpiresAt)
		try(same, "never a secret", now)
		try(same, "", now)
		list, err := k.s.DevicesOf(k.Context(), u.ID, now)
		k.ok(err)
		k.same(list, []storage.Device{d})
	}},
	{"another user with a retired secret removes nothing", func(k kit) {
		u, other := k.user(), k.user()
		d := k.device(u)
		_, err := k.use(d, d.Secret, now, 0)
		k.ok(err)
		v := d
		v.UserID = other.ID
		_, err = k.use(v, d.Secret, in(100), 0)
		k.is(err, storage.ErrNotFound)
		k.devices(u, 1)
	}},
	{"a retired secret after its grace removes the device", func(k kit) {
		u := k.user()
		d, bystander := k.device(u), k.device(u)
		got, err := k.use(d, d.Secret, now, grace)
		k.ok(err)
		_, err = k.use(d, d.Secret, in(10), grace)
		k.is(err, storage.ErrUsed)
		_, err = k.use(d, got.Secret, in(10), grace)
		k.is(err, storage.ErrNotFound)
		_, err = k.use(bystander, bystander.Secret, in(10), grace)
		k.ok(err)
	}},
	{"every retired secret is recognized, however old", func(k kit) {
		d := k.device(k.user())
		secret := d.Secret
		for i := range 8 {
			got, err := k.use(d, secret, in(i*20), grace)
			k.ok(err)
			secret = got.Secret
		}
		_, err := k.use(d, d.Secret, in(200), grace)
		k.is(err, storage.ErrUsed)
	}},
	{"a secret retired before the last has no grace", func(k kit) {
		d := k.device(k.user())
		got, err := k.use(d, d.Secret, in(1), grace)
		k.ok(err)
		_, err = k.use(d, got.Secret, in(2), grace)
		k.ok(err)
		_, err = k.use(d, d.Secret, in(3), grace)
		k.is(err, storage.ErrUsed)
	}},
	{"the secret retired last is accepted for grace and replaces nothing", func(k kit) {
		d := k.device(k.user())
		first, err := k.use(d, d.Secret, now, grace)
		k.ok(err)
		again, err := k.s.UseDevice(k.Context(), storage.DeviceUse{
			ID: d.ID, UserID: d.UserID, CredentialVersion: d.CredentialVersion, Secret: d.Secret, Next: "not stored",
			Now: in(10).Add(-time.Microsecond), Grace: grace,
		})
		k.ok(err)
		k.same(again.Secret, first.Secret)
		_, err = k.use(d, "not stored", in(9), grace)
		k.is(err, storage.ErrNotFound)
		_, err = k.use(d, first.Secret, in(12), grace)
		k.ok(err)
	}},
	{"a clock that steps back makes nothing older: the last use stays, and grace runs from it", func(k kit) {
		u := k.user()
		d := k.device(u) // last seen 10 s ago
		got, err := k.use(d, d.Secret, in(-1000), grace)
		k.ok(err)
		k.same(got.LastSeenAt, d.LastSeenAt)
		_, err = k.use(d, d.Secret, in(0).Add(-tick), grace)
		k.ok(err)
		_, err = k.use(d, d.Secret, in(0), grace)
		k.is(err, storage.ErrUsed)
	}},
	{"a clock that steps back gives an old secret no second grace", func(k kit) {
		d := k.device(k.user())
		first, err := k.use(d, d.Secret, now, grace)
		k.ok(err)
		second, err := k.use(d, first.Secret, in(30), grace)
		k.ok(err)
		_, err = k.use(d, second.Secret, in(60), grace)
		k.ok(err)
		_, err = k.use(d, first.Secret, in(31), grace)
		k.is(err, storage.ErrUsed)
	}},
	{"a revoked device is gone, another user's is not", func(k kit) {
		u, other := k.user(), k.user()
		d, keep := k.device(u), k.device(u)
		k.is(k.s.RevokeDevice(k.Context(), other.ID, d.ID), storage.ErrNotFound)
		k.devices(u, 2)
		k.ok(k.s.RevokeDevice(k.Context(), u.ID, d.ID))
		k.is(k.s.RevokeDevice(k.Context(), u.ID, d.ID), storage.ErrNotFound)
		_, err := k.use(d, d.Secret, now, grace)
		k.is(err, storage.ErrNotFound)
		_, err = k.use(keep, keep.Secret, now, grace)
		k.ok(err)
	}},
	{"RevokeDevices removes all of a user's", func(k kit) {
		u, other := k.user(), k.user()
		k.device(u)
		k.device(u)
		k.device(other)
		k.ok(k.s.RevokeDevices(k.Context(), u.ID))
		k.ok(k.s.RevokeDevices(k.Context(), u.ID))
		k.devices(u, 0)
		k.devices(other, 1)
	}},
	{"an id is free again after its device was removed, its old secrets with it", func(k kit) {
		u := k.user()
		d := k.device(u)
		_, err := k.use(d, d.Secret, now, 0)
		k.ok(err)
		k.ok(k.s.RevokeDevice(k.Context(), u.ID, d.ID))
		k.ok(k.s.PutDevice(k.Context(), d))
		_, err = k.use(d, d.Secret, in(50), 0)
		k.ok(err)
	}},
}
