package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/sendtest"
)

const secret = "0123456789abcdef0123456789abcdef"

// receiver is the receiver of the webhook, implemented as the documentation says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  int
	bodies []string
	errs   []error // of Verify
	status int
	echo   bool
	silent bool
	quit   chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent, quit: make(chan struct{})}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		close(r.quit)
		r.Close()
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err == nil {
		err = gateway.Verify(secret, req.Header, body, time.Now(), 0)
	}
	r.mu.Lock()
	r.calls++
	r.bodies, r.errs = append(r.bodies, string(body)), append(r.errs, err)
	status, echo, silent := r.status, r.echo, r.silent
	r.mu.Unlock()
	if silent {
		select {
		case <-r.quit:
		case <-req.Context().Done():
		}
		return
	}
	if echo {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(body)
		return
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	w.WriteHeader(status)
}

func (r *receiver) set(change func(*receiver)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *receiver) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

func to(t *testing.T, r *receiver) *gateway.WebhookSender {
	t.Helper()
	s, err := gateway.NewWebhook(gateway.WebhookConfig{URL: r.URL + "/hook?key=hunter2", Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWebhookConformance(t *testing.T) {
	sendtest.TestSender(t, func(t *testing.T) sendtest.Subject {
		r := newReceiver(t)
		return sendtest.Subject{
			Sender: to(t, r), Channels: []string{send.Email, send.SMS}, Calls: r.Calls,
			Echo:    func() { r.set(func(r *receiver) { r.echo = true }) },
			Silence: func() { r.set(func(r *receiver) { r.silent = true }) },
		}
	})
}

func TestWebhookRequest(t *testing.T) {
	r := newReceiver(t)
	m := send.Message{
		ID: "ABC", Channel: send.Email, To: "joan@example.org", Subject: "Sign in",
		Text: "Your code is 482193.\n", HTML: "<b>482193</b>", Kind: "two_factor_code",
	}
	if err := to(t, r).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := r.errs[0]; err != nil {
		t.Error(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(r.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"id": "ABC", "channel": "email", "to": "joan@example.org", "subject": "Sign in",
		"text": "Your code is 482193.\n", "html": "<b>482193</b>", "kind": "two_factor_code",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for status, want := range map[int]string{
		200: "", 202: "", 204: "", 422: "refused",
		301: "again", 302: "again", 307: "again", 308: "again", 400: "again", 401: "again", 404: "again",
		429: "again", 500: "again", 503: "again",
	} {
		r := newReceiver(t)
		r.set(func(r *receiver) { r.status = status })
		err := to(t, r).Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550152", Text: "482193"})
		got := ""
		if errors.Is(err, send.ErrRefused) {
			got = "refused"
		} else if err != nil {
			got = "again"
		}
		if got != want {
			t.Errorf("%d: %v, want %q", status, err, want)
		}
		if r.Calls() != 1 {
			t.Errorf("%d: %d requests; was a redirect followed?", status, r.Calls())
		}
	}
}

func TestWebhookNothingListens(t *testing.T) {
	r := newReceiver(t)
	s := to(t, r)
	r.Server.Close()
	err := s.Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550152", Text: "482193"})
	if err == nil || errors.Is(err, send.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestWebhookNewNamesEveryMistake(t *testing.T) {
	_, err := gateway.NewWebhook(gateway.WebhookConfig{Secret: "short", Timeout: -1})
	for _, want := range []string{"URL", "Secret", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+want) || strings.Contains(err.Error(), "short ") {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	for url, ok := range map[string]bool{
		"https://hooks.example.org/x?key=1": true, "http://127.0.0.1:9/x": true, "http://localhost/x": true,
		"http://hooks.example.org/x": false, "https://u:p@hooks.example.org": false, "/x": false,
		"file:///etc/passwd": false,
	} {
		if _, err := gateway.NewWebhook(gateway.WebhookConfig{URL: url, Secret: secret}); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestWebhookSecretIsNotPrinted(t *testing.T) {
	s := to(t, newReceiver(t))
	if said := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(said, secret) || strings.Contains(said,
		"hunter2") {
		t.Error(said)
	}
}
