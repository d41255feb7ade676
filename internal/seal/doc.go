// Package seal keeps secrets: it encrypts what the store must be able to read
// back (TOTP secrets, messages under way), and derives the sub-keys behind keyed
// hashes and signed tokens.
//
// It owns three things.
//
//   - A [Ring] encrypts and decrypts secrets at rest. Every sealed value is
//     bound to its purpose and its owner, so a value copied into another user's
//     row does not open. The newest key seals, all keys open, and Open says when
//     a value should be sealed again: that is how keys are rotated.
//   - [Keys] turn the application's secret into one independent sub-key per
//     purpose, for MACs (one-time codes) and signed tokens (cookies, links). A
//     token made for one purpose never verifies for another.
//   - [Token] and [HashToken] make random tokens and the hash of them that may
//     be stored.
//
// It does not own: where keys come from, expiry and single use of tokens (put
// both in the payload or in a record), and passwords, which need a slow hash
// (package password).
//
// # Why it is safe
//
// Sub-keys come from HKDF-SHA256 (RFC 5869) with the purpose in the info field;
// the use ("seal", "mac", "sign") stands in front of it, so one application
// secret may serve both a Ring and Keys. Secrets are sealed with AES-256-GCM and
// a random 96-bit nonce (NIST SP 800-38D, 8.2.2), which is sound for 2^32 values
// under one key and purpose. Everything that is authenticated is encoded with
// the length before each part, so ("ab","c") and ("a","bc") differ. Comparisons
// of secrets take constant time.
//
// Purposes are constants of the program, never user input. All types are safe
// for concurrent use, hold no mutable state, and do not show their keys when
// they are printed or logged.
package seal
