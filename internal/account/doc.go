// Package account is the life of a user record: created, found, given a
// password and roles, switched off, reset.
//
// It owns the canonical form of an identity (one function for look-up,
// uniqueness and every budget) and the password rules. It opens no session and
// knows no HTTP; a registration that shall end signed in goes on through login.
package account
