package policy

import (
	"slices"

	"github.com/twofold-auth/twofold/store"
)

// Rules are what the operator decided, as far as the answers depend on it.
type Rules struct {
	// Methods are the second factors that can be proven here. A method that is
	// not among them is switched off or has no sender.
	Methods []string
	// StrongOnly does not count text messages and e-mail as second factors.
	StrongOnly bool
	// PasskeyIsBoth counts a passkey that verified its user as both factors.
	PasskeyIsBoth bool
	// Independent are the sites whose accounts do not rest on a mailbox, as in
	// store.Proof.Rests.
	Independent []string
	// Unforced are first factors after which a required second factor need not be
	// set up.
	Unforced []string
	// EnrollProof asks for a mailed code before a set-up that a sign-in demands.
	EnrollProof bool
	// Mails reports whether an address can be proven here.
	Mails bool
	// RescueByMail offers a mailed code in place of a lost second factor.
	RescueByMail bool
	// RepairOnly lets such a code lead to the set-up of another factor only.
	RepairOnly bool
}

// Account is what is known about an account.
type Account struct {
	Required bool // it must have a second factor
	Trusts   bool // its browsers may be trusted
	Proven   bool // its owner has shown that they read its mail
	// EverProven is Proven for any address that the account has had.
	EverProven bool
	Password   bool // it has a password
	// ResetLately reports whether its password was reset through the mailbox so
	// recently that the password rests on the mailbox too.
	ResetLately bool
	Factors     []store.Factor // its second factors
}

// Action is what a sign-in must do next.
type Action int

// The actions. The zero value lets no one in.
const (
	Refuse       Action = iota
	ProveMailbox        // enter a code that is mailed to the account
	Enroll              // set up a second factor
	Prove               // prove one of Step.Factors
	SignIn              // nothing more: issue a session
)

// Step is the answer of Next.
type Step struct {
	Do Action
	// Factors are those to choose from, if Do is Prove. If there are none, the
	// account has only what the first factor rests on.
	Factors []store.Factor
	// BrowserDoes reports whether a trusted browser can take the place of the
	// second factor.
	BrowserDoes bool
}

// Next returns what an account asks for after a first factor. Every way in asks
// it, and nothing else decides.
func Next(r Rules, a Account, first store.Proof) Step {
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
// factor if the one proven does not count anymore or replaced a lost one.
func After(r Rules, second store.Proof) Action {
	if second.Method == Rescued && r.RepairOnly || second.Method != Rescued && r.Refuses(second.Method) {
		return Enroll
	}
	return SignIn
}

// Again returns what an account asks for after the first factor of a
// re-authentication. A factor that does not count anymore cannot make a session
// fresh.
func Again(r Rules, a Account, first store.Proof) Step {
	switch {
	case r.Outdated(a.Factors):
		return Step{Do: Refuse}
	case len(a.Factors) > 0:
		return Step{Do: Prove, Factors: Seconds(r, a, first)}
	}
	return Step{Do: SignIn}
}

// usable returns the factors that can be proven here. If none can, it returns all:
// the account still has a second factor, and no one gets in without (R20). Of
// several passkeys it returns one, because the browser finds the right one.
func (r Rules) usable(all []store.Factor) []store.Factor {
	var out []store.Factor
	passkey := false
	for _, f := range all {
		if !slices.Contains(r.Methods, f.Method) || passkey && f.Method == store.Passkey {
			continue
		}
		passkey = passkey || f.Method == store.Passkey
		out = append(out, f)
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// Refuses reports whether a method does not count as a second factor.
func (r Rules) Refuses(method string) bool { return r.StrongOnly && Weak(method) }

// Outdated reports whether an account has second factors, none of which counts
// anymore. They must still be proven, and lead to the set-up of one that counts.
func (r Rules) Outdated(factors []store.Factor) bool {
	return len(factors) > 0 && !slices.ContainsFunc(factors, func(f store.Factor) bool { return !r.Refuses(f.Method) })
}

// Weak reports whether other people carry what proves a method: a phone network
// that can be talked into another SIM card, or a mailbox that resets passwords
// too (NIST SP 800-63B-4 sections 3.1.3.1 and 3.1.3.3; R52).
func Weak(method string) bool { return method == store.SMS || method == store.Email }
