package gateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/sendtest"
)

func text() send.Message {
	return send.Message{Channel: send.SMS, To: "+15555550152", Text: "Your code is 482193. ☎ & = +",
		Kind: "two_factor_code"}
}

func toTwilio(t *testing.T, server *sendtest.TwilioServer, change func(*gateway.TwilioConfig)) *gateway.TwilioSender {
	t.Helper()
	c := gateway.TwilioConfig{AccountSID: server.AccountSID, AuthToken: server.AuthToken, From: "+15555550100",
		BaseURL: server.URL}
	if change != nil {
		change(&c)
	}
	s, err := gateway.NewTwilio(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTwilioConformance(t *testing.T) {
	sendtest.TestSender(t, func(t *testing.T) sendtest.Subject {
		server := sendtest.Twilio(t)
		return sendtest.Subject{
			Sender: toTwilio(t, server, nil), Channels: []string{send.SMS},
			Calls: server.Requests, Echo: server.Echo, Silence: server.Silence,
		}
	})
}

func TestTwilioRequest(t *testing.T) {
	const service = "MG00000000000000000000000000000001"
	cases := []struct {
		from string
		want sendtest.Text
	}{
		{"+15555550100", sendtest.Text{To: text().To, Body: text().Text, From: "+15555550100"}},
		{"MGMT", sendtest.Text{To: text().To, Body: text().Text, From: "MGMT"}}, // a name, not a service
		{service, sendtest.Text{To: text().To, Body: text().Text, MessagingServiceSID: service}},
	}
	for _, c := range cases {
		server := sendtest.Twilio(t)
		sender := toTwilio(t, server, func(conf *gateway.TwilioConfig) {
			conf.From, conf.BaseURL = c.from,
				server.URL+"/"
		})
		if err := sender.Send(t.Context(), text()); err != nil {
			t.Fatal(err)
		}
		if got := server.Texts(); len(got) != 1 || got[0] != c.want {
			t.Errorf("from %s: got %+v", c.from, got)
		}
	}
}

func TestTwilioAnswers(t *testing.T) {
	cases := []struct {
		status, code int
		refused      bool
	}{
		{400, 21211, true}, {400, 21265, true}, {400, 21610, true}, {400, 21614, true}, {400, 21635, true},
		{400, 21408, false}, {400, 21608, false}, {400, 21606, false}, {401, 20003, false}, {403, 20005, false},
		{404, 20404, false}, {429, 20429, false}, {500, 20500, false}, {503, 0, false}, {500, 21211, false},
	}
	for _, c := range cases {
		server := sendtest.Twilio(t)
		server.Fail(c.status, c.code, "The 'To' number +15555550152 is not valid: 482193")
		err := toTwilio(t, server, nil).Send(t.Context(), text())
		want := fmt.Sprintf("code %d", c.code)
		if err == nil || errors.Is(err, send.ErrRefused) != c.refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%d/%d: got %v, want refused %v", c.status, c.code, err, c.refused)
		}
		if err != nil && (strings.Contains(err.Error(), "482193") || strings.Contains(err.Error(), "5555")) {
			t.Errorf("%d/%d: Twilio's words are in %v", c.status, c.code, err)
		}
	}
}

func TestWrongToken(t *testing.T) {
	server := sendtest.Twilio(t)
	err := toTwilio(t, server, func(c *gateway.TwilioConfig) { c.AuthToken = "hunter2" }).Send(t.Context(), text())
	if err == nil || !strings.Contains(err.Error(), "status 401, code 20003") || strings.Contains(err.Error(),
		"hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestTimeout(t *testing.T) {
	server := sendtest.Twilio(t)
	server.Silence()
	started := time.Now()
	err := toTwilio(t, server,
		func(c *gateway.TwilioConfig) { c.Timeout = 100 * time.Millisecond }).Send(t.Context(), text())
	if err == nil || errors.Is(err, send.ErrRefused) || time.Since(started) > 8*time.Second {
		t.Errorf("%v after %v", err, time.Since(started))
	}
}

func TestServersOutOfLine(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		w.WriteHeader(http.StatusCreated)
	}))
	defer other.Close()
	cases := []struct {
		name   string
		handle http.HandlerFunc
		want   string
	}{
		{"redirects", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, "status 307"},
		{"answers with a page", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "<html>"+r.PostFormValue("Body"), http.StatusBadGateway)
		}, "status 502, code 0"},
		{"never stops talking", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for range 1000 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "status 500"},
		{"does not speak HTTP", func(w http.ResponseWriter, r *http.Request) {
			body := r.PostFormValue("Body")
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("echo " + body + "\r\n\r\n"))
			_ = conn.Close()
		}, "invalid HTTP response"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handle)
			defer server.Close()
			sender, err := gateway.NewTwilio(gateway.TwilioConfig{AccountSID: "AC1", AuthToken: "t",
				From: "+15555550100", BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			err = sender.Send(t.Context(), text())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "482193") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

func TestWrongCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		t.Error("a request came through")
	}))
	defer server.Close()
	sender, err := gateway.NewTwilio(gateway.TwilioConfig{AccountSID: "AC1", AuthToken: "t",
		From: "+15555550100", BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), text()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestOwnClientIsNotChanged(t *testing.T) {
	server := sendtest.Twilio(t)
	own := &http.Client{}
	if err := toTwilio(t, server, func(c *gateway.TwilioConfig) { c.Client = own }).Send(t.Context(),
		text()); err != nil {
		t.Error(err)
	}
	if own.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

func TestTwilioNewNamesEveryMistake(t *testing.T) {
	_, err := gateway.NewTwilio(gateway.TwilioConfig{AccountSID: "../x", BaseURL: "http://api.example.org",
		Timeout: -1})
	for _, want := range []string{"AccountSID", "AuthToken", "From", "BaseURL", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	for base, ok := range map[string]bool{
		"": true, "https://sms.example.org": true, "http://127.0.0.1:9": true, "http://[::1]:9": true,
		"http://localhost:9":     true,
		"http://sms.example.org": false, "ftp://127.0.0.1": false, "https://u:p@sms.example.org": false,
		"sms.example.org":              false,
		"http://localhost.example.org": false, "https://sms.example.org/?x=1": false,
	} {
		if _, err := gateway.NewTwilio(gateway.TwilioConfig{AccountSID: "AC1", AuthToken: "t", From: "f",
			BaseURL: base}); (err == nil) != ok {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestTokenIsNotPrinted(t *testing.T) {
	server := sendtest.Twilio(t)
	s := toTwilio(t, server, func(c *gateway.TwilioConfig) { c.AuthToken = "hunter2" })
	if said := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(said, "hunter2") || strings.Contains(said,
		server.AccountSID) {
		t.Error(said)
	}
}
