package seal

import (
	"crypto/rand"
	"crypto/sha256"
)

// Token returns 256 random bits as 43 characters of base64url, for a session ID,
// the token in a link or a device secret. NIST SP 800-63B-4, 5.1 requires 64 bits,
// ASVS 7.2.3 128.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the program instead
	return text.EncodeToString(b[:])
}

// HashToken returns the SHA-256 of a token as 43 characters of base64url. The store
// keeps and looks up this hash. A fast hash without salt is sufficient only because
// a [Token] cannot be guessed; use [Keys.MAC] for short codes. Because the look-up
// is by hash, its timing does not help an attacker. The hash of the empty string is
// not empty, so a missing token never matches an empty column.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return text.EncodeToString(sum[:])
}
