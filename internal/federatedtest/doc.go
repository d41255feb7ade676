// Package federatedtest provides an OpenID provider for tests. It implements the protocol and
// checks its client. Tests can make its answers wrong.
package federatedtest
