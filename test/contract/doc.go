// Package contract tests the sign-in over HTTP against docs/contract.md, on which front ends
// written for Flask-Security rely.
package contract
