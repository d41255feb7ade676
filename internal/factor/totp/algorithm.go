package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"time"
)

// Parameters of apps that are set up here. They are fixed, because several apps
// ignore the parameters in the URI. Apps that were set up elsewhere may have
// others; see Parameters.
const (
	Period     = 30 // seconds, RFC 6238 section 4.1
	Size       = 6  // digits
	SecretSize = 20 // bytes, RFC 4226 section 4 R6 recommends 160 bits
	minSecret  = 16 // bytes, RFC 4226 section 4 R6 requires 128 bits
)

// Algorithm is the hash function of the HMAC.
type Algorithm int

// Hash functions of RFC 6238.
const (
	SHA1 Algorithm = iota
	SHA256
	SHA512
)

func (a Algorithm) hash() func() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New
	case SHA512:
		return sha512.New
	default:
		return sha1.New
	}
}

// Step returns the number of the period that contains t, for an app that was set up
// here. A time before 1970 has no period.
func Step(t time.Time) int64 { return stepOf(t, Period) }

func stepOf(t time.Time, period int) int64 {
	s := t.Unix()
	if s < 0 {
		return -1
	}
	return s / int64(period)
}

// Code returns the code of a step (RFC 4226 section 5.3).
func Code(a Algorithm, secret []byte, step int64, digits int) string {
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], uint64(step))
	m := hmac.New(a.hash(), secret)
	m.Write(msg[:])
	sum := m.Sum(nil)
	off := sum[len(sum)-1] & 0x0f
	v := uint64(binary.BigEndian.Uint32(sum[off:off+4]) & 0x7fffffff)
	mod := uint64(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, v%mod)
}

// Match returns the step of a code, for an app that was set up here. It tries the
// current step, back steps before it and ahead steps after it.
func Match(secret []byte, code string, now time.Time, back, ahead int) (step int64, ok bool) {
	if len(secret) < minSecret {
		return 0, false
	}
	return Parameters{Secret: secret, Digits: Size, Period: Period}.match(code, now, back, ahead)
}

// match returns the step of a code. It computes all candidates and compares them in
// constant time, so that time does not show which one was close (R36). A short
// secret matches nothing: anyone could compute the codes of an empty one.
func (p Parameters) match(code string, now time.Time, back, ahead int) (step int64, ok bool) {
	if p.check() != nil || len(code) != p.Digits {
		return 0, false
	}
	current := stepOf(now, p.Period)
	if current < 0 {
		return 0, false
	}
	for i := -back; i <= ahead; i++ {
		s := current + int64(i)
		if s < 0 {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(Code(p.Algorithm, p.Secret, s, p.Digits)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}
