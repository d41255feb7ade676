// Package passkey is the factor of passkeys and security keys: WebAuthn level
// 3, the relying party's side.
//
// It owns the options for the browser, every check of its answer (sections 7.1
// and 7.2 of the specification), and the record of a passkey: a versioned JSON
// text, sealed and bound to its user and factor, written back at each use by a
// compare-and-set, so that of two answers with one counter one is taken.
//
// CBOR, COSE keys and signatures are checked by go-webauthn, of which no type
// leaves this folder. What it would let pass is checked here first: the exact
// origin, cross-origin frames, token binding, ambiguous JSON, sizes,
// attestations that were not asked for, counters and backup flags.
//
// Keeping ceremonies (once, five minutes, bound to who began them) is login's.
package passkey
