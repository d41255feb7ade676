package captcha

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"time"
)

// altchaLife is the lifetime of a challenge. A page may be open for some time before
// its form is sent.
const altchaLife = time.Hour

// altchaHash is the name of the hash in challenges.
const altchaHash = "SHA-256"

// question is a challenge of Altcha, version 1. The browser must find the number
// for which the hash of salt and number is Challenge.
type question struct {
	Algorithm string `json:"algorithm"`
	Challenge string `json:"challenge"`
	MaxNumber int    `json:"maxnumber"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// solution is the browser's answer. The number is not a string: digits of the salt
// could then be moved into it (CVE-2025-68113).
type solution struct {
	Algorithm string `json:"algorithm"`
	Challenge string `json:"challenge"`
	Number    *int   `json:"number"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// saltForm is the only accepted form of a salt. The ampersand at the end separates
// the time from the number that follows it in the hashed text.
var saltForm = regexp.MustCompile(`^[0-9a-f]{24}\?expires=([0-9]{1,12})&$`)

// challenge makes a challenge. It stores nothing.
func (k *Checker) challenge() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(k.c.Cost)+1))
	if err != nil {
		return "", err
	}
	random := make([]byte, 12)
	_, _ = rand.Read(random) // never fails: crypto/rand aborts the program instead
	expires := k.c.Now().Add(altchaLife).Unix()
	salt := hex.EncodeToString(random) + "?expires=" + strconv.FormatInt(expires, 10) + "&"
	q := question{
		Algorithm: altchaHash, Challenge: hashed(salt, int(n.Int64())), MaxNumber: k.c.Cost, Salt: salt,
	}
	q.Signature = hex.EncodeToString(signed(k.c.Keys[0], q.Challenge))
	raw, err := json.Marshal(q)
	return string(raw), err
}

func hashed(salt string, number int) string {
	sum := sha256.Sum256([]byte(salt + strconv.Itoa(number)))
	return hex.EncodeToString(sum[:])
}

func signed(key []byte, challenge string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(challenge))
	return m.Sum(nil)
}

// checkAltcha checks an answer to a challenge of this site, and marks it as used.
func (k *Checker) checkAltcha(ctx context.Context, answer string) (bool, error) {
	var s solution
	if len(answer) > maxAnswer {
		return false, nil
	}
	raw, err := base64.StdEncoding.DecodeString(answer)
	if err != nil || json.Unmarshal(raw, &s) != nil || s.Number == nil || s.Algorithm != altchaHash {
		return false, nil
	}
	form := saltForm.FindStringSubmatch(s.Salt)
	if form == nil || *s.Number < 0 || hashed(s.Salt, *s.Number) != s.Challenge {
		return false, nil
	}
	if !k.ours(s) {
		return false, nil
	}
	seconds, err := strconv.ParseInt(form[1], 10, 64)
	left := time.Unix(seconds, 0).Sub(k.c.Now())
	if err != nil || left <= 0 {
		return false, nil
	}
	return k.c.Once(ctx, "altcha:"+s.Challenge, left+time.Second)
}

// ours reports whether one of the keys of this site signed the challenge.
func (k *Checker) ours(s solution) bool {
	signature, err := hex.DecodeString(s.Signature)
	if err != nil {
		return false
	}
	for _, key := range k.c.Keys {
		if hmac.Equal(signature, signed(key, s.Challenge)) {
			return true
		}
	}
	return false
}
