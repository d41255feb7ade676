// Package contract holds the sign-in against docs/contract.md over a socket: what a
// front end written for Flask-Security may rely on.
package contract
