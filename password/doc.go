// Package password hashes passwords, verifies them, says when a hash should be
// rewritten, and decides which passwords may be chosen.
//
// It owns the stored string: everything needed to verify a password later is in
// it, except Flask-Security's salt. It does not own the user record, guess limits
// (package limit) or the look-up of breached passwords on another server.
//
// # Stored forms
//
// What is hashed differs by origin, and the stored string says so by itself:
//
//	$argon2id$v=19$m=..,t=..,p=..,keyid=dHdvZm9sZA$salt$tag   ours, argon2id
//	$twofold-bcrypt$2a$12$...                                 ours, bcrypt
//	$argon2id$v=19$m=..,t=..,p=..$salt$tag   $2b$12$...       from elsewhere
//
// Ours is argon2id over the NFKC form of the password, whole. Its mark is the
// keyid parameter of the PHC string format, base64 of "twofold"; it enters no
// computation. Our bcrypt hashes base64(HMAC-SHA256("twofold/password/bcrypt",
// NFKC(password))): 44 characters without NUL, so bcrypt neither cuts it at 72
// bytes nor stops early. The HMAC's key is not secret; it makes the inner hash one
// that occurs nowhere else, so leaked lists of plain SHA-256 hashes cannot be tried
// in place of passwords.
//
// A string without our mark comes from elsewhere. With [Config].Salt it is
// Flask-Security's: NFKD, then base64(HMAC-SHA512(salt, password)), then argon2 or
// the first 72 characters through bcrypt. Without, it is a plain hash of the
// password as typed. Both verify and ask to be rewritten. Because ours are marked,
// adding or removing the salt later locks out no user who has signed in since; only
// hashes imported and never used depend on it.
//
// # Bounds
//
// Passwords over [MaxBytes] are refused before any work, and no more than
// [Config].Slots hashes run at once: argon2 is bound by memory, and more of them
// than processors finish fewer per second, not more. Others wait in line, and get
// [ErrBusy] when that takes too long.
// Memory under load is Slots times the memory of the costliest stored hash. On amd64
// the memory of the configured cost is kept for the next hash, and given back after
// ten seconds without one; package internal/argon2id says what lies in it meanwhile.
package password
