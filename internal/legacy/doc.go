// Package legacy reads password hashes that other systems made, and verifies
// passwords against them.
//
// An import provides a hash in parts, as a [Spec], or as the line that the other
// system stores. [Text] returns the line for the password column of the users
// table. [Parse] reads such a line. It refuses a line that it does not know, or
// that would cost more than [MaxTime] or [MaxMemory]. [Scheme] returns the scheme
// of any line, including those of package password. A program does not store a Text
// as it is: the method Hasher.Adopt of package password first wraps a weak hash,
// and hashes plain text.
//
// # Stored lines
//
// The documentation of package password lists the lines, because applications store
// them too.
//
// A weak hash is stored as $wrap$m=..,t=..,p=..$salt$tag$, followed by the line
// with a sum of zeros. The tag is argon2id of the sum that the password yields.
package legacy
