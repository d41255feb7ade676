package twofoldtest_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// provider is a sender that costs money.
type provider struct{ sent atomic.Int64 }

func (p *provider) Send(context.Context, send.Message) error { p.sent.Add(1); return nil }

// production stands for an application's config().
func production(p *provider) twofold.Config {
	return twofold.Config{
		Origin: "https://login.example.org", Key: twofold.KeyText(twofold.NewKey()),
		Mail: p, SMS: p, Advanced: twofold.Advanced{MailFallback: []send.Sender{p}},
		TwoFactor: twofold.TwoFactor{RescueEmail: true},
	}
}

func TestAKitTakesAConfigurationOfProduction(t *testing.T) {
	for name, test := range map[string]struct {
		with []twofoldtest.Option
		sent bool
	}{"as it comes": {nil, false}, "asked to send": {[]twofoldtest.Option{twofoldtest.SendForReal()}, true}} {
		p := &provider{}
		kit := twofoldtest.New(t, production(p), test.with...)
		kit.Serve(kit.Auth.RequireTwoFactor(page))
		b := kit.LoginAs("ann@example.org", 1)
		if a := b.Post("/tf-setup", map[string]any{"setup": "email"}); a.Status != http.StatusOK {
			t.Fatalf("%s: set-up answers %d", name, a.Status)
		}
		if code := kit.Mail.Code(t, "ann@example.org"); code == "" {
			t.Errorf("%s: the kit has no code", name)
		}
		if got := p.sent.Load() > 0; got != test.sent {
			t.Errorf("%s: the provider was asked: %v", name, got)
		}
	}
}

func TestAWayInIsOneLine(t *testing.T) {
	heard := &listener{TB: t}
	twofoldtest.NoSideDoor(heard, twofold.Config{}, func(a *twofold.Auth) http.Handler { return a.RequireUser(page) },
		"/secret")
	seen := map[string]int{}
	for _, line := range heard.heard {
		seen[line]++
	}
	if len(heard.heard) == 0 || len(heard.heard) > 12 {
		t.Errorf("one hole is told in %d lines: %q", len(heard.heard), heard.heard)
	}
}
