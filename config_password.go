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
	// Peppers are secrets that other systems appended to passwords before they
	// hashed them, such as Devise's pepper, by the name that imported hashes use.
	// Keep them until every such hash has been replaced.
	Peppers map[string]string
	// MinLength is the minimum length in code points. The default is 8. NIST SP
	// 800-63B-4 section 3.1.1.2 requires 15 if a password alone opens a
	// session.
	MinLength int
	// Slots is how many passwords are hashed at the same time. The default is
	// the number of processors.
	Slots int
	// Portable computes argon2 with golang.org/x/crypto on every machine, not with
	// the assembly of this module where the processor has AVX2. Hashes are the same.
	// It costs this: a hash takes two to three times as long.
	Portable bool
	// Checkers judge new passwords that the built-in rules accept, in this
	// order. Packages strength and breach have two.
	Checkers []password.Checker
	// Legacy is the system that accounts come from, where it gives no hashes: it is
	// asked at the first sign-in of an account that this one does not know, and of
	// one whose PasswordHash is password.AskLegacy. On yes the account is here.
	// Packages send/gateway and password/ldap have two. It costs this: until then a
	// password that is wrong is sent there too.
	Legacy password.Legacy
}
