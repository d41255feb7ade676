package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	TimestampHeader = "Twofold-Timestamp" // seconds since 1970, decimal
	SignatureHeader = "Twofold-Signature" // "v1=" and 64 hex digits
)

// defaultTolerance is the tolerance of Verify if it is given 0.
const defaultTolerance = 5 * time.Minute

// ErrSignature means that a request was not signed with the secret, or that its timestamp is
// outside the tolerance.
var ErrSignature = errors.New("webhook: invalid signature")

// Verify returns nil if body came from a WebhookSender with the same secret, within tolerance of
// now, earlier or later, and ErrSignature otherwise. A tolerance of 0 means 5 minutes. body must be
// the body as it was read, not decoded and encoded again.
//
// While a secret is being replaced, a receiver calls Verify with the new and with the old one and
// accepts either. A request can be replayed within the tolerance: keep the ids of messages for that
// time to detect copies.
func Verify(secret string, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	if len(secret) < minSecret {
		return ErrSignature // an unset secret must not accept every request
	}
	if tolerance <= 0 {
		tolerance = defaultTolerance
	}
	// Each header must have one value. If there were two, the receiver's framework might use
	// another value than the one checked here.
	stamps, signatures := header.Values(TimestampHeader), header.Values(SignatureHeader)
	if len(stamps) != 1 || len(signatures) != 1 {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamps[0] {
		return ErrSignature
	}
	given, ok := strings.CutPrefix(signatures[0], "v1=")
	mac, err := hex.DecodeString(given)
	if !ok || err != nil || !hmac.Equal(mac, digest(secret, stamps[0], body)) {
		return ErrSignature
	}
	// Check the time last: it is meaningful only after the signature is verified.
	if off := now.Sub(time.Unix(seconds, 0)); off < -tolerance || off > tolerance {
		return ErrSignature
	}
	return nil
}

func sign(header http.Header, secret string, body []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	header.Set(TimestampHeader, stamp)
	header.Set(SignatureHeader, "v1="+hex.EncodeToString(digest(secret, stamp, body)))
}

// digest covers the time and the body. The dot between them prevents digits from being shifted from
// one to the other.
func digest(secret, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
