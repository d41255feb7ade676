// Package factor says what every kind of second factor can do: begin and
// finish an enrolment, send what has to be sent, verify and spend a code.
//
// It owns the contract (Method) and its errors. The kinds live below it, one
// folder each: totp (authenticator apps) and onetime (codes by SMS and
// e-mail). factortest holds the promises every kind keeps. Who may enrol or
// verify, and how often, is decided by login.
package factor
