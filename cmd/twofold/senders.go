package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/send/smtp"
	"github.com/twofold-auth/twofold/send/twilio"
	"github.com/twofold-auth/twofold/send/webhook"
	"github.com/twofold-auth/twofold/web"
)

// finishMail makes the mail sender.
func (s *settings) finishMail() problems {
	m := s.mail
	if m.server == "" {
		if !s.given["MAIL_SERVER"] && (m.username != "" || m.password != "" || m.useTLS || m.useSSL) {
			s.note("MAIL_SERVER is not set: no mail is sent, and the other MAIL_ settings have no effect")
		}
		return nil
	}
	from := m.sender
	if from == "" {
		from = m.defaultSender
	}
	var bad problems
	if from == "" && !s.given["SECURITY_EMAIL_SENDER"] && !s.given["MAIL_DEFAULT_SENDER"] {
		bad = append(bad, problem{"SECURITY_EMAIL_SENDER", "is not set: write whom mail comes from, e.g. no-reply@example.org"})
	}
	security := smtp.None
	switch {
	case m.useTLS && m.useSSL:
		bad = append(bad, problem{"MAIL_USE_SSL", "is true beside MAIL_USE_TLS: keep MAIL_USE_TLS for STARTTLS (port 587) or MAIL_USE_SSL for TLS at once (port 465)"})
	case m.useTLS:
		security = smtp.StartTLS
	case m.useSSL:
		security = smtp.TLS
	case !web.Loopback(m.server):
		bad = append(bad, problem{"MAIL_USE_TLS", "is false, so codes would travel in the clear: write MAIL_USE_TLS = true (port 587) or MAIL_USE_SSL = true (port 465)"})
	}
	if (m.username == "") != (m.password == "") {
		bad = append(bad, problem{"MAIL_USERNAME", "and MAIL_PASSWORD go together: set both or neither"})
	}
	if len(bad) > 0 || from == "" {
		return bad
	}
	sender, err := smtp.New(smtp.Config{
		Host: m.server, Port: m.port, Security: security, Username: m.username, Password: m.password, From: from, Timeout: m.timeout,
	})
	if err != nil {
		return problems{{"MAIL_SERVER", oneLine(err) + ": correct the MAIL_ settings"}}
	}
	s.Config.Mail = sender
	return nil
}

// finishSMS makes the sender of texts.
func (s *settings) finishSMS() problems {
	const name = "SECURITY_SMS_SERVICE_CONFIG"
	keys := map[string][]string{
		"Twilio":  {"ACCOUNT_SID", "AUTH_TOKEN", "PHONE_NUMBER", "BASE_URL"},
		"Webhook": {"URL", "SECRET"},
	}[s.smsService]
	if keys == nil {
		if s.smsService == "Dummy" && len(s.smsConfig) > 0 {
			s.note("%s has no effect: SECURITY_SMS_SERVICE is Dummy", name)
		}
		return nil
	}
	var bad problems
	for k := range s.smsConfig {
		if !slices.Contains(keys, k) {
			bad = append(bad, problem{name, fmt.Sprintf("holds a key that %s does not know: write %s", s.smsService, strings.Join(keys, ", "))})
			break
		}
	}
	for _, k := range keys {
		if s.smsConfig[k] == "" && k != "BASE_URL" {
			bad = append(bad, problem{name, "lacks " + k + ": " + s.smsService + " needs it"})
		}
	}
	if len(bad) > 0 {
		return bad
	}
	var err error
	c := s.smsConfig
	if s.smsService == "Webhook" {
		if why := weakKey(c["SECRET"]); why != "" {
			return problems{{name, "SECRET " + why}}
		}
		s.Config.SMS, err = webhook.New(webhook.Config{URL: c["URL"], Secret: c["SECRET"]})
	} else {
		s.Config.SMS, err = twilio.New(twilio.Config{AccountSID: c["ACCOUNT_SID"], AuthToken: c["AUTH_TOKEN"], From: c["PHONE_NUMBER"], BaseURL: c["BASE_URL"]})
	}
	if err != nil {
		s.Config.SMS = nil
		return problems{{name, oneLine(err) + ": correct it"}}
	}
	return nil
}

// oneLine is a joined error on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
