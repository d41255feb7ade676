package sendtest

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Text is a text message that a TwilioServer accepted.
type Text struct {
	To, Body            string
	From                string // may be empty
	MessagingServiceSID string // may be empty
}

// TwilioServer answers like Twilio's Messages resource and keeps the messages it accepts.
type TwilioServer struct {
	URL        string // the BaseURL to configure
	AccountSID string
	AuthToken  string

	mu       sync.Mutex
	texts    []Text
	requests int
	silent   bool
	echo     bool
	status   int
	code     int
	message  string
	quit     chan struct{}
}

// Twilio starts a server on a free loopback port. It stops at the end of the test.
func Twilio(t testing.TB) *TwilioServer {
	t.Helper()
	s := &TwilioServer{
		AccountSID: "AC00000000000000000000000000000001",
		AuthToken:  "sendtest-auth-token",
		quit:       make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2010-04-01/Accounts/{sid}/Messages.json", s.serve)
	server := httptest.NewServer(mux)
	s.URL = server.URL
	t.Cleanup(func() {
		close(s.quit) // Close waits for unanswered requests
		server.Close()
	})
	return s
}

// Texts returns the accepted messages, oldest first.
func (s *TwilioServer) Texts() []Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// Requests returns the number of requests, including failed ones.
func (s *TwilioServer) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Fail makes every further request fail with an HTTP status and Twilio's code
// and message, e.g. 400 and 21211. Status 0 ends that.
func (s *TwilioServer) Fail(status, code int, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.code, s.message = status, code, message
}

// Echo makes every further request fail with an answer that repeats the request.
func (s *TwilioServer) Echo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echo = true
}

// Silence makes the server accept further requests without answering.
func (s *TwilioServer) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

func (s *TwilioServer) serve(w http.ResponseWriter, r *http.Request) {
	sid, token, _ := r.BasicAuth()
	text := Text{
		To: r.PostFormValue("To"), Body: r.PostFormValue("Body"),
		From: r.PostFormValue("From"), MessagingServiceSID: r.PostFormValue("MessagingServiceSid"),
	}
	s.mu.Lock()
	s.requests++
	status, code, message := s.status, s.code, s.message
	if s.echo {
		status, code, message = http.StatusBadRequest, 21617, "not sendable: "+text.Body+" to "+text.To
	}
	silent := s.silent
	s.mu.Unlock()
	same := subtle.ConstantTimeCompare([]byte(token), []byte(s.AuthToken)) == 1
	switch {
	case silent:
		select {
		case <-s.quit:
		case <-r.Context().Done():
		}
		return
	case !same || sid != s.AccountSID || r.PathValue("sid") != s.AccountSID:
		status, code, message = http.StatusUnauthorized, 20003, "Authenticate"
	case status != 0:
	case text.To == "" || text.Body == "" || (text.From == "") == (text.MessagingServiceSID == ""):
		status, code, message = http.StatusBadRequest, 21600, "A parameter is missing"
	}
	w.Header().Set("Content-Type", "application/json")
	if status != 0 {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "status": status})
		return
	}
	s.mu.Lock()
	s.texts = append(s.texts, text)
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"sid": "SM00000000000000000000000000000001", "status": "queued"})
}
