package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send/gateway"
)

// signed builds headers from the package documentation, not with the package's code.
func signed(key, stamp, body string) http.Header {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "." + body))
	h := http.Header{}
	h.Set("Twofold-Timestamp", stamp)
	h.Set("Twofold-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

func TestVerify(t *testing.T) {
	const body = `{"to":"joan@example.org"}`
	now := time.Unix(1_767_225_600, 0)
	at := func(off time.Duration) string { return fmt.Sprint(now.Add(off).Unix()) }
	change := func(f func(http.Header)) http.Header {
		h := signed(secret, at(0), body)
		f(h)
		return h
	}
	cases := []struct {
		name   string
		header http.Header
		body   string
		secret string
		ok     bool
	}{
		{"good", signed(secret, at(0), body), body, secret, true},
		{"just in time", signed(secret, at(-time.Minute), body), body, secret, true},
		{"just not too early", signed(secret, at(time.Minute), body), body, secret, true},
		{"too old", signed(secret, at(-61*time.Second), body), body, secret, false},
		{"from the future", signed(secret, at(61*time.Second), body), body, secret, false},
		{"another body", signed(secret, at(0), body), body + " ", secret, false},
		{"another secret", signed("x"+secret, at(0), body), body, secret, false},
		{"an unset secret", signed("", at(0), body), body, "", false},
		{"no headers", http.Header{}, body, secret, false},
		{"another time", change(func(h http.Header) { h.Set("Twofold-Timestamp", at(time.Second)) }), body,
			secret, false},
		{"no version", change(func(h http.Header) {
			h.Set("Twofold-Signature",
				h.Get("Twofold-Signature")[3:])
		}), body, secret, false},
		{"an empty signature", change(func(h http.Header) { h.Set("Twofold-Signature", "v1=") }), body, secret,
			false},
		{"a cut signature", change(func(h http.Header) {
			h.Set("Twofold-Signature",
				h.Get("Twofold-Signature")[:65])
		}), body, secret, false},
		{"two signatures", change(func(h http.Header) { h.Add("Twofold-Signature", "v1=00") }), body, secret, false},
		{"two times", change(func(h http.Header) { h.Add("Twofold-Timestamp", at(0)) }), body, secret, false},
		{"a time that is no number", signed(secret, "now", body), body, secret, false},
		{"a time spelt otherwise", signed(secret, "+"+at(0), body), body, secret, false},
		{"digits moved into the body", signed(secret, at(0)+".1", body), "1." + body, secret, false},
	}
	for _, c := range cases {
		err := gateway.Verify(c.secret, c.header, []byte(c.body), now, time.Minute)
		if c.ok && err != nil || !c.ok && !errors.Is(err, gateway.ErrSignature) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	h := signed(secret, "1767225600", "{}")
	f.Add(h.Get("Twofold-Timestamp"), h.Get("Twofold-Signature"), []byte("{}"))
	f.Add("-9223372036854775808", "v1=", []byte{})
	f.Fuzz(func(t *testing.T, stamp, signature string, body []byte) {
		given := http.Header{"Twofold-Timestamp": {stamp}, "Twofold-Signature": {signature}}
		// A valid signature requires the secret.
		if gateway.Verify("another secret of thirty-two bytes", given, body, time.Unix(1_767_225_600, 0), 0) == nil {
			t.Errorf("taken: %q %q %q", stamp, signature, body)
		}
	})
}

func ExampleVerify() {
	http.HandleFunc("POST /twofold", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || gateway.Verify("the secret both sides share, 32 bytes or more", r.Header, body,
			time.Now(), 0) != nil {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		// Decode the body only now.
		w.WriteHeader(http.StatusNoContent)
	})
}
