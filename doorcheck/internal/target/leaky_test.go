package target_test

import (
	"context"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
	"github.com/twofold-auth/twofold/doorcheck/internal/target"
)

// check tries attacks on the leaky site with some of its leaks.
func check(t *testing.T, list []attack.Attack, leaks ...string) []attack.Result {
	t.Helper()
	site, end, err := target.Leaking(leaks...).Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	return attack.Run(site, list, 8, func(attack.Result) {})
}

func TestMain(m *testing.M) {
	attack.Freshness = 6 * time.Second // an honest app may wait 4 for a code
	m.Run()
}

// TestEveryAttackFailsOnASoundSite checks that with all leaks closed the same site refuses every
// attack, and that regular users can sign in.
func TestEveryAttackFailsOnASoundSite(t *testing.T) {
	for _, r := range check(t, attack.All()) {
		if r.Outcome != attack.Refused {
			t.Errorf("%s: %s: %s", r.Attack, r.Outcome, r.Detail)
		}
	}
}

// TestEveryAttackWorksOnItsLeak checks that each attack succeeds on a site with only its leak.
func TestEveryAttackWorksOnItsLeak(t *testing.T) {
	slots := make(chan struct{}, 4)
	for _, a := range attack.All() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			r := check(t, []attack.Attack{a}, a.Name)[0]
			if r.Outcome != attack.Works {
				t.Errorf("%s: %s", r.Outcome, r.Detail)
			}
		})
	}
}

// TestEveryAttackWorksOnALeakySite enables all leaks at once, like "doorcheck -target leaky".
func TestEveryAttackWorksOnALeakySite(t *testing.T) {
	for _, r := range check(t, attack.All(), "all") {
		if r.Outcome != attack.Works {
			t.Errorf("%s: %s: %s", r.Attack, r.Outcome, r.Detail)
		}
	}
}
