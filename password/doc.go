// Package password hashes and verifies passwords, reports which hashes should be replaced, and
// decides which passwords may be chosen.
//
// A stored string contains everything that is needed to verify a password later, except
// Flask-Security's salt and other peppers. The package does not store user records, limit guesses
// or look up breached passwords on a server.
//
// # Stored forms
//
// The input of the hash depends on the origin of the stored string, which its form shows:
//
//	$argon2id$v=19$m=..,t=..,p=..,keyid=dHdvZm9sZA$salt$tag   ours, argon2id
//	$twofold-bcrypt$2a$12$...                                 ours, bcrypt
//	$argon2id$v=19$m=..,t=..,p=..$salt$tag   $2b$12$...       another system's, and
//	                                                          many more
//
// Our argon2id hashes are computed over the whole password in NFKC form. They are marked by the
// keyid parameter of the PHC string format, which is base64 of "twofold" and is not part of the
// computation. Our bcrypt hashes are computed over base64(HMAC-SHA256("twofold/password/bcrypt",
// NFKC(password))). These are 44 characters without NUL, so bcrypt neither truncates them at 72
// bytes nor stops early. The HMAC's key is not secret. It makes the inner hash unique to this
// package, so leaked lists of plain SHA-256 hashes cannot be tried in place of passwords.
//
// A hash without our mark was created by another system. All kinds that are listed below can be
// verified, and Verify reports that they should be replaced. [Hasher.Adopt] decides what is stored
// for such a hash. A hash that takes less than 5 milliseconds, such as a digest, is wrapped in
// argon2id at once, so that no weak hash is stored.
//
// Because our hashes are marked, adding or removing a secret later does not affect users who have
// signed in since the import. Only imported hashes that have not been used depend on it.
//
// # Hashes of other systems
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
//	$ask$                                   see [AskLegacy]
//
// A prefix $pre$KIND$ or $pre$KIND,k=NAME$ describes what was done to the password before it was
// hashed, if the hash itself does not show it. NAME is the name of a secret in the configuration;
// the secret itself is never stored in the hash.
//
//	$pre$none$     nothing
//	$pre$nfkd$     only its NFKD form was taken: Flask-Security's single hash
//	$pre$flask$    Flask-Security: base64 of the HMAC-SHA512 of the NFKD form;
//	               without k=, the secret is the configured salt
//	$pre$pepper,k=devise$  the secret is appended to the password
//
// Without a prefix, [Config].Salt is used only for the schemes for which Flask-Security uses it.
//
// # Bounds
//
// Passwords longer than [MaxBytes] are refused before any work. At most [Config].Slots hashes run
// at once: argon2 is limited by memory, and running more hashes than there are processors lowers
// the number that finish per second. Other callers wait in a queue and get [ErrBusy] if that takes
// too long. Callers with a context of [Reserve] have their own queue. Another system's hash that
// would take more than 2 seconds or 256 MiB, judged by its parameters, is refused. Under load, the
// memory used is Slots times the memory of the costliest stored hash. On amd64 the memory of the
// configured cost is kept for the next hash and released after ten seconds without one; package
// internal/argon2id describes its content.
package password
