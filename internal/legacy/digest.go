package legacy

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// newDigest returns a hash that runs a hash function once over input(prepared).
func newDigest(k kind, sum []byte, input func(prepared []byte) []byte) Hash {
	return Hash{
		Scheme: k.name, Cost: Cost{Time: spend(k.ns, usualLen/16)}, sum: sum,
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			d := k.new()
			d.Write(input(prepared))
			return d.Sum(nil), nil
		},
	}
}

// parseDigest reads $md5$SUM and $md5$pf=PATTERN$SALT$SUM, with any hash function.
func parseDigest(text string) (Hash, error) {
	f := strings.Split(text, "$")
	k, ok := kindOf(f[1])
	if !ok {
		return Hash{}, ErrUnknown
	}
	if len(f) == 3 {
		f = []string{"", f[1], "pf=" + encode([]byte("{PASSWORD}")), "", f[2]}
	}
	if len(f) != 5 {
		return Hash{}, ErrMalformed
	}
	head, wide := strings.CutSuffix(f[2], ",e=utf16le")
	encoded, ok := strings.CutPrefix(head, "pf=")
	pattern, err1 := bytesOf(encoded)
	salt, err2 := bytesOf(f[3])
	sum, err3 := bytesOf(f[4])
	if !ok || err1 != nil || err2 != nil || err3 != nil || len(sum) != k.size ||
		bytes.Count(pattern, []byte("{PASSWORD}")) != 1 || bytes.Count(pattern, []byte("{SALT}")) > 2 {
		return Hash{}, ErrMalformed
	}
	h := newDigest(k, sum, func(prepared []byte) []byte {
		if wide {
			prepared = utf16le(prepared)
		}
		// One pass, so that a {SALT} in a password is not replaced.
		r := strings.NewReplacer("{SALT}", string(salt), "{PASSWORD}", string(prepared))
		return []byte(r.Replace(string(pattern)))
	})
	suffix := ""
	if wide {
		suffix = ",e=utf16le"
	}
	h.blank = "$" + k.name + "$pf=" + encode(pattern) + suffix + "$" + encode(salt) + "$" + zeros(sum)
	return h, nil
}

// utf16le converts UTF-8 to UTF-16 in little-endian order, as Windows uses it.
func utf16le(utf8 []byte) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(string(utf8))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// parseLDAP reads {SSHA} and related schemes: base64 of the sum followed by the
// salt.
func parseLDAP(text string) (Hash, error) {
	name, encoded, ok := strings.Cut(strings.TrimPrefix(text, "{"), "}")
	kindName, known := map[string]string{
		"SHA": "sha1", "SSHA": "sha1", "SSHA256": "sha256", "SSHA512": "sha512", "MD5": "md5", "SMD5": "md5",
	}[name]
	if !ok || !known {
		return Hash{}, ErrUnknown
	}
	k, _ := kindOf(kindName)
	raw, err := bytesOf(encoded)
	salted := name[0] == 'S' && name != "SHA"
	if err != nil || len(raw) < k.size || salted != (len(raw) > k.size) {
		return Hash{}, ErrMalformed
	}
	sum, salt := raw[:k.size:k.size], raw[k.size:]
	h := newDigest(k, sum, func(p []byte) []byte { return append(p[:len(p):len(p)], salt...) })
	h.Scheme = "ldap-" + strings.ToLower(name)
	h.blank = "{" + name + "}" + base64.StdEncoding.EncodeToString(append(make([]byte, k.size), salt...))
	return h, nil
}

// parseHMAC reads $hmac-sha256$SUM$KEY. In Kratos, the sum is the hexadecimal text
// of the MAC. The MAC itself is read too.
func parseHMAC(text string) (Hash, error) {
	f, err := fields(text, 4)
	if err != nil {
		return Hash{}, err
	}
	k, ok := kindOf(strings.TrimPrefix(f[1], "hmac-"))
	if !ok {
		return Hash{}, ErrUnknown
	}
	sum, err1 := bytesOf(f[2])
	key, err2 := bytesOf(f[3])
	if len(sum) == 2*k.size {
		sum, err1 = hexOf(string(sum))
	}
	if err1 != nil || err2 != nil || len(sum) != k.size || len(key) == 0 {
		return Hash{}, ErrMalformed
	}
	return Hash{
		Scheme: f[1], Cost: Cost{Time: time.Duration(k.ns * 8)}, sum: sum,
		derive: func(prepared []byte, _ *argon2id.Pool) ([]byte, error) {
			mac := hmac.New(k.new, key)
			mac.Write(prepared)
			return mac.Sum(nil), nil
		},
		blank: "$" + f[1] + "$" + encode([]byte(hex.EncodeToString(make([]byte, k.size)))) + "$" + encode(key),
	}, nil
}
