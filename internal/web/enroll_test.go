package web

import (
	"html/template"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
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

// TestTheQRCodeIsDrawnOnlyIfItIsSent checks this because drawing the code takes longer than the
// rest of an answer.
func TestTheQRCodeIsDrawnOnlyIfItIsSent(t *testing.T) {
	drawn := 0
	started := auth.Enrollment{Method: storage.Authenticator, Secret: &factor.EnrollmentSecret{
		QR: func() template.URL { drawn++; return "data:" },
	}}
	s := &Site{}
	s.features = featuresOf(s)
	plain := &call{r: httptest.NewRequest("GET", "/", nil)}
	asks := &call{r: httptest.NewRequest("GET", "/?include_qr", nil)}
	page := s.secondFactor.settingUp(plain, started)
	for _, c := range []struct {
		name  string
		build func()
		want  int
	}{
		{"JSON", func() { s.enroll.enrollmentBody(plain, started) }, 0},
		{"JSON for a first factor", func() { firstEnrollment(s, plain, started)() }, 0},
		{"JSON with include_qr", func() { s.enroll.enrollmentBody(asks, started) }, 1},
		{"JSON for a first factor with include_qr", func() { firstEnrollment(s, asks, started)() }, 1},
		{"the page", func() { page.view() }, 1},
	} {
		drawn = 0
		c.build()
		if drawn != c.want {
			t.Errorf("%s: drawn %d times, want %d", c.name, drawn, c.want)
		}
	}
}
