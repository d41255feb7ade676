// Package password hashes passwords, verifies them, says when a hash should be
// rewritten, and decides which passwords may be chosen.
//
// It owns the stored string: everything needed to verify a password later is in
// it, except Flask-Security's salt and other peppers. It does not own the user record,
// guess limits (package limit) or the look-up of breached passwords on another server.
//
// # Stored forms
//
// What is hashed differs by origin, and the stored string says so by itself:
//
//	$argon2id$v=19$m=..,t=..,p=..,keyid=dHdvZm9sZA$salt$tag   ours, argon2id
//	$twofold-bcrypt$2a$12$...                                 ours, bcrypt
//	$argon2id$v=19$m=..,t=..,p=..$salt$tag   $2b$12$...       from elsewhere, and
//	                                                          many more
//
// Ours is argon2id over the NFKC form of the password, whole. Its mark is the
// keyid parameter of the PHC string format, base64 of "twofold"; it enters no
// computation. Our bcrypt hashes base64(HMAC-SHA256("twofold/password/bcrypt",
// NFKC(password))): 44 characters without NUL, so bcrypt neither cuts it at 72
// bytes nor stops early. The HMAC's key is not secret; it makes the inner hash one
// that occurs nowhere else, so leaked lists of plain SHA-256 hashes cannot be tried
// in place of passwords.
//
// A string without our mark comes from elsewhere. All that are listed below verify and
// ask to be rewritten; [Hasher.Adopt] decides what is stored for one. A digest, or
// anything else that takes less than 5 milliseconds, is wrapped in argon2id at once, so
// that nothing weak lies in the table.
//
// Because ours are marked, adding or removing a secret later locks out no user who
// has signed in since; only hashes imported and never used depend on it.
//
// # Hashes from elsewhere
//
//	$2a$ $2b$ $2y$                          bcrypt
//	$argon2id$v=19$m=..,t=..,p=..$salt$sum  argon2id and argon2i, PHC string
//	$pbkdf2$ROUNDS$salt$sum                 passlib: pbkdf2_sha1, and with
//	                                        -sha256, -sha512 after pbkdf2
//	$pbkdf2-sha256$i=..,l=..$salt$sum       Keycloak, Kratos, Auth0; -sha1, -sha512
//	$scrypt$ln=..,r=..,p=..$salt$sum        PHC string; Kratos writes N for ln
//	$5$ $6$ $1$                             sha256_crypt, sha512_crypt, md5_crypt
//	$sha256-crypt$ $sha512-crypt$ $md5-crypt$  the same, as Kratos writes them
//	two characters of salt, eleven of sum   des_crypt
//	$bcrypt-sha256$                         passlib, versions 1 and 2
//	$P$ $H$                                 phpass
//	pbkdf2_sha256$ pbkdf2_sha1$ argon2$ bcrypt$ bcrypt_sha256$ scrypt$ md5$ sha1$ crypt$
//	                                        Django
//	32 hexadecimal characters               md5 without salt, as Django had it
//	$firescrypt$ $fbscrypt$                 Firebase, as Kratos and Supabase write it
//	{SSHA} {SSHA256} {SSHA512} {SHA} {SMD5} {MD5}
//	                                        LDAP
//	$md5$SUM  $md5$pf=PATTERN$salt$sum      a digest as Kratos writes it; PATTERN is
//	                                        base64 of a text with {SALT} and {PASSWORD};
//	                                        also md4, sha1, sha256, sha512;
//	                                        ",e=utf16le" after it: of the password
//	$hmac-sha256$sum$key                    Kratos; also md4, md5, sha1, sha224, sha384, sha512
//	$aspnet$BASE64                          ASP.NET Identity, versions 2 and 3
//	$better-auth$salt:sum                   Better Auth
//	{PLAIN}password                         never stored
//	$ask$                                   the former system is asked, once
//
// What was done to the password before it was hashed stands in front, where the
// line itself does not say it: $pre$KIND$ or $pre$KIND,k=NAME$. NAME is that of a
// secret in the configuration, which is never in the line.
//
//	$pre$none$     nothing
//	$pre$nfkd$     only its NFKD form was taken: Flask-Security's single hash
//	$pre$flask$    Flask-Security: base64 of the HMAC-SHA512 of the NFKD form;
//	               without k=, the secret is the configured salt
//	$pre$pepper,k=devise$  the secret is appended to the password
//
// Without it, [Config].Salt enters the schemes for which Flask-Security uses it, and no
// others.
//
// # Bounds
//
// Passwords over [MaxBytes] are refused before any work, and no more than
// [Config].Slots hashes run at once: argon2 is bound by memory, and more of them
// than processors finish fewer per second, not more. Others wait in line, and get
// [ErrBusy] when that takes too long. Callers of [Reserve] have a line of their own.
// A hash from elsewhere that would take more than 2 seconds or 256 MiB, by its
// parameters, is refused without being tried.
// Memory under load is Slots times the memory of the costliest stored hash. On amd64
// the memory of the configured cost is kept for the next hash, and given back after
// ten seconds without one; package internal/argon2id says what lies in it meanwhile.
package password
