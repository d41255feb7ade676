package legacy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// parseDjangoPBKDF2 reads pbkdf2_sha256$ROUNDS$SALT$BASE64; the salt is text.
func parseDjangoPBKDF2(text string) (Hash, error) {
	f, err := fields(text, 4)
	if err != nil {
		return Hash{}, err
	}
	name := strings.TrimPrefix(f[0], "pbkdf2_")
	k, ok := kindOf(name)
	if !ok || name != "sha1" && name != "sha256" {
		return Hash{}, ErrUnknown
	}
	rounds, ok := number(f[1], 1<<40)
	sum, err := bytesOf(f[3])
	if !ok || err != nil || f[2] == "" {
		return Hash{}, ErrMalformed
	}
	h := newPBKDF2(k, rounds, []byte(f[2]), sum)
	h.Scheme = "django-" + h.Scheme
	h.blank = fmt.Sprintf("pbkdf2_%s$%d$%s$%s", name, rounds, f[2], zeros(sum))
	return h, nil
}

// parseDjangoInner reads a hash that Django stores with its own prefix:
// argon2$argon2id$..., bcrypt$$2b$12$... and crypt$$ (des_crypt). The setting of
// Flask-Security does not apply to these.
func parseDjangoInner(text string) (Hash, error) {
	word, rest, _ := strings.Cut(text, "$")
	var h Hash
	var err error
	switch word {
	case "argon2":
		h, err = parseArgon2("$" + rest)
		h.blank = word + h.blank
	case "bcrypt":
		h, err = parseBcrypt(rest)
	default:
		_, rest, _ = strings.Cut(rest, "$") // a copy of the salt, or empty
		h, err = parseDES(rest)
		h.blank = "crypt$$" + h.blank
	}
	h.Scheme, h.flask = "django-"+word, false
	return h, err
}

// parseDjangoBcryptSHA256 reads bcrypt of the hexadecimal SHA-256 of the password.
func parseDjangoBcryptSHA256(text string) (Hash, error) {
	h, err := parseBcrypt(strings.TrimPrefix(text, "bcrypt_sha256$"))
	if err != nil {
		return Hash{}, err
	}
	inner := h.match
	h.Scheme, h.flask = "django-bcrypt_sha256", false
	h.match = func(prepared []byte) bool {
		sum := sha256.Sum256(prepared)
		return inner([]byte(hex.EncodeToString(sum[:])))
	}
	return h, nil
}

// parseDjangoScrypt reads scrypt$N$SALT$R$P$BASE64; the salt is text.
func parseDjangoScrypt(text string) (Hash, error) {
	f, err := fields(text, 6)
	if err != nil {
		return Hash{}, err
	}
	n, ok1 := number(f[1], 1<<40)
	r, ok2 := number(f[3], 1<<40)
	p, ok3 := number(f[4], 1<<40)
	sum, err := bytesOf(f[5])
	if !ok1 || !ok2 || !ok3 || err != nil || f[2] == "" {
		return Hash{}, ErrMalformed
	}
	h, err := newScrypt(n, r, p, []byte(f[2]), sum)
	h.Scheme = "django-scrypt"
	h.blank = fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", n, f[2], r, p, zeros(sum))
	return h, err
}

// parseDjangoDigest reads md5$SALT$HEX and sha1$SALT$HEX; the salt may be empty.
func parseDjangoDigest(text string) (Hash, error) {
	f, err := fields(text, 3)
	if err != nil {
		return Hash{}, err
	}
	k, _ := kindOf(f[0])
	sum, err := hexOf(f[2])
	if err != nil || len(sum) != k.size {
		return Hash{}, ErrMalformed
	}
	h := newDigest(k, sum, func(p []byte) []byte { return append([]byte(f[1]), p...) })
	h.Scheme = "django-" + k.name
	h.blank = f[0] + "$" + f[1] + "$" + strings.Repeat("0", len(f[2]))
	return h, nil
}

// parseBcryptSHA256 reads passlib's bcrypt_sha256. Version 1 is bcrypt of the
// SHA-256 in base64. Version 2 uses an HMAC whose key is the text of the salt.
func parseBcryptSHA256(text string) (Hash, error) {
	f, err := fields(text, 5)
	if err != nil || len(f[3]) != 22 {
		return Hash{}, ErrMalformed
	}
	ident, rounds, ok := "", "", false
	first := strings.Split(f[2], ",")
	switch {
	case len(first) == 2:
		ident, rounds, ok = first[0], first[1], true
	case len(first) == 3 && first[0] == "v=2":
		ident, ok = strings.CutPrefix(first[1], "t=")
		rounds = strings.TrimPrefix(first[2], "r=")
	}
	if !ok || ident != "2a" && ident != "2b" {
		return Hash{}, ErrMalformed
	}
	if len(rounds) == 1 {
		rounds = "0" + rounds
	}
	h, err := parseBcrypt("$" + ident + "$" + rounds + "$" + f[3] + f[4])
	if err != nil {
		return Hash{}, err
	}
	inner := h.match
	h.Scheme, h.flask = "bcrypt_sha256", true
	h.match = func(prepared []byte) bool {
		sum := sha256.Sum256(prepared)
		if len(first) == 3 {
			mac := hmac.New(sha256.New, []byte(f[3]))
			mac.Write(prepared)
			sum = [32]byte(mac.Sum(nil))
		}
		return inner([]byte(base64.StdEncoding.EncodeToString(sum[:])))
	}
	return h, nil
}

// parseFirebase reads $firescrypt$ln=..,r=..,p=..$salt$sum$separator$key.
func parseFirebase(text string) (Hash, error) {
	f, err := fields(text, 7)
	if err != nil {
		return Hash{}, err
	}
	n, ok := parameters(f[2], "ln", "r", "p")
	if !ok {
		return Hash{}, ErrMalformed
	}
	return newFirebase(n, f[3], f[4], f[5], f[6])
}

// parseSupabase reads $fbscrypt$v=1,n=..,r=..,p=..,ss=SEPARATOR,sk=KEY$salt$sum.
func parseSupabase(text string) (Hash, error) {
	f, err := fields(text, 5)
	if err != nil {
		return Hash{}, err
	}
	head, rest, ok1 := strings.Cut(f[2], ",ss=")
	separator, key, ok2 := strings.Cut(rest, ",sk=")
	n, ok3 := parameters(head, "v", "n", "r", "p")
	if !ok1 || !ok2 || !ok3 {
		return Hash{}, ErrMalformed
	}
	if n[0] != 1 {
		return Hash{}, ErrUnknown
	}
	return newFirebase(n[1:], f[3], f[4], separator, key)
}

// newFirebase returns a hash of Firebase. The key that scrypt derives from the
// password encrypts the project's signer key with AES; the result is the sum.
func newFirebase(n []int64, salt, sum, separator, key string) (Hash, error) {
	var raw [4][]byte
	for i, s := range []string{salt, sum, separator, key} {
		var err error
		if raw[i], err = bytesOf(s); err != nil {
			return Hash{}, err
		}
	}
	if n[0] > 40 || len(raw[3]) < 16 || len(raw[1]) != len(raw[3]) {
		return Hash{}, ErrMalformed
	}
	full := append(raw[0][:len(raw[0]):len(raw[0])], raw[2]...)
	h, err := newScrypt(1<<n[0], n[1], n[2], full, raw[1])
	if err != nil {
		return Hash{}, err
	}
	h.Scheme = "firebase-scrypt"
	h.derive = func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
		derived, err := scrypt.Key(prepared, full, 1<<n[0], int(n[1]), int(n[2]), 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, err
		}
		out := make([]byte, len(raw[3]))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, raw[3])
		return out, nil
	}
	h.blank = fmt.Sprintf("$firescrypt$ln=%d,r=%d,p=%d$%s$%s$%s$%s", n[0], n[1], n[2],
		encode(raw[0]), zeros(raw[1]), encode(raw[2]), encode(raw[3]))
	return h, nil
}

// parseBetterAuth reads a salt and a sum in hexadecimal. The text of the salt is
// used as it is, without decoding.
func parseBetterAuth(text string) (Hash, error) {
	salt, sum, ok := strings.Cut(strings.TrimPrefix(text, "$better-auth$"), ":")
	raw, err := hexOf(sum)
	if !ok || err != nil || len(raw) != 64 || salt == "" {
		return Hash{}, ErrMalformed
	}
	h, err := newScrypt(16384, 16, 1, []byte(salt), raw)
	h.Scheme, h.normal = "better-auth", norm.NFKC.String
	h.blank = ""
	return h, err
}
