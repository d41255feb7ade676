// Package auth decides what must be proven next, and what happens when it is.
//
// It is the only package that issues sessions. One function in door.go issues them, and its
// parameter is a type that only this package can create. Password, registration, second factor,
// enrollment and re-authentication are steps that end there; none of them issues a session itself.
//
// # Features
//
// Each feature is a type in services.go, and its steps are mostly in files of the same names as
// the handlers of package web. Login has what they share: the door, events, and reading a pending
// sign-in. Messages are sent in mailer.go.
//
// # Outcomes
//
// An incomplete sign-in is a separate value, not a flag in a session. A step returns an Outcome
// that contains either a session or a pending sign-in with the factor to prove next.
//
// The steps of one request share a PendingCookie, so a pending sign-in is read once a request.
//
// # Rules
//
// The package contains no HTTP, no SQL and no texts for users. Errors are sentinels, which package
// web converts to a status and a text. Codes are used up and the pending sign-in is taken before
// the session is created. So after a crash in between the user must sign in again, but no code can
// be used twice.
package auth
