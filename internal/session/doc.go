// Package session creates sessions, finds them for every request, renews them and ends them.
//
// It implements the token (256 random bits, whose SHA-256 is stored), the idle and absolute limits,
// and a short cache in front of the store. It does not decide whether a user may have a session:
// only the function issue of package auth leads to Open and Prepare, which a test checks.
package session
