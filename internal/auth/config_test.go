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
	sessions, err := session.New(session.Config{Sessions: d.db, Users: d.db, Now: now})
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

func TestWhatIsNotSetHasItsDefaultAndWhatIsSetStays(t *testing.T) {
	d := newDesk(t)
	c := d.complete(t)
	times := func(c Config) [7]time.Duration {
		t.Helper()
		l, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		p := l.c.Policy
		if p.Require == nil || l.c.Log == nil {
			t.Fatal("something to be called is nil")
		}
		return [...]time.Duration{
			p.Freshness, p.SetupWithin, p.RescueAfterReset, p.RecoveryWait, p.Life.ConfirmWithin, p.Life.ResetWithin,
			p.Life.ChangeEmailWithin,
		}
	}
	if got, want := times(c), [...]time.Duration{
		15 * time.Minute, 10 * time.Minute, 24 * time.Hour, 24 * time.Hour, 48 * time.Hour, time.Hour, 2 * time.Hour,
	}; got != want {
		t.Errorf("defaults %v, want %v", got, want)
	}
	c.Policy = Policy{
		Freshness: 1, SetupWithin: 2, RescueAfterReset: 3, RecoveryWait: 4,
		Require: func(storage.User) bool { return true },
		Life:    Life{ConfirmWithin: 5, ResetWithin: 6, ChangeEmailWithin: 7},
	}
	if got := times(c); got != [...]time.Duration{1, 2, 3, 4, 5, 6, 7} {
		t.Errorf("what was set became %v", got)
	}
	if l, err := New(c); err != nil || !l.c.Policy.Require(storage.User{}) {
		t.Errorf("who must have a second factor was forgotten: %v", err)
	}
}
