package gate

import (
	"slices"

	"github.com/twofold-auth/twofold/gate"
)

// Caller is what is known of the sender of a request. The zero value is a stranger.
type Caller struct {
	SignedIn bool
	Enrolls  bool // must set up a second factor before anything else
	Two      bool // two factors, or one and a trusted browser
	Strong   bool
	Program  bool // came with a personal access token
	Fresh    bool // proved everything no longer ago than the rule asks
	Roles    []string
	// Permissions are looked at only if the rule names some.
	Permissions []string
	Scopes      []string
}

// Outcome is what a rule does with a request.
type Outcome int

// The outcomes. The zero value refuses.
const (
	Refused     Outcome = iota // no rule matches, or the rule denies
	Passes                     // the request goes on to the application
	NeedsSignIn                // by a session, or by a token
	NeedsSecond                // a second factor
	NeedsStrong                // a factor that is not a text, a mail or a trusted browser
	NeedsFresh                 // a newer proof
	LacksRole                  // or a permission
	LacksScope                 // the rule admits no such token
)

// String says the outcome for people.
func (o Outcome) String() string {
	switch o {
	case Passes:
		return "passes"
	case NeedsSignIn:
		return "must sign in"
	case NeedsSecond:
		return "must prove a second factor"
	case NeedsStrong:
		return "must prove a strong factor"
	case NeedsFresh:
		return "must prove it again"
	case LacksRole:
		return "lacks a role or a permission"
	case LacksScope:
		return "has a token without the scopes"
	}
	return "refused"
}

// Judge says what a rule does with the request of a caller. number is the rule's, 0
// if none matched.
func Judge(r gate.Rule, number int, c Caller) Outcome {
	switch {
	case number == 0 || r.Require == gate.Deny:
		return Refused
	case r.Require == gate.Public:
		return Passes
	case !c.SignedIn:
		return NeedsSignIn
	case c.Program && (len(r.Scopes) == 0 || !hasAll(c.Scopes, r.Scopes)):
		return LacksScope
	case c.Program:
		return byRole(r, c)
	case c.Enrolls:
		return NeedsSecond
	}
	switch r.Require {
	case gate.OneFactor:
	case gate.TwoFactors:
		if !c.Two {
			return NeedsSecond
		}
	case gate.Strong:
		if !c.Strong {
			return NeedsStrong
		}
	default:
		return Refused
	}
	if r.Fresh > 0 && !c.Fresh {
		return NeedsFresh
	}
	return byRole(r, c)
}

// byRole comes last: who lacks a role cannot gain it by proving more, but a stranger
// is not told which pages need one.
func byRole(r gate.Rule, c Caller) Outcome {
	if !hasAll(c.Roles, r.Roles) || !hasAll(c.Permissions, r.Permissions) {
		return LacksRole
	}
	return Passes
}

func hasAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}
