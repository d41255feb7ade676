// Package seal protects secrets. It encrypts what the store must be able to read
// back (TOTP secrets, messages waiting to be sent), and derives the sub-keys of
// keyed hashes and signed tokens.
//
// It owns three things.
//
//   - A [Ring] encrypts and decrypts secrets at rest. Every sealed value is
//     bound to its purpose and its owner, so a value that is copied into another
//     user's row does not open. The newest key seals, and all keys open. Open
//     reports when a value should be sealed again, so keys can be rotated.
//   - [Keys] derive one independent sub-key per purpose from the application's
//     secret, for MACs (one-time codes) and signed tokens (cookies, links). A
//     token made for one purpose is never valid for another.
//   - [Token] makes random tokens, and [HashToken] returns the hash of a token
//     that may be stored.
//
// It does not manage the origin of keys, or the expiry and single use of tokens
// (put both in the payload or in a record). It does not hash passwords, which need
// a slow hash (package password).
//
// # Why it is safe
//
// Sub-keys come from HKDF-SHA256 (RFC 5869) with the purpose in the info field. The
// use ("seal", "mac", "sign") precedes the purpose, so one application secret may
// serve both a Ring and Keys. Secrets are sealed with AES-256-GCM and a random
// 96-bit nonce (NIST SP 800-38D, 8.2.2), which is sound for 2^32 values under one
// key and purpose. Everything that is authenticated is encoded with the length
// before each part, so ("ab","c") and ("a","bc") differ. Secrets are compared in
// constant time.
//
// Purposes are constants of the program, never user input. All types are safe for
// concurrent use, hold no mutable state, and do not show their keys when they are
// printed or logged.
package seal
