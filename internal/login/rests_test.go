package login

import (
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/store"
)

// site is a provider that has nothing but a name.
type site struct {
	federated.Provider
	name string
}

func (s site) Name() string { return s.name }

// TestEveryPairOfFirstAndSecond holds every first proof against everything that
// may follow it. An x marks what rests on the same thing as the first.
func TestEveryPairOfFirstAndSecond(t *testing.T) {
	l := &Login{c: Config{Now: func() time.Time { return time.Unix(1, 0) }}}
	l.c.Policy.RescueAfterReset = 24 * time.Hour
	l.c.Policy.Passkeys.Both = true
	l.c.Providers = []federated.Provider{site{name: oauthMethod}, federated.Independent(site{name: "independent"})}
	seconds := []string{store.Authenticator, store.SMS, store.Email, store.Passkey, store.RecoveryCode, rescuedBy}
	firsts := map[string]string{ // in the order of seconds
		"password": "------", "register": "------", Stayed: "------",
		store.Email: "--x--x", confirmKind: "--x--x", resetKind: "--x--x",
		store.SMS: "-x----", store.Authenticator: "x-----", store.Passkey: "------",
		oauthMethod: "--x--x", "independent": "------",
	}
	for first, row := range firsts {
		proof := l.proof(first)
		switch first {
		case "independent":
			proof = l.elsewhere(l.c.Providers[1])
		case store.Passkey:
			proof = l.proofOf(store.Factor{ID: "1", Method: store.Passkey})
		}
		old := store.Proof{Method: proof.Method} // stored before what it rests on was
		for i, method := range seconds {
			second := l.proofOf(store.Factor{ID: "2", Method: method})
			want := row[i] == '-'
			if got := l.independent(proof, second); got != want || l.independent(second, proof) != want {
				t.Errorf("%s and %s are two factors: %v", first, method, got)
			}
			if got := l.twoFactors([]store.Proof{proof, second}); got != want {
				t.Errorf("a session of %s and %s has two factors: %v", first, method, got)
			}
			if first != "independent" && l.independent(old, second) != want {
				t.Errorf("an older record of %s and %s: %v", first, method, !want)
			}
			w := waiting{Pending: store.Pending{First: proof}}
			switch method {
			case rescuedBy:
				if l.rescueRests(w) != want {
					t.Errorf("after %s a rescue by mail: %v", first, !want)
				}
				w.user.ResetAt = l.c.Now().Add(-23 * time.Hour)
				if l.rescueRests(w) {
					t.Errorf("after %s and a reset through the mailbox: a rescue by mail", first)
				}
			case store.RecoveryCode:
			default:
				if left := l.differing(proof, []store.Factor{{ID: "2", Method: method}}); (len(left) == 1) != want {
					t.Errorf("after %s, %s is asked for: %v", first, method, !want)
				}
				if method == store.Passkey { // added by itself, not by a set-up
					continue
				}
				session := actor{who: &Who{Session: store.Session{Proofs: []store.Proof{proof}}}}
				for _, a := range []actor{{pending: &w}, session} {
					if l.proved(a, method) == want {
						t.Errorf("after %s, %s can be set up: %v", first, method, !want)
					}
				}
			}
		}
	}
	if l.twoFactors(nil) || l.twoFactors([]store.Proof{l.proof("password")}) || !l.twoFactors([]store.Proof{{Method: store.Passkey, Both: true}}) {
		t.Error("no proof, or one of a single factor, counts as two; or one that is both does not")
	}
	l.c.Policy.Passkeys.Both = false
	if l.twoFactors([]store.Proof{{Method: store.Passkey, Both: true}}) {
		t.Error("a passkey that the policy no longer counts as both factors counts as two")
	}
	pair := []store.Proof{l.elsewhere(l.c.Providers[1]), l.proof(store.Email)}
	l.c.Providers[1] = site{name: "independent"}
	if l.twoFactors(pair) {
		t.Error("an account at a site that is no longer independent, and a mailbox, count as two")
	}
	l.c.Providers[0] = federated.Independent(l.c.Providers[0])
	if l.twoFactors(pair) {
		t.Error("another site that is independent now counts for this one")
	}
	key := l.proofOf(store.Factor{ID: "1", Method: store.Passkey})
	if l.independent(key, key) || !slices.Equal(l.proof("something new").RestsOn(), []string{"something new"}) {
		t.Error("a passkey is another thing than itself, or an unknown method rests on nothing")
	}
}
