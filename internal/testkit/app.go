package testkit

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// Step is the time for which an app shows one code.
const Step = 30 * time.Second

// App is the secret of an authenticator app that shows six digits for 30 seconds. It implements RFC
// 6238 independently of the library.
type App []byte

// ReadApp returns the app of a secret in base32, as the library shows it, or nil.
func ReadApp(t testing.TB, secret string) App {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil || len(key) == 0 {
		t.Errorf("%q is not the secret of an app: %v", secret, err)
		return nil
	}
	return key
}

// At returns the code of a step: HMAC-SHA-1 of the step, dynamic truncation, six digits.
func (a App) At(step int64) string {
	mac := hmac.New(sha1.New, a)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	part := sum[sum[19]&15:]
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(part)&0x7fffffff)%1_000_000)
}

// Code returns the code that the app shows at a time.
func (a App) Code(now time.Time) string { return a.At(now.Unix() / int64(Step/time.Second)) }
