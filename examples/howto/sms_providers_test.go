package howto_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/sendtest"
)

func twilio(account, token, base string) (send.Sender, error) {
	return gateway.NewTwilio(gateway.TwilioConfig{
		AccountSID: account, AuthToken: token, From: "+15555550100",
		BaseURL: base, // leave it out for Twilio itself
	})
}

func vonage(key, secret string) (send.Sender, error) {
	c, err := gateway.Preset("Vonage", map[string]string{"API_KEY": key, "API_SECRET": secret, "FROM": "Acme"})
	if err != nil {
		return nil, err
	}
	return gateway.NewTemplate(c)
}

func template(url, token string) (send.Sender, error) {
	return gateway.NewTemplate(gateway.TemplateConfig{
		URL:     url,
		Body:    `{"from": "{from}", "to": "{to}", "text": "{text}"}`,
		Headers: map[string]string{"Authorization": "Bearer {token}"},
		Values:  map[string]string{"from": "Acme", "token": token},
		Success: []string{"200 status=queued"},
		Refused: []string{"422 code=invalid_number"},
	})
}

type modem struct {
	write func(number, text string) error
}

func (m modem) Send(_ context.Context, message send.Message) error {
	if err := send.CheckRecipient(message.Channel, message.To); err != nil {
		return err
	}
	if err := m.write(message.To, message.Text); err != nil {
		return errors.New("modem: the message was not taken")
	}
	return nil
}

var text = send.Message{Channel: send.SMS, To: "+15555550152", Text: `Your code is "482193".`}

func TestSMSByTwilio(t *testing.T) {
	server := sendtest.Twilio(t)
	s, err := twilio(server.AccountSID, server.AuthToken, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	want := sendtest.Text{To: text.To, Body: text.Text, From: "+15555550100"}
	if got := server.Texts(); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
}

func TestSMSByATemplate(t *testing.T) {
	var got, authorization string
	answer, status := `{"status": "queued"}`, http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, authorization = string(raw), r.Header.Get("Authorization")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	s, err := template(server.URL+"/v2/send", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), text); err != nil {
		t.Error(err)
	}
	want := `{"from": "Acme", "to": "+15555550152", "text": "Your code is \"482193\"."}`
	if got != want || authorization != "Bearer secret" {
		t.Errorf("%s, %s", got, authorization)
	}
	answer = `{"status": "later"}`
	if err := s.Send(t.Context(), text); err == nil || errors.Is(err, send.ErrRefused) {
		t.Errorf("an answer that does not keep the rule: %v", err)
	}
	answer, status = `{"code": "invalid_number"}`, http.StatusUnprocessableEntity
	if err := s.Send(t.Context(), text); !errors.Is(err, send.ErrRefused) {
		t.Errorf("a number that will never work: %v", err)
	}
}

func TestSMSByAPreset(t *testing.T) {
	if _, err := vonage("key", "secret"); err != nil {
		t.Error(err)
	}
}

func TestSMSByAModem(t *testing.T) {
	var sent []string
	m := modem{func(number, text string) error { sent = append(sent, number+": "+text); return nil }}
	if err := m.Send(t.Context(), text); err != nil || len(sent) != 1 {
		t.Errorf("%v, %v", sent, err)
	}
	two := text
	two.To = "+15555550152,+15555550153"
	if err := m.Send(t.Context(), two); !errors.Is(err, send.ErrRefused) || len(sent) != 1 {
		t.Errorf("two numbers: %v", err)
	}
	broken := modem{func(string, string) error { return errors.New("no line for " + text.Text) }}
	if err := broken.Send(t.Context(), text); err == nil || strings.Contains(err.Error(), "482193") {
		t.Errorf("a broken modem: %v", err)
	}
}
