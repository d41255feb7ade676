// Package totp is the authenticator-app factor: RFC 6238 with HMAC-SHA-1, six
// digits, 30-second steps, T0 = 0, which is what every app understands. Apps that
// were set up elsewhere keep their digits, period and algorithm; see Parameters.
//
// It owns the algorithm (Code, Match), the otpauth URI, the QR code and the
// factor.Method. Every accepted step is recorded by the store in the same
// statement that accepts it, so a code works once, the enrolment code
// included (RFC 6238 section 5.2).
package totp
