package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"golang.org/x/text/unicode/norm"
)

// normal returns the form of a password that is hashed, so that the same password typed on two
// keyboards is the same string. NFKC is one of the two forms that NIST SP 800-63B of 2017, 5.1.1.2
// names.
func normal(password string) string { return norm.NFKC.String(password) }

// shrink converts a password in normal form to 44 characters, for bcrypt.
func shrink(prepared []byte) []byte {
	mac := hmac.New(sha256.New, []byte("twofold/password/bcrypt"))
	mac.Write(prepared)
	return []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
