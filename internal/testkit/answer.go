package testkit

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is a response with its body.
type Answer struct {
	T      testing.TB
	What   string // method and path of the request
	Status int    // 0 if there was no response
	Header http.Header
	Body   string
	JSON   map[string]any // "response" of the envelope
}

// ReadAnswer reads a response and closes its body.
func ReadAnswer(t testing.TB, what string, resp *http.Response) (*Answer, error) {
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return &Answer{T: t, What: what}, err
	}
	a := &Answer{T: t, What: what, Status: resp.StatusCode, Header: resp.Header, Body: string(raw)}
	var envelope struct{ Response map[string]any }
	if json.Unmarshal(raw, &envelope) == nil {
		a.JSON = envelope.Response
	}
	return a, nil
}

// Want checks the status.
func (a *Answer) Want(status int) *Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Errorf("%s: status %d, want %d: %.300s", a.What, a.Status, status, a.Body)
	}
	return a
}

// Refused checks what holds for every refusal: no success, no cookie that opens anything, and no
// user data.
func (a *Answer) Refused(why string) *Answer {
	a.T.Helper()
	for _, c := range a.Cookies() {
		if strings.HasSuffix(c.Name, "twofold") && c.Value != "" || c.Name == "tf_validity" && c.Value != "" {
			a.T.Errorf("%s: %s: got cookie %s", why, a.What, c.Name)
		}
	}
	if a.JSON["user"] != nil || a.Status == 0 || a.Status >= 500 && a.Status != 503 || a.JSON != nil && a.Status < 400 {
		a.T.Errorf("%s: %s: status %d: %.300s", why, a.What, a.Status, a.Body)
	}
	return a
}

// Field returns a text of the JSON answer, or "" if there is none.
func (a *Answer) Field(name string) string {
	s, _ := a.JSON[name].(string)
	return s
}

// Text returns a text of the JSON answer, and ends the test if there is none.
func (a *Answer) Text(name string) string {
	a.T.Helper()
	s, ok := a.JSON[name].(string)
	if !ok {
		a.T.Fatalf("%s: no text %q in %.300s", a.What, name, a.Body)
	}
	return s
}

// Cookies returns the cookies that the answer sets.
func (a *Answer) Cookies() []*http.Cookie { return (&http.Response{Header: a.Header}).Cookies() }

// Cookie returns the value of a cookie that the answer sets, or "".
func (a *Answer) Cookie(name string) string {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}
