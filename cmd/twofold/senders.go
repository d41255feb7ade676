package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/smtp"
)

// finishMail creates the mail senders.
func (s *settings) finishMail() problems {
	m := s.mail
	if m.server == "" {
		if !s.given["MAIL_SERVER"] && (m.username != "" || m.password != "" || m.useTLS || m.useSSL) {
			s.note("MAIL_SERVER is not set: no mail is sent, and the other MAIL_ settings have no effect")
		}
		if len(s.mailFallback) > 0 {
			return problems{{mailFallback, "is set without MAIL_SERVER: name the first server there"}}
		}
		return nil
	}
	if m.sender == "" {
		m.sender = m.defaultSender
	}
	var bad problems
	if m.sender == "" && !s.given["SECURITY_EMAIL_SENDER"] && !s.given["MAIL_DEFAULT_SENDER"] {
		bad = append(bad, problem{"SECURITY_EMAIL_SENDER",
			"is not set: write the sender's address, e.g. no-reply@example.org"})
	}
	first, wrong := m.make("MAIL_")
	if bad = append(bad, wrong...); len(bad) > 0 || first == nil {
		return bad
	}
	s.Config.Mail = first
	if len(s.mailFallback) == 0 {
		return nil
	}
	second, wrong := m.fallback(s.mailFallback)
	if second != nil {
		s.Config.Advanced.MailFallback = []send.Sender{second}
	}
	return wrong
}

// mailFallback is the setting of the second mail server.
const mailFallback = "TWOFOLD_MAIL_FALLBACK"

// fallback creates the fallback sender from its settings c, with the address and the timeout of the first.
func (m mailSettings) fallback(c map[string]string) (send.Sender, problems) {
	second := mailSettings{server: c["SERVER"], username: c["USERNAME"], password: c["PASSWORD"], sender: m.sender,
		timeout: m.timeout}
	keys := []string{"SERVER", "PORT", "USE_TLS", "USE_SSL", "USERNAME", "PASSWORD", "SENDER"}
	var bad problems
	wrong := func(key string, err error) {
		if err != nil {
			bad = append(bad, problem{mailFallback, key + " " + err.Error()})
		}
	}
	for k := range c {
		if !slices.Contains(keys, k) {
			return nil, problems{{mailFallback, "contains an unknown key: write " + strings.Join(keys, ", ")}}
		}
	}
	if second.server == "" {
		return nil, problems{{mailFallback, "lacks SERVER: name the second mail server"}}
	}
	var err error
	if v := c["PORT"]; v != "" {
		if second.port, err = asInt(v); err == nil && (second.port < 1 || second.port > 65535) {
			err = errors.New("is not a port: write a number from 1 to 65535")
		}
		wrong("PORT", err)
	}
	for key, to := range map[string]*bool{"USE_TLS": &second.useTLS, "USE_SSL": &second.useSSL} {
		if v := c[key]; v != "" {
			*to, err = asBool(v)
			wrong(key, err)
		}
	}
	if v := c["SENDER"]; v != "" {
		var other settings
		wrong("SENDER", applySender(func(m *mailSettings) *string { return &m.sender })(&other, v))
		second.sender = other.mail.sender
	}
	if len(bad) > 0 {
		return nil, bad
	}
	return second.make("")
}

// make creates a sender. prefix is the prefix of the names of its settings; if it is empty, they
// are keys of the fallback.
func (m mailSettings) make(prefix string) (send.Sender, problems) {
	var bad problems
	wrong := func(key, text string) {
		p := problem{prefix + key, text}
		if prefix == "" {
			p = problem{mailFallback, key + " " + text}
		}
		bad = append(bad, p)
	}
	security := smtp.None
	switch {
	case m.useTLS && m.useSSL:
		wrong("USE_SSL", fmt.Sprintf("is true alongside %[1]sUSE_TLS: keep %[1]sUSE_TLS for STARTTLS (port 587) or "+
			"%[1]sUSE_SSL for TLS at once (port 465)", prefix))
	case m.useTLS:
		security = smtp.StartTLS
	case m.useSSL:
		security = smtp.TLS
	case !web.Loopback(m.server):
		wrong("USE_TLS", fmt.Sprintf("is false, so codes would travel in the clear: write %[1]sUSE_TLS = true (port "+
			"587) or %[1]sUSE_SSL = true (port 465)", prefix))
	}
	if (m.username == "") != (m.password == "") {
		wrong("USERNAME", fmt.Sprintf("and %sPASSWORD go together: set both or neither", prefix))
	}
	if len(bad) > 0 || m.sender == "" {
		return nil, bad
	}
	sender, err := smtp.New(smtp.Config{
		Host: m.server, Port: m.port, Security: security, Username: m.username, Password: m.password, From: m.sender,
		Timeout: m.timeout,
	})
	if err != nil {
		wrong("SERVER", fmt.Sprintf("%s: correct the %s settings", oneLine(err), cmp.Or(prefix, "fallback's")))
		return nil, bad
	}
	return sender, nil
}

// smsFallback is the setting of the second SMS service.
const smsFallback = "TWOFOLD_SMS_FALLBACK"

// finishSMS creates the senders of text messages.
func (s *settings) finishSMS() problems {
	const name = "SECURITY_SMS_SERVICE_CONFIG"
	if s.smsService == "Dummy" {
		if len(s.smsConfig) > 0 {
			s.note("%s has no effect: SECURITY_SMS_SERVICE is Dummy", name)
		}
		if len(s.smsFallback) > 0 {
			return problems{{smsFallback, "is set without SECURITY_SMS_SERVICE: name the first service there"}}
		}
		return nil
	}
	first, bad := serviceSender(name, s.smsService, s.smsConfig)
	if len(bad) > 0 {
		return bad
	}
	s.Config.SMS = first
	if len(s.smsFallback) == 0 {
		return nil
	}
	c := maps.Clone(s.smsFallback)
	service := c["SERVICE"]
	delete(c, "SERVICE")
	if !slices.Contains(smsServices(), service) || service == "Dummy" {
		return problems{{smsFallback, "lacks SERVICE: write " + strings.Join(smsServices()[1:], ", ") +
			", and its keys as in SECURITY_SMS_SERVICE_CONFIG"}}
	}
	second, bad := serviceSender(smsFallback, service, c)
	if len(bad) == 0 {
		s.Config.Advanced.SMSFallback = []send.Sender{second}
	}
	return bad
}

// oneLine returns a joined error on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
