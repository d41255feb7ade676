package policy

import (
	"slices"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Rules are the operator's decisions on which the answers depend.
type Rules struct {
	// Methods are the second factors that can be proven here. A method that is
	// missing is switched off or has no sender.
	Methods []string
	// StrongOnly excludes SMS and e-mail from the second factors.
	StrongOnly bool
	// PasskeyIsBoth counts a passkey that verified its user as both factors.
	PasskeyIsBoth bool
	// Independent are the sites whose accounts do not depend on a mailbox. See
	// storage.Proof.Rests.
	Independent []string
	// Unforced are first factors after which a missing second factor need not be
	// set up, even if it is required.
	Unforced []string
	// EnrollProof requires a mailed code before a set-up that is forced at sign-in.
	EnrollProof bool
	// Mails reports whether an address can be proven here.
	Mails bool
	// RescueByMail allows a mailed code to replace a lost second factor.
	RescueByMail bool
	// RepairOnly restricts that code to the set-up of another factor.
	RepairOnly bool
}

// Account describes an account.
type Account struct {
	Required bool // a second factor is required
	Trusts   bool // it may have trusted browsers
	Proven   bool // its owner has proven that they read its mail
	// EverProven reports whether any address of the account, present or former, was
	// proven.
	EverProven bool
	Password   bool // it has a password
	// RecentlyReset reports whether the password was reset through the mailbox so
	// recently that it still counts as the mailbox.
	RecentlyReset bool
	Factors       []storage.Factor // its second factors
}

// Action is the next step of a sign-in.
type Action int

// Actions. The zero value refuses.
const (
	Refuse       Action = iota
	ProveMailbox        // enter a code that is mailed to the account
	Enroll              // set up a second factor
	Prove               // prove one of Step.Factors
	SignIn              // issue a session
)

// Step is the result of Next.
type Step struct {
	Do Action
	// Factors are the factors to choose from, if Do is Prove. If it is empty, all
	// factors of the account depend on the same thing as the first factor.
	Factors []storage.Factor
	// BrowserDoes reports whether a trusted browser can replace the second factor.
	BrowserDoes bool
}

// Next returns what an account asks for after a first factor. Every kind of sign-in
// calls it, and nothing else decides.
func Next(r Rules, a Account, first storage.Proof) Step {
	switch {
	case len(a.Factors) > 0:
		return Step{Prove, Seconds(r, a, first), a.Trusts && !r.Outdated(a.Factors)}
	case !a.Required, slices.Contains(r.Unforced, first.Method):
		return Step{Do: SignIn}
	case !ThroughMailbox(first.Method) && (r.EnrollProof || !MayEnroll(r, a)):
		return Step{Do: ProveMailbox}
	}
	return Step{Do: Enroll}
}

// After returns what follows a second factor: a session, or the set-up of another
// factor if the proven one no longer counts or replaced a lost one.
func After(r Rules, second storage.Proof) Action {
	if second.Method == Rescued && r.RepairOnly || second.Method != Rescued && r.Refuses(second.Method) {
		return Enroll
	}
	return SignIn
}

// Again returns what an account asks for after the first factor of a
// re-authentication. A factor that no longer counts cannot make a session fresh.
func Again(r Rules, a Account, first storage.Proof) Step {
	switch {
	case r.Outdated(a.Factors):
		return Step{Do: Refuse}
	case len(a.Factors) > 0:
		return Step{Do: Prove, Factors: Seconds(r, a, first)}
	}
	return Step{Do: SignIn}
}

// usable returns the factors that can be proven here. If there are none, it returns
// all: the account still has a second factor, and no sign-in skips it (R20). It
// returns at most one passkey, because the browser finds the right one.
func (r Rules) usable(all []storage.Factor) []storage.Factor {
	var out []storage.Factor
	passkey := false
	for _, f := range all {
		if !slices.Contains(r.Methods, f.Method) || passkey && f.Method == storage.Passkey {
			continue
		}
		passkey = passkey || f.Method == storage.Passkey
		out = append(out, f)
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// Refuses reports whether a method does not count as a second factor.
func (r Rules) Refuses(method string) bool { return r.StrongOnly && Weak(method) }

// Outdated reports whether an account has second factors of which none counts any
// longer. They must still be proven, and then another factor must be set up.
func (r Rules) Outdated(factors []storage.Factor) bool {
	return len(factors) > 0 &&
		!slices.ContainsFunc(factors, func(f storage.Factor) bool { return !r.Refuses(f.Method) })
}

// Weak reports whether a method depends on a third party: a phone network, which an
// attacker can persuade to issue another SIM card, or a mailbox, which also resets
// passwords (NIST SP 800-63B-4 sections 3.1.3.1 and 3.1.3.3; R52).
func Weak(method string) bool { return method == storage.SMS || method == storage.Email }
