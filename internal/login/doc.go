// Package login decides what must be proven next, and what happens when it is.
//
// It is the only door: door.go holds the one function that issues sessions,
// and its parameter is a type that only this package can make. Password,
// registration, second factor, enrolment and re-authentication are steps that
// end there; none issues anything itself.
//
// # What a step answers
//
// "Not yet signed in" is a value, not a flag in a session: a step returns an
// Outcome that holds either a session or a pending sign-in that says what to
// prove next.
//
// # What it never does
//
// No HTTP, no SQL, no words for people. Errors are sentinels; web turns them
// into status and text. Consume first, then grant: a code is spent and the
// pending taken before the session exists, so a crash in between costs a new
// sign-in, never a second use.
package login
