package policy

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold/store"
)

const ownMailServer = store.OnElsewhere + ":independent"

// elsewhere returns a proof by an account at another site.
func elsewhere(site string) store.Proof {
	return store.Proof{Method: Elsewhere, Rests: []string{store.OnElsewhere, store.OnElsewhere + ":" + site}}
}

// TestEveryPairOfFirstAndSecond compares every first proof with everything that may
// follow it. An x marks a proof that depends on the same thing as the first.
func TestEveryPairOfFirstAndSecond(t *testing.T) {
	r := Rules{PasskeyIsBoth: true, Independent: []string{ownMailServer}}
	seconds := []string{store.Authenticator, store.SMS, store.Email, store.Passkey, store.RecoveryCode, Rescued}
	firsts := map[string]string{ // in the order of seconds
		"password": "------", "register": "------", Stayed: "------",
		store.Email: "--x--x", Confirmed: "--x--x", Reset: "--x--x",
		store.SMS: "-x----", store.Authenticator: "x-----", store.Passkey: "------",
		Elsewhere: "--x--x", "independent": "------",
	}
	for first, row := range firsts {
		proof := By(first)
		switch first {
		case "independent":
			proof = elsewhere("independent")
		case Elsewhere:
			proof = elsewhere("mail.example")
		case store.Passkey:
			proof = ByFactor(store.Factor{ID: "1", Method: store.Passkey})
		}
		old := store.Proof{Method: proof.Method} // stored by a version that did not record Rests
		for i, method := range seconds {
			second := ByFactor(store.Factor{ID: "2", Method: method})
			want := row[i] == '-'
			if got := r.AreIndependent(proof, second); got != want || r.AreIndependent(second, proof) != want {
				t.Errorf("%s and %s are two factors: %v", first, method, got)
			}
			if got := r.TwoFactors([]store.Proof{proof, second}); got != want {
				t.Errorf("a session of %s and %s has two factors: %v", first, method, got)
			}
			if first != "independent" && r.AreIndependent(old, second) != want {
				t.Errorf("an older record of %s and %s: %v", first, method, !want)
			}
			if method == Rescued {
				if MayRescueByMail(r, Account{}, proof) != want {
					t.Errorf("after %s a rescue by mail: %v", first, !want)
				}
				if MayRescueByMail(r, Account{ResetLately: true}, proof) {
					t.Errorf("after %s and a reset through the mailbox: a rescue by mail", first)
				}
				continue
			}
			if left := r.Following(proof, []store.Factor{{ID: "2", Method: method}}); (len(left) == 1) != want {
				t.Errorf("after %s, %s is asked for: %v", first, method, !want)
			}
		}
	}
}

func TestWhatCountsAsTwoFactors(t *testing.T) {
	r := Rules{PasskeyIsBoth: true, Independent: []string{ownMailServer}}
	both := []store.Proof{{Method: store.Passkey, UserVerified: true}}
	if r.TwoFactors(nil) || r.TwoFactors([]store.Proof{By("password")}) || !r.TwoFactors(both) {
		t.Error("no proof, or one of a single factor, counts as two; or one that is both does not")
	}
	if (Rules{}).TwoFactors(both) {
		t.Error("a passkey that the rules no longer count as both factors counts as two")
	}
	pair := []store.Proof{elsewhere("independent"), By(store.Email)}
	if !r.TwoFactors(pair) || (Rules{}).TwoFactors(pair) {
		t.Error("an account at a site and a mailbox count as two, and the site is not independent; or the reverse")
	}
	if (Rules{Independent: []string{store.OnElsewhere + ":oauth"}}).TwoFactors(pair) {
		t.Error("another site that is independent counts for this one")
	}
	key := ByFactor(store.Factor{ID: "1", Method: store.Passkey})
	if r.AreIndependent(key, key) || !slices.Equal(By("something new").RestsOn(), []string{"something new"}) {
		t.Error("a passkey is another thing than itself, or an unknown method rests on nothing")
	}
}
