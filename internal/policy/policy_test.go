package policy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

// every calls f with every combination of the given number of facts.
func every(facts int, f func(fact []bool)) {
	for n := range 1 << facts {
		fact := make([]bool, facts)
		for i := range fact {
			fact[i] = n>>i&1 == 1
		}
		f(fact)
	}
}

var (
	methods = []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey}
	firsts  = []string{
		"password", "register", RememberMe, Confirmed, Reset, Elsewhere,
		storage.Email, storage.SMS, storage.Authenticator, storage.Passkey,
	}
)

// everySignIn calls f with every first factor of every account, under all rules
// that Next reads.
func everySignIn(f func(r Rules, a Account, first storage.Proof)) {
	every(7+len(methods), func(is []bool) {
		r := Rules{Methods: methods, StrongOnly: is[0], EnrollProof: is[1], Mails: is[2], RepairOnly: is[3]}
		a := Account{Required: is[4], Trusts: is[5], Proven: is[6]}
		for i, m := range methods {
			if is[7+i] {
				a.Factors = append(a.Factors, storage.Factor{ID: m, Method: m})
			}
		}
		for _, first := range firsts {
			f(r, a, By(first))
		}
	})
}

func TestAnAccountWithASecondFactorIsAlwaysAskedForIt(t *testing.T) {
	everySignIn(func(r Rules, a Account, first storage.Proof) {
		next := Next(r, a, first)
		if len(a.Factors) == 0 {
			if next.Do == Prove || next.Do == Refuse || next.BrowserDoes {
				t.Fatalf("%+v, %+v, %s: asks for a factor that does not exist: %+v", r, a, first.Method, next)
			}
			return
		}
		if next.Do != Prove {
			t.Fatalf("%+v, %+v, %s: does not ask for a second factor: %+v", r, a, first.Method, next)
		}
		for _, f := range next.Factors {
			if !r.TwoFactors([]storage.Proof{first, ByFactor(f)}) {
				t.Fatalf("%s is asked for after %s, and the two are one thing", f.Method, first.Method)
			}
		}
		if next.BrowserDoes && !a.Trusts {
			t.Fatalf("a browser stands for the second factor of an account whose browsers are not trusted: %+v", a)
		}
	})
}

func TestARequiredSecondFactorIsSetUpBeforeThereIsASession(t *testing.T) {
	everySignIn(func(r Rules, a Account, first storage.Proof) {
		if len(a.Factors) > 0 {
			return
		}
		next := Next(r, a, first).Do
		if (next == SignIn) == a.Required {
			t.Fatalf("%+v, %+v, %s: %v", r, a, first.Method, next)
		}
		if next == Enroll && !MayEnroll(r, a) && !ThroughMailbox(first.Method) {
			t.Fatalf("a stranger to the mailbox sets up a factor: %+v, %+v, %s", r, a, first.Method)
		}
		r.Unforced = []string{first.Method}
		if next := Next(r, a, first).Do; next != SignIn {
			t.Fatalf("after %s a set-up is forced although the rules say it is not: %v", first.Method, next)
		}
	})
}

// TestTodayAsksWhatASignInAsks checks that an earlier sign-in is worth at most what
// a sign-in with the same proofs gets now.
func TestTodayAsksWhatASignInAsks(t *testing.T) {
	everySignIn(func(r Rules, a Account, first storage.Proof) {
		next := Next(r, a, first)
		one := Today(r, a, Held{Level: storage.OneFactor, Proofs: []storage.Proof{first}})
		if (one == Stands) != (next.Do == SignIn) || (one == Over) != (next.Do == Prove) {
			t.Fatalf("%+v, %+v, %s: a sign-in gets %v, a session %v", r, a, first.Method, next.Do, one)
		}
		trusted := Held{Level: storage.OneFactor, Proofs: []storage.Proof{first}, Trusted: true}
		for _, stands := range []bool{false, true} {
			trusted.BrowserStands = stands
			want := stands && a.Trusts && !r.Outdated(a.Factors)
			if got := Today(r, a, trusted); (got == Stands) != want || got == Enrolls {
				t.Fatalf("%+v, %+v: a trusted session whose browser stands (%v): %v", r, a, stands, got)
			}
		}
		for _, f := range a.Factors {
			h := Held{Level: storage.TwoFactors, Proofs: []storage.Proof{first, ByFactor(f)}}
			got := Today(r, a, h)
			switch {
			case !r.AreIndependent(first, ByFactor(f)) && got != Over:
				t.Fatalf("two proofs of one thing, %s and %s, still open something: %v", first.Method, f.Method, got)
			case r.Refuses(f.Method) && got == Stands:
				t.Fatalf("%s does not count, and a session of it stands", f.Method)
			case r.AreIndependent(first, ByFactor(f)) && !r.Refuses(f.Method) && got != Stands:
				t.Fatalf("a session of %s and %s does not stand: %v", first.Method, f.Method, got)
			}
			if !NeedsFactors(r, a, h) {
				without := a
				without.Factors = nil
				if Today(r, without, h) != got {
					t.Fatalf("%+v, %+v, %s: the answer depends on factors that were not asked for", r, a, f.Method)
				}
			}
		}
	})
}

func TestAReauthenticationAsksForWhatASignInAsks(t *testing.T) {
	everySignIn(func(r Rules, a Account, first storage.Proof) {
		next, again := Next(r, a, first), Again(r, a, first)
		switch {
		case r.Outdated(a.Factors):
			if again.Do != Refuse {
				t.Fatalf("a factor that does not count makes a session fresh: %+v", again)
			}
		case next.Do == Prove && (again.Do != Prove || len(again.Factors) != len(next.Factors)):
			t.Fatalf("%+v, %+v, %s: a sign-in asks %+v, a re-authentication %+v", r, a, first.Method, next, again)
		case again.BrowserDoes:
			t.Fatal("a trusted browser makes a session fresh")
		}
	})
}

func TestOnlyAProvenAddressGetsWhatOpensTheAccount(t *testing.T) {
	add := func(f storage.Factor, remove ...string) storage.FactorChange {
		return storage.FactorChange{Add: &f, Remove: remove}
	}
	for what, c := range map[string]storage.FactorChange{
		"a second factor": add(storage.Factor{Method: storage.Authenticator}),
		"a first factor":  add(storage.Factor{Method: storage.SMS, Usage: storage.UseFirst}),
		"a first factor in place of another": add(storage.Factor{Method: storage.SMS, Usage: storage.UseFirst},
			"other"),
		"a passkey in the place of a password":  add(storage.Factor{Method: storage.Passkey, Usage: storage.UseFirst}),
		"recovery codes":                        {Codes: [][]byte{{1}}},
		"recovery codes and the end of factors": {Codes: [][]byte{{1}}, RemoveAll: true},
	} {
		if MayChange(Rules{Mails: true}, Account{}, c) {
			t.Errorf("%s is added to an account whose address is not proven", what)
		}
		if !MayChange(Rules{Mails: true}, Account{Proven: true}, c) || !MayChange(Rules{}, Account{}, c) {
			t.Errorf("%s is refused although the address is proven, or cannot be", what)
		}
	}
	for what, c := range map[string]storage.FactorChange{
		"a factor by mail, which is the proof":   add(storage.Factor{Method: storage.Email}),
		"a second factor in place of another":    add(storage.Factor{Method: storage.Authenticator}, "other"),
		"the removal of a factor":                {Remove: []string{"other"}},
		"a new credential version, nothing else": {},
	} {
		if !MayChange(Rules{Mails: true}, Account{}, c) {
			t.Errorf("%s is refused", what)
		}
	}
}

func TestAMailedProofRemovesNothingThatTheOwnerSetUp(t *testing.T) {
	if openers, seconds := Drops(Account{}); !openers || !seconds {
		t.Error("what was planted before any proof outlives the first one")
	}
	if openers, seconds := Drops(Account{EverProven: true}); !openers || seconds {
		t.Error("at an address that is new, what opens the account must go and its second factors stay")
	}
	if openers, seconds := Drops(Account{Proven: true, EverProven: true}); openers || seconds {
		t.Error("a reset removes what the owner set up")
	}
}

func TestAnAccountKeepsAWayIn(t *testing.T) {
	r := Rules{Methods: methods}
	app, mail := storage.Factor{ID: "a", Method: storage.Authenticator}, storage.Factor{ID: "m", Method: storage.Email}
	by := func(methods ...string) (w Ways) {
		for _, m := range methods {
			w.Others = append(w.Others, By(m))
		}
		return w
	}
	for what, tt := range map[string]struct {
		ways    Ways
		seconds []storage.Factor
		want    bool
	}{
		"nothing":                             {},
		"a password":                          {Ways{Password: true}, []storage.Factor{mail}, true},
		"a passkey":                           {Ways{Passkey: true}, []storage.Factor{mail}, true},
		"a mailbox alone":                     {by(storage.Email), nil, true},
		"a mailbox, then the mailbox":         {by(storage.Email), []storage.Factor{mail}, false},
		"a mailbox, then an app":              {by(storage.Email), []storage.Factor{mail, app}, true},
		"another site, then the mailbox":      {by(Elsewhere), []storage.Factor{mail}, false},
		"an app, then the same app":           {by(storage.Authenticator), []storage.Factor{app}, false},
		"a mailbox or an app, then the other": {by(storage.Email, storage.Authenticator), []storage.Factor{app}, true},
	} {
		if got := Opens(r, tt.ways, tt.seconds); got != tt.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// TestTheDiagramIsTrue checks that the diagram in doc.go has exactly the steps of
// Next and After.
func TestTheDiagramIsTrue(t *testing.T) {
	names := map[Action]string{ProveMailbox: "mailbox", Enroll: "set-up", Prove: "second factor", SignIn: "session"}
	found := map[string]bool{"mailbox --code--> set-up": true, "set-up --code--> session": true}
	everySignIn(func(r Rules, a Account, first storage.Proof) {
		next := Next(r, a, first)
		found["first factor --Next--> "+names[next.Do]] = true
		seconds := []storage.Proof{By(Rescued)}
		for _, f := range next.Factors {
			seconds = append(seconds, ByFactor(f))
		}
		for _, second := range seconds {
			found["second factor --After--> "+names[After(r, second)]] = true
		}
	})
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	arrow := regexp.MustCompile(`(?m)^//\t(.+?)\s+(--\w+-->)\s+(second factor|set-up|session|mailbox)`)
	drawn := map[string]bool{}
	for _, m := range arrow.FindAllStringSubmatch(string(text), -1) {
		drawn[strings.Join(m[1:], " ")] = true
	}
	for _, step := range slices.Concat(keys(found), keys(drawn)) {
		if found[step] != drawn[step] {
			t.Errorf("%s: taken %v, drawn %v", step, found[step], drawn[step])
		}
	}
}

func keys(m map[string]bool) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}
