package policy

import (
	"slices"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Methods of proofs that are not factors of an account.
const (
	Rescued   = "rescue" // a code that was mailed for a rescue
	Elsewhere = "oauth"  // an account at another site
	// Operator is not a proof of the owner: an operator granted a personal access
	// token. It counts as one factor, whatever the account asks for, and never as
	// one of two.
	Operator   = "operator"
	RememberMe = "remember" // the cookie of a remembered browser
	Confirmed  = "confirm"  // the link that confirms an address
	Reset      = "reset"    // the link that resets a password
)

// Two proofs are two factors only if they depend on different things. A proof
// records what it depends on (storage.Proof.Rests). The operator's rules are not
// recorded: they are applied when proofs are compared. So a changed setting also
// changes the value of older proofs.

// restsOn returns what a proof depends on under the current rules. An account at
// another site is usually a mailbox, or can be opened through one. So it also
// counts as the mailbox, unless the operator states that the accounts of this site
// do not.
func (r Rules) restsOn(p storage.Proof) []string {
	rests := p.RestsOn()
	if p.Method != Elsewhere {
		return rests
	}
	rests = slices.DeleteFunc(slices.Clone(rests), func(thing string) bool { return thing == storage.OnMailbox })
	if slices.ContainsFunc(rests, func(thing string) bool { return slices.Contains(r.Independent, thing) }) {
		return rests
	}
	return append(rests, storage.OnMailbox)
}

// AreIndependent reports whether two proofs depend on different things.
func (r Rules) AreIndependent(a, b storage.Proof) bool {
	rests := r.restsOn(b)
	return !slices.ContainsFunc(r.restsOn(a), func(thing string) bool { return slices.Contains(rests, thing) })
}

// TwoFactors reports whether two of the proofs are independent, or one is a
// passkey that counts as both factors.
func (r Rules) TwoFactors(proofs []storage.Proof) bool {
	for i, p := range proofs {
		if p.UserVerified && r.PasskeyIsBoth ||
			slices.ContainsFunc(proofs[i+1:], func(q storage.Proof) bool { return r.AreIndependent(p, q) }) {
			return true
		}
	}
	return false
}

// By returns the proof that a method gives, to compare it with another.
func By(method string) storage.Proof {
	return storage.Proof{Method: method, Rests: storage.RestsOn(method)}
}

// ByFactor returns the proof that a factor gives. Each passkey counts as a
// different thing.
func ByFactor(f storage.Factor) storage.Proof {
	p := By(f.Method)
	if f.Method == storage.Passkey {
		p.Rests = []string{storage.OnPasskey + ":" + f.ID}
	}
	return p
}

// Following returns the second factors that can be asked for after the first.
func (r Rules) Following(first storage.Proof, factors []storage.Factor) []storage.Factor {
	return r.differing(first, r.usable(factors))
}

// Seconds returns the second factors of an account that can be asked for after the
// first. For some time after a reset, the password also counts as the mailbox
// (R73). In this time mailed codes are left out if the account has another second
// factor.
func Seconds(r Rules, a Account, first storage.Proof) []storage.Factor {
	all := r.Following(first, a.Factors)
	if !a.RecentlyReset {
		return all
	}
	if others := r.differing(By(storage.Email), all); len(others) > 0 {
		return others
	}
	return all
}

// differing returns the second factors that do not depend on the same thing as the
// first. Two mailed codes prove one mailbox twice (R7).
func (r Rules) differing(first storage.Proof, factors []storage.Factor) []storage.Factor {
	var out []storage.Factor
	for _, f := range factors {
		if r.AreIndependent(first, ByFactor(f)) {
			out = append(out, f)
		}
	}
	return out
}

// ThroughMailbox reports whether a first factor came by mail, which proves that its
// user reads the account's mail. AreIndependent decides what it depends on.
func ThroughMailbox(method string) bool {
	return method == storage.Email || method == Confirmed || method == Reset
}

// MayRescueByMail reports whether a mailed code can replace an account's second
// factor: it must be independent of the first factor. For some time after a reset,
// the password also counts as the mailbox (R73).
func MayRescueByMail(r Rules, a Account, first storage.Proof) bool {
	return !a.RecentlyReset && r.AreIndependent(first, By(storage.Email))
}
