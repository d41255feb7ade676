package seal

import (
	"crypto/rand"
	"crypto/sha256"
)

// Token returns 256 random bits as 43 characters of base64url: a session id, the
// token in a link, a device secret. NIST SP 800-63B-4, 5.1 asks for 64 bits, ASVS
// 7.2.3 for 128.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return text.EncodeToString(b[:])
}

// HashToken returns the SHA-256 of a token as 43 characters of base64url: what the
// store keeps and looks up. A fast hash without salt is enough, and only is,
// because a [Token] cannot be guessed; use [Keys.MAC] for short codes. The look-up
// by hash also gives a timing attacker nothing to climb. The hash of the empty
// string is not empty, so a missing token never matches an empty column.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return text.EncodeToString(sum[:])
}
