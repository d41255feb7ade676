package twofold

import "github.com/twofold-auth/twofold/password"

// Password configures how passwords are checked and stored.
type Password struct {
	// Scheme is the scheme of new hashes: "argon2" (argon2id, the default) or
	// "bcrypt".
	Scheme string
	// Salt is the SECURITY_PASSWORD_SALT of a Flask-Security installation whose
	// hashes are in use. They are replaced as users sign in.
	Salt string
	// Peppers are secrets that other systems appended to passwords before they hashed them, such as
	// Devise's pepper, by the name that imported hashes use. Keep a pepper until every hash that
	// uses it has been replaced.
	Peppers map[string]string
	// MinLength is the minimum length in code points: between 8 and 64. The default is 8. NIST SP
	// 800-63B-4 section 3.1.1.2 requires 15 if a password alone opens a session.
	MinLength int
	// Slots is the number of passwords that may be hashed at the same time. The default is one for
	// each processor.
	Slots int
	// Portable computes argon2 with golang.org/x/crypto on every machine, not with the assembly of
	// this module where the processor has AVX2. The hashes are the same. Trade-off: a hash takes
	// two to three times as long.
	Portable bool
	// Checkers examine, in this order, new passwords that meet the built-in rules. Packages
	// strength and breach provide two.
	Checkers []password.Checker
	// Legacy checks the passwords of accounts in another system that does not export its hashes. It
	// is called at the first sign-in of an account that does not exist here, and at that of an
	// account whose PasswordHash is password.AskLegacy. If it accepts the password, the account is
	// created or the hash is stored. Packages send/gateway and password/ldap provide two.
	// Trade-off: until then, wrong passwords are sent to that system too.
	Legacy password.Legacy
}
