package policy

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Held describes something that an earlier sign-in opened and that may still be
// valid: a session, a family of refresh tokens or a personal access token.
type Held struct {
	Level   storage.Level
	Proofs  []storage.Proof
	Trusted bool // a trusted browser replaced the second factor
	// BrowserStands reports whether that browser is still trusted, and whether
	// Vouches accepts it as the second factor.
	BrowserStands bool
}

// Standing is the remaining validity of an earlier sign-in.
type Standing int

// Standings. The zero value is worth nothing.
const (
	Over    Standing = iota
	Enrolls          // only the set-up of a second factor that is now required
	Stands           // everything that it proved
)

// Today returns the remaining validity of a session or token. It applies the
// current rules, trust and factors, as a sign-in with the same proofs would now,
// and not those of the time of the sign-in.
func Today(r Rules, a Account, h Held) Standing {
	switch {
	case h.Trusted:
		if a.Trusts && h.BrowserStands && !r.Outdated(a.Factors) {
			return Stands
		}
		return Over
	case h.Level >= storage.TwoFactors:
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

// provenToday is like Today, but for two proven factors. If the method no longer
// counts and the account has no better one, it leads to the set-up of another
// factor, as it does at a sign-in.
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

// NeedsFactors reports whether the result of Today depends on the second factors of
// the account. For one proven factor, it does only if a second one is required. A
// change of factors ends everything that was issued before it. So a valid session
// with one factor and without trust belongs to an account that has no second
// factor.
func NeedsFactors(r Rules, a Account, h Held) bool {
	switch {
	case h.Trusted:
		return r.StrongOnly
	case h.Level >= storage.TwoFactors:
		return r.Refuses(Second(h.Proofs))
	}
	return a.Required && first(h.Proofs).Method != Operator
}

// Vouches reports whether a trusted browser counts as a second factor. It applies
// the current rules to the proofs that were given when the browser was trusted.
func Vouches(r Rules, proofs []storage.Proof) bool {
	return r.TwoFactors(proofs) && !r.Refuses(Second(proofs))
}

// Second returns the method of the last of several proofs.
func Second(proofs []storage.Proof) string {
	if len(proofs) < 2 {
		return ""
	}
	return proofs[len(proofs)-1].Method
}

func first(proofs []storage.Proof) storage.Proof {
	if len(proofs) == 0 {
		return storage.Proof{}
	}
	return proofs[0]
}

// IsRecent reports whether a session was fresh within limit before now. A negative
// limit accepts any age. A session of a trusted browser proved only one factor and
// is never fresh (R81).
func IsRecent(s storage.Session, now time.Time, limit time.Duration) bool {
	if s.Trusted {
		return false
	}
	age := now.Sub(s.FreshAt)
	return limit < 0 || !s.FreshAt.IsZero() && age < limit && age > -limit
}

// IsFull reports whether a session proved two factors.
func IsFull(r Rules, s storage.Session) bool {
	return s.Level >= storage.TwoFactors && r.TwoFactors(s.Proofs)
}
