package web

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// R64: a factor's name is one line of visible text.
func TestNamesAreTidy(t *testing.T) {
	for in, want := range map[string]string{
		" my phone ": "my phone", "a\r\nb": "ab", "a\u202eb\u200d": "ab", "\x1b[2J": "[2J",
		"<img onerror=1>": "<img onerror=1>", "": "",
	} {
		if got := TidyName(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	if got := TidyName(strings.Repeat("ü", 100)); utf8.RuneCountInString(got) != maxName {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}
