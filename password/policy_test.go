package password_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/twofold-auth/twofold/password"
)

func TestPolicy(t *testing.T) {
	ctx := []string{"Acme Sign-In", "alice.liddell", "a.liddell@wonderland.example", ""}
	for _, c := range []struct {
		p    password.Policy
		pw   string
		want error
	}{
		{password.Policy{}, "", password.ErrTooShort},
		{password.Policy{}, "xk7-qp2", password.ErrTooShort},
		{password.Policy{}, "xk7-qp2z", nil},
		{password.Policy{}, "        ", nil},
		{password.Policy{}, "пароль-лисы", nil},
		{password.Policy{}, "🦊🐙🦉🐝🦋🐌🐞🦀", nil},
		{password.Policy{}, "🦊🐙🦉🐝🦋🐌🐞", password.ErrTooShort},
		{password.Policy{}, "e\u0301e\u0301e\u0301e\u0301", password.ErrTooShort}, // 4 in normal form
		{password.Policy{MinLength: 15}, "xk7-qp2z xk7-q", password.ErrTooShort},
		{password.Policy{MinLength: 15}, "xk7-qp2z xk7-qp", nil},
		{password.Policy{}, strings.Repeat("xk7-", 32), nil},
		{password.Policy{}, strings.Repeat("xk7-", 32) + "x", password.ErrTooLong},
		{password.Policy{MaxLength: 200}, strings.Repeat("xk7-", 50), nil},
		{password.Policy{MaxLength: 9999}, strings.Repeat("x", password.MaxBytes+1), password.ErrTooLong},
		{password.Policy{}, "password", password.ErrCommon},
		{password.Policy{}, "PassWord", password.ErrCommon},
		{password.Policy{}, "\uff50assword", password.ErrCommon},
		{password.Policy{}, "12345678", password.ErrCommon},
		{password.Policy{}, "qwertyuiop", password.ErrCommon},
		{password.Policy{MinLength: 15}, "passwordpassword", password.ErrCommon},
		{password.Policy{MinLength: 15}, "123456789012345", password.ErrCommon},
		{password.Policy{MinLength: 15}, "aaaaaaaaaaaaaaa", password.ErrCommon},
		{password.Policy{}, "password of the fox", nil}, // merely contains a listed word
		{password.Policy{}, "acme sign-in", password.ErrContext},
		{password.Policy{}, "Alice.Liddell", password.ErrContext},
		{password.Policy{}, "a.liddell", password.ErrContext},
		{password.Policy{}, "A.Liddell@Wonderland.example", password.ErrContext},
		{password.Policy{}, "a.liddell and the fox", nil},
		{password.Policy{}, "abc\x00defghijklmnop", password.ErrMalformed},
		{password.Policy{}, "abcdefgh\xffxyz", password.ErrMalformed},
	} {
		if err := c.p.Check(c.pw, ctx...); !errors.Is(err, c.want) {
			t.Errorf("%+v.Check(%.40q) = %v, want %v", c.p, c.pw, err, c.want)
		}
	}
}

// The list is searched as text, so its format matters; every line is found.
func TestCommonList(t *testing.T) {
	packed, err := os.ReadFile("common.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 90_000 {
		t.Errorf("the list takes %d bytes of the binary: docs/server.md and policy.go say 85 kB", len(packed))
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Error("not sorted, or not unique")
	}
	long := 0
	for _, l := range lines {
		if norm.NFKC.String(strings.ToLower(l)) != l || len(l) < 8 {
			t.Errorf("%q is not in lower case and normal form, or short", l)
		}
		if len(l) >= 15 {
			long++
		}
		if err := (password.Policy{MinLength: 1}).Check(l); !errors.Is(err, password.ErrCommon) {
			t.Fatalf("%q not found: %v", l, err)
		}
	}
	if len(lines) < 3000 || long < 1000 {
		t.Errorf("%d passwords, %d of 15 or more", len(lines), long)
	}
	for _, pw := range []string{"\x01", "~~~~~~~~~~~~", "passwor", "password\n", "!", "password\n0"} {
		if err := (password.Policy{MinLength: 1}).Check(pw); err != nil {
			t.Errorf("%q: %v", pw, err)
		}
	}
}

func BenchmarkPolicy(b *testing.B) {
	for b.Loop() {
		_ = password.Policy{}.Check("correct horse battery", "Acme", "alice", "alice@example.com")
	}
}
