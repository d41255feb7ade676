package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// AWS signs requests to Amazon's services with Signature Version 4. It supports POST requests to a
// path without a query and without characters that must be escaped, as SNS accepts them.
type AWS struct {
	Region, Service string
	KeyID, Secret   string
	// Token is the session token of temporary credentials; optional.
	Token string
}

func (a *AWS) check() error {
	for _, name := range []string{a.Region, a.Service} {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return errors.New("needs a Region and a Service of lower-case letters, digits and hyphens")
		}
	}
	if a.KeyID == "" || a.Secret == "" || strings.ContainsAny(a.KeyID, " ,/\r\n\x00") ||
		strings.ContainsAny(a.Token, " \r\n\x00") {
		return errors.New("needs a KeyID and a Secret; Token must be a single line")
	}
	return nil
}

// sign sets the headers of a signature over the host, content type, time and body.
func (a *AWS) sign(req *http.Request, body []byte, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	req.Header.Set("X-Amz-Date", stamp)
	signed := [][2]string{
		{"content-type", req.Header.Get("Content-Type")}, {"host", req.URL.Host}, {"x-amz-date", stamp},
	}
	if a.Token != "" {
		req.Header.Set("X-Amz-Security-Token", a.Token)
		signed = append(signed, [2]string{"x-amz-security-token", a.Token})
	}
	var headers strings.Builder
	names := make([]string, len(signed))
	for i, h := range signed {
		names[i] = h[0]
		headers.WriteString(h[0] + ":" + h[1] + "\n")
	}
	list := strings.Join(names, ";")
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{req.Method, path, "", headers.String(), list, hexSum(body)}, "\n")
	scope := stamp[:8] + "/" + a.Region + "/" + a.Service + "/aws4_request"
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum([]byte(canonical))}, "\n")
	key := []byte("AWS4" + a.Secret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.KeyID+"/"+scope+", SignedHeaders="+list+
		", Signature="+hex.EncodeToString(mac(key, text)))
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
