package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR144_ARecoveryLinkOnceInParallel checks that one sign-in continues to an enrollment and that
// only its link was used. If a link were spent after its effect, each browser would leave a pending
// sign-in and an audit row, even if its answer is a refusal.
func TestR144_ARecoveryLinkOnceInParallel(t *testing.T) {
	w := newWorld(t, strictly, plenty)
	w.Start(nil)
	for round := range 2 {
		a := w.withApp(fmt.Sprintf("alice%d", round))
		link := w.askedLink(a)
		w.Advance(25 * time.Hour)
		waiting, used := w.count("pendings"), len(happened[event.TFRescued](w))
		var won [8]int
		testkit.Par(len(won), func(i int) {
			won[i] = w.browser().on(w.Nodes[i%2]).Post(link, m{"password": secret}).Status
		})
		counted(t, "recovery", won[:])
		if n := w.count("pendings") - waiting; n != 1 {
			t.Errorf("%d sign-ins wait for a set-up", n)
		}
		if n := len(happened[event.TFRescued](w)) - used; n != 1 {
			t.Errorf("the link was used %d times", n)
		}
	}
}
