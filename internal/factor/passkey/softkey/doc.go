// Package softkey is an authenticator and a browser in one, for tests: it
// answers WebAuthn's options like a security key in Chromium, and lies where it
// is told to, in any field, before the signature or after it.
//
// It knows nothing of the code it tests: standard library only, with a CBOR
// writer of its own.
package softkey
