// Package federatedtest is an OpenID provider for tests: it does what the
// protocol says and checks that its client does, and it can be made to lie.
package federatedtest
