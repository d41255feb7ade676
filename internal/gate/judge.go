package gate

import (
	"slices"

	"github.com/twofold-auth/twofold/gate"
)

// Caller describes the sender of a request. The zero value is an unknown caller.
type Caller struct {
	SignedIn bool
	Enrolls  bool // they must set up a second factor first
	Two      bool // two factors, or one factor and a trusted browser
	Strong   bool
	Program  bool // the request has a personal access token
	Fresh    bool // they proved everything within the time that the rule allows
	Roles    []string
	// Permissions are used only if the rule names some.
	Permissions []string
	Scopes      []string
}

// Outcome is the decision of a rule on a request.
type Outcome int

// Outcomes. The zero value refuses.
const (
	Refused     Outcome = iota // no rule matches, or the rule denies
	Passes                     // the request is passed to the application
	NeedsSignIn                // a session or a token is required
	NeedsSecond                // a second factor is required
	NeedsStrong                // a factor other than SMS, e-mail and a trusted browser is required
	NeedsFresh                 // a more recent proof is required
	LacksRole                  // a role or a permission is missing
	LacksScope                 // the rule does not admit the token
)

// String describes the outcome in words.
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

// Judge applies a rule to the request of a caller. number is the number of the
// rule, or 0 if none matched.
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

// byRole is applied last. A caller who lacks a role cannot gain it by another
// proof, and an unknown caller must not learn which pages need a role.
func byRole(r gate.Rule, c Caller) Outcome {
	if !hasAll(c.Roles, r.Roles) || !hasAll(c.Permissions, r.Permissions) {
		return LacksRole
	}
	return Passes
}

func hasAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}
