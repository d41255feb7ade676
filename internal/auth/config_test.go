package auth

import (
	"reflect"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// complete returns a configuration with all required fields.
func (d *desk) complete(t *testing.T) Config {
	t.Helper()
	now := func() time.Time { return d.now }
	sessions, err := session.New(session.Config{
		Sessions: d.db, Users: d.db, Now: now, Idle: time.Hour, Absolute: time.Hour, TokenLife: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Accounts: d.c.Accounts, Sessions: sessions, Devices: device.New(device.Config{}),
		Limits:  limit.New(d.db, now, limit.Limits{}),
		Factors: d.db, Pendings: d.db, Drafts: d.db, Challenges: d.db, Tokens: d.db,
		Recoveries: d.db, Steps: d.db, Marks: d.db, UsedLinks: d.db, Keys: d.c.Keys,
		Trail: &event.Trail{}, Now: now,
	}
}

// withMail is a Mailer that can send.
type withMail struct{ NoMail }

func (withMail) On() bool { return true }

func TestAConfigurationWithAHoleIsRefused(t *testing.T) {
	d := newDesk(t)
	whole := d.complete(t)
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		"Accounts", "Sessions", "Devices", "Limits", "Factors", "Pendings", "Drafts", "Challenges", "Tokens",
		"Recoveries", "Steps", "Keys", "Trail", "Now",
	} {
		c := whole
		reflect.ValueOf(&c).Elem().FieldByName(field).SetZero()
		if _, err := New(c); err == nil {
			t.Errorf("taken without %s", field)
		}
	}
	c := whole
	c.Providers = []federated.Provider{nil}
	if _, err := New(c); err == nil {
		t.Error("other sites are taken without a place for connections")
	}
	c.Connections = d.db
	if _, err := New(c); err != nil {
		t.Error(err)
	}
	c = whole
	c.Policy.Life.Confirm = true
	if _, err := New(c); err == nil {
		t.Error("addresses are to be confirmed without mail")
	}
	c.Mailer = withMail{}
	if _, err := New(c); err != nil {
		t.Error(err)
	}
}

func TestDefaultsFillOnlyUnsetFields(t *testing.T) {
	d := newDesk(t)
	c := d.complete(t)
	for set, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, time.Minute: time.Minute} {
		c.Policy = Policy{RescueAfterReset: set}
		l, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if l.c.Policy.Require == nil || l.c.Log == nil {
			t.Fatal("something to be called is nil")
		}
		if got := l.c.Policy.RescueAfterReset; got != want {
			t.Errorf("%v became %v, want %v", set, got, want)
		}
	}
	c.Policy = Policy{Require: func(storage.User) bool { return true }}
	if l, err := New(c); err != nil || !l.c.Policy.Require(storage.User{}) {
		t.Errorf("who must have a second factor was forgotten: %v", err)
	}
}
