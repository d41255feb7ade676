package factor_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor"
)

// TestACodeHasExactlyItsDigits checks that a code has exactly the required number of digits,
// however it is typed or pasted.
func TestACodeHasExactlyItsDigits(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", "123 456": "123456", "12-34-56": "123456", " 1 2 3 4 5 6 ": "123456",
		"123456" + strings.Repeat(" ", 90): "123456", "123456" + strings.Repeat(" ", 91): "",
		"": "", "12345": "", "1234567": "", "12345a": "", "123.456": "", "\u00b9\u00b2\u00b3456": "", "\x00123456": "",
		"\uff11\uff12\uff13\uff14\uff15\uff16": "123456", "\u0661\u0662\u0663\u0664\u0665\u0666": "123456",
		"\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6": "123456", "\u0967\u0968\u0969\u096a\u096b\u096c": "123456",
		"\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4": "123456",
		"123456\n": "123456", "\t123\u00a0456\r\n": "123456", "123\u202f456": "123456",
		"\u200b123\u200d456\ufeff": "123456",
		"\u202a123456\u202c":       "123456", "\u200e123\u2013456": "123456", "123\u2011456": "123456",
		"123\u2212456": "123456",
		"123456.":      "123456", "123 456. ": "123456", "123456\u3002": "123456", "123\u30fb456": "",
	} {
		if got, err := factor.Digits(typed, 6); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
}

// FuzzDigits checks that Digits returns a code unchanged when it is given its own
// result.
func FuzzDigits(f *testing.F) {
	for _, s := range []string{"123456", "\u0661\u0662\u0663\u0664\u0665\u0666", "12-34 56.", "\u200e1\u00ad23456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := factor.Digits(s, 6)
		if err != nil {
			return
		}
		if len(got) != 6 || strings.Trim(got, "0123456789") != "" {
			t.Fatalf("%q became %q", s, got)
		}
		if again, err := factor.Digits(got, 6); err != nil || again != got {
			t.Fatalf("%q does not stay: %q, %v", got, again, err)
		}
	})
}
