package account

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
)

// FuzzKey checks that every spelling of an identity has the same key (R6).
func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "alice@x.t", " ALICE@X.T\u200b", "ａｌｉｃｅ＠ｘ．ｔ", "straße@straße.de",
		"a@xn--strae-oqa.de", "ﬁ", "İ", "K", "\xff", "a@b@c", "@", "ᾳ̈", "a\u00adb", "e\u0301@x.t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 80 {
			return // spelled out it may be too long for an identity
		}
		key := Key(s)
		if again := Key(key); again != key {
			t.Fatalf("%q: key %q, whose key is %q", s, key, again)
		}
		if key == "" {
			return
		}
		spellings := []string{" " + s + "\t", "\u200b" + s + "\u2060", "\ufeff" + s}
		if ascii(s) {
			spellings = append(spellings, strings.ToUpper(s), strings.ToLower(s), wide(s))
		}
		for _, other := range spellings {
			if got := Key(other); got != key {
				t.Fatalf("%q: key %q, spelled %q it is %q", s, key, other, got)
			}
		}
	})
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || r < ' ' }) < 0
}

// wide returns a text in full-width letters, as some keyboards write it.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' {
			return r + 0xfee0
		}
		return r
	}, s)
}

// FuzzParseEmail checks that every accepted input is one bare address that can be stored, read back
// and found again.
func FuzzParseEmail(f *testing.F) {
	for s := range injections {
		f.Add(s)
	}
	for _, s := range []string{"alice@x.t", "a.b+c@sub.example.org", "é@straße.de", "a@xn--strae-oqa.de", "a@x.t.",
		"a@-x.t", "a@1.2.3.4", "a@ｘ。ｔ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, key, err := ParseEmail(s)
		if err != nil {
			if !errors.Is(err, ErrEmail) || address != "" || key != "" {
				t.Fatalf("%q: %q %q %v", s, address, key, err)
			}
			return
		}
		if strings.ContainsAny(address, "\r\n\x00\t \"(),:;<>[]\\") || strings.Count(address, "@") != 1 ||
			len(address) > maxEmail {
			t.Fatalf("%q: took %q", s, address)
		}
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || parsed.Name != "" {
			t.Fatalf("%q: mail programs read %q as %v %v", s, address, parsed, err)
		}
		again, k, err := ParseEmail(address)
		if err != nil || again != address || k != key {
			t.Fatalf("%q: took %q (%q), and that as %q (%q) %v", s, address, key, again, k, err)
		}
		if Key(address) != key || Key(s) != key || Key(key) != key {
			t.Fatalf("%q: stored under %q, looked for under %q, %q and %q", s, key, Key(address), Key(s), Key(key))
		}
	})
}

// FuzzParseUsername checks that a username is never an address, and is found again.
func FuzzParseUsername(f *testing.F) {
	for _, s := range []string{"alice", "ＡＬＩＣＥ", "al ice", "a@x.t", "½½½½", "ﬃﬃ", "ab\u0301cd", "\u200balice"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, key, err := ParseUsername(s, Lengths{Min: 4, Max: 32})
		if err != nil {
			return
		}
		again, k, err := ParseUsername(name, Lengths{Min: 4, Max: 32})
		if err != nil || again != name || k != key || Key(s) != key || key == "" || strings.ContainsAny(key, "@ ") {
			t.Fatalf("%q: took %q (%q), looked for under %q; again %q (%q) %v", s, name, key, Key(s), again, k, err)
		}
	})
}
