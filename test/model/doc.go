// Package model lets two users, and a third who has only just registered, do in
// three browsers everything there is to do, in random order, and compares what
// opens after every step with a small model of what must.
//
// It has tests only. The everyday run takes 2,000 steps; CI=true takes 40,000
// and TWOFOLD_WALK=n as many as it says. A run prints its seed, and
// TWOFOLD_SEED repeats it. A walk that goes wrong is cut down to the steps that
// matter before it is shown.
//
// The model knows nothing of the code it watches: it has its own budgets, its
// own codes of authenticator apps and its own idea of what a change ends. It is
// exact, so a refusal that it cannot explain counts like a door that is open. It
// knows every code, link and notice that is sent, and holds the factors and
// tokens in the store against its own.
//
// In every second walk an address need not be confirmed, so a stranger signs in
// with one that is not proven. Browsers keep the note of who signed in there.
//
// They also sign in, and make accounts, through another site, a provider of OpenID that
// tells whatever address a step wants (siterules_test.go). One of its users is an
// attacker.
//
// People of a former system arrive too, and an attacker of that system who claims the
// addresses of others (legacy_test.go).
//
// After each walk the audit trail of every account is replayed against the model
// that package explore explores (trail_test.go).
//
// Each subject has a file of rules, where it is more than a few lines, and one
// of steps: the step fills in a request and asks the rule what must come of it.
package model
