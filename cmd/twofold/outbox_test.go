package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send"
)

func TestTheOutboxShowsMessagesAsRecipientsSeeThem(t *testing.T) {
	box := send.NewBox(10)
	for _, m := range []send.Message{
		{Channel: send.Email, To: "ann@example.org", Subject: "Reset <your> password",
			Text: "Go to http://localhost:8080/reset/abc. Or (http://localhost/x?a=1&b=2).\n<b>",
			HTML: `<p onclick="alert(1)">hello "there"</p>`},
		{Channel: send.SMS, To: "+16505551212", Text: "Your code is 123456"},
	} {
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	outboxPage(box).ServeHTTP(w, httptest.NewRequest("GET", "/dev/outbox", nil))
	body := w.Body.String()
	for _, want := range []string{
		`<a href="http://localhost:8080/reset/abc">http://localhost:8080/reset/abc</a>. Or (<a href="http://localhost/x?a=1&amp;b=2">`,
		`&lt;b&gt;`, `<main>`, `<h1>`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`,
		`srcdoc="&lt;p onclick=&#34;alert(1)&#34;&gt;hello &#34;there&#34;&lt;/p&gt;"`, `<strong>123456</strong>`,
		"overflow-wrap:anywhere", "prefers-color-scheme:dark",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if w.Header().Get("Refresh") != "" {
		t.Error("the page reloads by itself")
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") ||
		strings.Contains(policy, "script-src") {
		t.Errorf("the policy is %q", policy)
	}
}
