// Package session says who this browser is: it makes sessions, finds them on
// every request, renews and ends them.
//
// It owns the token (256 random bits; the store keeps its SHA-256), idle and
// absolute limits, and the short cache in front of the store. It does not
// decide whether a user may have a session: Open is called by one function
// of login, and a test of the whole tree holds that.
package session
