package policy

import (
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Held is what was proven earlier and still opens something: a session, a family
// of refresh tokens, a personal access token.
type Held struct {
	Level   store.Level
	Proofs  []store.Proof
	Trusted bool // a trusted browser stood for the second factor
	// BrowserStands reports whether that browser is still trusted and Vouches for
	// the second factor.
	BrowserStands bool
}

// Standing is what is left of what was proven earlier.
type Standing int

// The standings. The zero value is good for nothing.
const (
	Over    Standing = iota
	Enrolls          // only for the set-up of a second factor that is required by now
	Stands           // for all that it proves
)

// Today returns what is left of what was proven earlier. It asks what a sign-in
// with the same proofs is asked now: the rules, the trust and the factors of
// today, not those of the day it was made.
func Today(r Rules, a Account, h Held) Standing {
	switch {
	case h.Trusted:
		if a.Trusts && h.BrowserStands && !r.Outdated(a.Factors) {
			return Stands
		}
		return Over
	case h.Level >= store.TwoFactors:
		return r.provenToday(a, h)
	case first(h.Proofs).Method == Operator:
		return Stands
	}
	switch Next(r, a, first(h.Proofs)).Do {
	case SignIn:
		return Stands
	case Enroll, ProveMailbox:
		return Enrolls
	}
	return Over
}

// provenToday is Today for what two factors were proven for. A method that does
// not count anymore leads to the set-up of another one, as a sign-in with it
// does, if the account has nothing better.
func (r Rules) provenToday(a Account, h Held) Standing {
	last := Second(h.Proofs)
	switch {
	case !r.TwoFactors(h.Proofs), last == Rescued && (!r.RescueByMail || r.StrongOnly || r.RepairOnly):
		return Over
	case !r.Refuses(last):
		return Stands
	case r.Outdated(a.Factors):
		return Enrolls
	}
	return Over
}

// NeedsFactors reports whether the answer of Today depends on the second factors
// of the account. For one proven factor it does only where a second one is
// required: a change of factors ends what was proven before it, so whatever is
// alive with one factor, untrusted, belongs to an account that has no other.
func NeedsFactors(r Rules, a Account, h Held) bool {
	switch {
	case h.Trusted:
		return r.StrongOnly
	case h.Level >= store.TwoFactors:
		return r.Refuses(Second(h.Proofs))
	}
	return a.Required && first(h.Proofs).Method != Operator
}

// Vouches reports whether a trusted browser counts as a second factor: by what was
// proven when it was trusted, as it is counted today.
func Vouches(r Rules, proofs []store.Proof) bool {
	return r.TwoFactors(proofs) && !r.Refuses(Second(proofs))
}

// Second returns the method of the last of several proofs.
func Second(proofs []store.Proof) string {
	if len(proofs) < 2 {
		return ""
	}
	return proofs[len(proofs)-1].Method
}

func first(proofs []store.Proof) store.Proof {
	if len(proofs) == 0 {
		return store.Proof{}
	}
	return proofs[0]
}

// IsRecent reports whether a session was fresh within limit before now. A negative
// limit accepts any age. A trusted browser proved one factor of two and is never
// fresh (R81).
func IsRecent(s store.Session, now time.Time, limit time.Duration) bool {
	if s.Trusted {
		return false
	}
	age := now.Sub(s.FreshAt)
	return limit < 0 || !s.FreshAt.IsZero() && age < limit && age > -limit
}

// IsFull reports whether a session proved all that an account with these second
// factors asks for.
func IsFull(r Rules, s store.Session) bool {
	return s.Level >= store.TwoFactors && r.TwoFactors(s.Proofs)
}
