// Package factor defines what every kind of second factor can do: begin and finish
// an enrollment, send a code if the kind has one to send, and verify and spend a
// code.
//
// It owns the interface (Method) and its errors. Each kind has a package below it:
// totp (authenticator apps) and onetime (codes by SMS and e-mail). factortest tests
// what every kind promises. Package auth decides who may enroll or verify, and how
// often.
package factor
