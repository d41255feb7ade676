// Package softkey is an authenticator and a browser for tests. It answers the
// options of WebAuthn as a security key in Chromium does. A test can make it lie in
// any field, before the signature or after it.
//
// It shares no code with the packages that it tests: it imports only the standard
// library and has its own CBOR encoder.
package softkey
