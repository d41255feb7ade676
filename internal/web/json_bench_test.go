package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkWriteJSON writes the envelope of a sign-in's answer, with and without non-ASCII text.
func BenchmarkWriteJSON(b *testing.B) {
	answer := func(email string) response {
		return &outcomeBody{common: common{
			CSRFToken: strings.Repeat("a", 43), User: &payload{"id": strings.Repeat("A", 26), "email": email},
		}}
	}
	for name, email := range map[string]string{"ascii": "a@example.com", "beyond": "jürgen.müller@example.com"} {
		b.Run(name, func(b *testing.B) {
			body := answer(email)
			b.ReportAllocs()
			for b.Loop() {
				writeJSON(httptest.NewRecorder(), http.StatusOK, body)
			}
		})
	}
}

// BenchmarkReadJSON reads the body of a sign-in.
func BenchmarkReadJSON(b *testing.B) {
	body := []byte(`{"email": "a@example.com", "password": "correct horse battery staple", "remember": true}`)
	take := fields{"email": text, "password": text, "remember": flag}
	b.ReportAllocs()
	for b.Loop() {
		f := form{texts: map[string]string{}, flags: map[string]bool{}}
		if fl := f.readJSON(body, take); fl != nil {
			b.Fatal(fl)
		}
	}
}
