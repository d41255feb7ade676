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

// defaultTolerance is how far a timestamp may be off if Verify is told 0.
const defaultTolerance = 5 * time.Minute

// ErrSignature is returned for a request whose sender does not have the secret, or
// not from now.
var ErrSignature = errors.New("webhook: signature does not hold")

// Verify returns nil if body came from a WebhookSender with the same secret, within
// tolerance of now (0: 5 minutes, either way), and ErrSignature otherwise.
// body is the request's body as read, not decoded and encoded again.
//
// While a secret is exchanged, a receiver calls Verify with the new and the
// old one and takes either. A request can be replayed within the tolerance:
// keep the ids of messages that long to drop copies.
func Verify(secret string, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	if len(secret) < minSecret {
		return ErrSignature // an unset secret must not let everything in
	}
	if tolerance <= 0 {
		tolerance = defaultTolerance
	}
	// One value each: with two, the receiver's framework might show its code
	// another one than was checked here.
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
	// The time is looked at last: it is only worth reading once it is known
	// to be the sender's.
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

// digest covers the time and the body. The dot between them keeps digits from
// moving from one to the other.
func digest(secret, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
