// Package legacy reads password hashes that other systems made, and verifies
// passwords against them.
//
// An importer has a hash in parts, a [Spec], or as the one line that the other
// system stores. [Text] makes the line to keep in the password column of the
// users table; [Parse] reads such a line, and refuses what it does not know and
// what would cost more than [MaxTime] or [MaxMemory]. [Scheme] names the scheme
// of any line, ours included. A program does not store a Text as it is: package
// password's Hasher.Adopt wraps a weak one first, and hashes plain text.
//
// # Stored lines
//
// Package password lists them, because applications store them too.
//
// A weak hash is kept as $wrap$m=..,t=..,p=..$salt$tag$ and the line with a sum of
// zeros: tag is argon2id over the sum that the password gives.
package legacy
