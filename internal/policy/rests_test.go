package policy

import (
	"slices"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

const ownMailServer = storage.OnElsewhere + ":independent"

// elsewhere returns a proof by an account at another site.
func elsewhere(site string) storage.Proof {
	return storage.Proof{Method: Elsewhere, Rests: []string{storage.OnElsewhere, storage.OnElsewhere + ":" + site}}
}

// TestEveryPairOfFirstAndSecond compares every first proof with everything that may
// follow it. An x marks a proof that depends on the same thing as the first.
func TestEveryPairOfFirstAndSecond(t *testing.T) {
	r := Rules{PasskeyIsBoth: true, Independent: []string{ownMailServer}}
	seconds := []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey, storage.RecoveryCode,
		Rescued}
	firsts := map[string]string{ // in the order of seconds
		"password": "------", "register": "------", RememberMe: "------",
		storage.Email: "--x--x", Confirmed: "--x--x", Reset: "--x--x",
		storage.SMS: "-x----", storage.Authenticator: "x-----", storage.Passkey: "------",
		Elsewhere: "--x--x", "independent": "------",
	}
	for first, row := range firsts {
		proof := By(first)
		switch first {
		case "independent":
			proof = elsewhere("independent")
		case Elsewhere:
			proof = elsewhere("mail.example")
		case storage.Passkey:
			proof = ByFactor(storage.Factor{ID: "1", Method: storage.Passkey})
		}
		old := storage.Proof{Method: proof.Method} // stored by a version that did not record Rests
		for i, method := range seconds {
			second := ByFactor(storage.Factor{ID: "2", Method: method})
			want := row[i] == '-'
			if got := r.AreIndependent(proof, second); got != want || r.AreIndependent(second, proof) != want {
				t.Errorf("%s and %s are two factors: %v", first, method, got)
			}
			if got := r.TwoFactors([]storage.Proof{proof, second}); got != want {
				t.Errorf("a session of %s and %s has two factors: %v", first, method, got)
			}
			if first != "independent" && r.AreIndependent(old, second) != want {
				t.Errorf("an older record of %s and %s: %v", first, method, !want)
			}
			if method == Rescued {
				if MayRescueByMail(r, Account{}, proof) != want {
					t.Errorf("after %s a rescue by mail: %v", first, !want)
				}
				if MayRescueByMail(r, Account{RecentlyReset: true}, proof) {
					t.Errorf("after %s and a reset through the mailbox: a rescue by mail", first)
				}
				continue
			}
			if left := r.Following(proof, []storage.Factor{{ID: "2", Method: method}}); (len(left) == 1) != want {
				t.Errorf("after %s, %s is asked for: %v", first, method, !want)
			}
		}
	}
}

func TestTwoFactorsRestOnDifferentThings(t *testing.T) {
	r := Rules{PasskeyIsBoth: true, Independent: []string{ownMailServer}}
	both := []storage.Proof{{Method: storage.Passkey, UserVerified: true}}
	if r.TwoFactors(nil) || r.TwoFactors([]storage.Proof{By("password")}) || !r.TwoFactors(both) {
		t.Error("no proof, or one of a single factor, counts as two; or one that is both does not")
	}
	if (Rules{}).TwoFactors(both) {
		t.Error("a passkey that the rules no longer count as both factors counts as two")
	}
	pair := []storage.Proof{elsewhere("independent"), By(storage.Email)}
	if !r.TwoFactors(pair) || (Rules{}).TwoFactors(pair) {
		t.Error("an account at a site and a mailbox count as two, and the site is not independent; or the reverse")
	}
	if (Rules{Independent: []string{storage.OnElsewhere + ":oauth"}}).TwoFactors(pair) {
		t.Error("another site that is independent counts for this one")
	}
	key := ByFactor(storage.Factor{ID: "1", Method: storage.Passkey})
	if r.AreIndependent(key, key) || !slices.Equal(By("something new").RestsOn(), []string{"something new"}) {
		t.Error("a passkey is another thing than itself, or an unknown method rests on nothing")
	}
}
