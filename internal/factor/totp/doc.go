// Package totp implements authenticator apps as factors: RFC 6238 with HMAC-SHA-1,
// six digits, 30-second steps and T0 = 0, which every app supports. Apps that were
// set up elsewhere keep their digits, period and algorithm; see Parameters.
//
// It owns the algorithm (Code, Match), the otpauth URI, the QR code and the
// factor.Method. The store records every accepted step in the statement that
// accepts it, so a code works once. This includes the code of the enrollment (RFC
// 6238 section 5.2).
package totp
