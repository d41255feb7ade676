// Package passkey implements passkeys and security keys as factors: the relying
// party of WebAuthn level 3.
//
// It owns the options for the browser, every check of the response (sections 7.1
// and 7.2 of the specification), and the record of a passkey. The record is a
// versioned JSON text that is sealed and bound to its user and factor. Each use
// replaces it by a compare-and-set, so of two responses with one counter, one is
// accepted.
//
// go-webauthn checks CBOR, COSE keys and signatures. None of its types is exported.
// This package first checks what go-webauthn would accept: the exact origin,
// cross-origin frames, token binding, ambiguous JSON, sizes, attestations that were
// not requested, counters and backup flags.
//
// Package auth stores the ceremonies. A ceremony is valid once, for five minutes,
// and for the user who started it.
package passkey
