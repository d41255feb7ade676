// Package model lets two users, and a third who has just registered, perform all operations in
// three browsers in random order, and after every step compares the accessible pages with a small
// model.
//
// It has tests only. A run takes 2,000 steps by default, 40,000 with CI=true, and n with
// TWOFOLD_WALK=n. A run prints its seed, and TWOFOLD_SEED repeats it. A failing walk is reduced to
// the steps that cause the failure before it is shown.
//
// The model is independent of the code that it checks: it has its own budgets, its own
// authenticator apps and its own rules for the effect of a change. It is exact, so an unexpected
// refusal is an error like unexpected access. It knows every code, link and notice that is sent,
// and compares the factors and tokens in the store with its own.
//
// In every second walk an address need not be confirmed, so a stranger signs in with an unproven
// one. Browsers keep the cookie that records who signed in there.
//
// Users also sign in and register through another site, an OpenID provider that reports any address
// a step chooses (siterules_test.go). One of its users is an attacker.
//
// People of a former system sign in too, as does an attacker of that system who claims the
// addresses of others (legacy_test.go).
//
// After each walk, the audit trail of every account is replayed against the model that package
// explore explores (trail_test.go).
//
// A subject with more than a few lines has one file of rules and one of steps. A step builds a
// request and asks the rule for the expected result.
package model
