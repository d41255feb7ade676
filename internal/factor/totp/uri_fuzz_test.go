package totp

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzURI checks that an app reads exactly one secret, one issuer and one label
// from the URI, for any names of users and sites (R33).
func FuzzURI(f *testing.F) {
	for _, s := range [][2]string{
		{"tests", "alice@x.t"}, {"a:b", "c:d"}, {"x&secret=AAAA", "y?secret=BBBB"}, {"x#y", "z%26issuer=other"},
		{"%3A", "/../"},
		{"Ünïcode", "用户@例子.广告"}, {"\r\nX: y", "\x00\x7f"}, {"\xff", "a\xc0\xaf"}, {"", ""}, {"+ ", "a+b@x.t"},
		{"//host", "@host/"}, {";", "a;b"},
	} {
		f.Add(s[0], s[1], []byte("12345678901234567890"))
	}
	f.Fuzz(func(t *testing.T, issuer, label string, secret []byte) {
		b32 := encode(secret)
		text := URI(issuer, label, b32)
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%@:/?&=") != "" {
			t.Fatalf("%q holds a character that means something", text)
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.User != nil || u.Fragment != "" ||
			u.Opaque != "" {
			t.Fatalf("%q: %+v %v", text, u, err)
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(q) != 2 || len(q["secret"]) != 1 || len(q["issuer"]) != 1 {
			t.Fatalf("%q says %v %v", text, q, err)
		}
		got, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(q.Get("secret"))
		if err != nil || string(got) != string(secret) {
			t.Fatalf("%q: secret %x, want %x: %v", text, got, secret, err)
		}
		wantIssuer, wantLabel := shown(issuer), shown(label)
		if q.Get("issuer") != wantIssuer || u.Path != "/"+wantIssuer+":"+wantLabel {
			t.Fatalf("%q: issuer %q label %q, want %q and %q", text, q.Get("issuer"), u.Path, wantIssuer, wantLabel)
		}
	})
}

// shown returns the part of a name that an app can show.
func shown(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != ':' && r >= ' ' && r != 0x7f && utf8.ValidRune(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
