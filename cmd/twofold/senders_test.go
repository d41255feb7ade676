package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/smtp"
)

var twilioOn = []string{"SECURITY_SMS_SERVICE=Twilio",
	`SECURITY_SMS_SERVICE_CONFIG={"ACCOUNT_SID": "AC00000000000000000000000000000001", "AUTH_TOKEN": "t0k3n", "PHONE_NUMBER": "+15555550100"}`}

// The second sender of each channel is used after the first one fails, in the order of the
// settings.
func TestFallbacksFollowTheFirstSender(t *testing.T) {
	s := mustLoad(t, slices.Concat(mailOn, twilioOn, []string{
		`TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "PORT": "465", "USE_SSL": "true", "USERNAME": "u", "PASSWORD": "p"}`,
		`TWOFOLD_SMS_FALLBACK={"SERVICE": "Webhook", "URL": "https://sms.example.org/", "SECRET": "` + goodKey + `"}`,
	})...)
	c := s.Config
	_, ok := c.Mail.(*smtp.Sender)
	if !ok || len(c.Advanced.MailFallback) != 1 || c.Advanced.MailFallback[0] == c.Mail {
		t.Errorf("mail goes by %T, then %v", c.Mail, c.Advanced.MailFallback)
	}
	_, first := c.SMS.(*gateway.TwilioSender)
	if !first || len(c.Advanced.SMSFallback) != 1 {
		t.Fatalf("texts go by %T, then %v", c.SMS, c.Advanced.SMSFallback)
	}
	if _, second := c.Advanced.SMSFallback[0].(*gateway.WebhookSender); !second {
		t.Errorf("texts go by %T in the second place", c.Advanced.SMSFallback[0])
	}
	var _ send.Sender = c.Advanced.SMSFallback[0]
	if err := s.try(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInvalidFallbacksAreReported(t *testing.T) {
	const hidden = "hunter2-hunter2"
	for _, c := range []struct {
		base []string
		set  string
		want string
	}{
		{nil, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org"}`,
			"TWOFOLD_MAIL_FALLBACK: is set without MAIL_SERVER"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"PORT": "25"}`, "TWOFOLD_MAIL_FALLBACK: lacks SERVER"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org"}`,
			"TWOFOLD_MAIL_FALLBACK: USE_TLS is false, so codes would travel in the clear"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "1", "PASSWORD": "` + hidden + `"}`,
			"TWOFOLD_MAIL_FALLBACK: USERNAME and PASSWORD go together"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "` + hidden + `"}`,
			"TWOFOLD_MAIL_FALLBACK: USE_TLS "},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "1", "PORT": "70000"}`,
			"TWOFOLD_MAIL_FALLBACK: PORT is not a port"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"HOST": "` + hidden + `"}`,
			"TWOFOLD_MAIL_FALLBACK: contains an unknown key"},
		{nil, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Twilio"}`,
			"TWOFOLD_SMS_FALLBACK: is set without SECURITY_SMS_SERVICE"},
		{twilioOn, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Pigeon"}`, "TWOFOLD_SMS_FALLBACK: lacks SERVICE"},
		{twilioOn, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Webhook", "URL": "https://sms.example.org/", "SECRET": "` +
			hidden + `"}`, "TWOFOLD_SMS_FALLBACK: SECRET is shorter"},
	} {
		_, err := with(t, append(slices.Clone(c.base), c.set)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v, want %q", c.set, err, c.want)
		}
	}
}

// TestServicesByName checks that each service is created from its keys or from a custom template,
// and that errors do not contain values.
func TestServicesByName(t *testing.T) {
	for service, keys := range map[string]string{
		"Vonage": `"API_KEY": "k", "API_SECRET": "s", "FROM": "Acme"`,
		"Bird":   `"ACCESS_KEY": "k", "WORKSPACE_ID": "w", "CHANNEL_ID": "c"`,
		"Plivo":  `"AUTH_ID": "i", "AUTH_TOKEN": "t", "FROM": "Acme"`,
		"Sinch":  `"SERVICE_PLAN_ID": "p", "API_TOKEN": "t", "FROM": "Acme", "REGION": "eu"`,
		"SNS":    `"REGION": "eu-central-1", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"`,
		"Template": `"URL": "https://sms.example.org/{account}", "BODY": "to={to}&text={text}&from={from}", "from": "Acme", ` +
			`"account": "1", "HEADER Authorization": "Bearer {token}", "token": "t", "SUCCESS": "200 ok=true, 202", "REFUSED": "422"`,
	} {
		s := mustLoad(t, "SECURITY_SMS_SERVICE="+service, "SECURITY_SMS_SERVICE_CONFIG={"+keys+"}")
		if _, ok := s.Config.SMS.(*gateway.TemplateSender); !ok {
			t.Errorf("%s: texts go by %T", service, s.Config.SMS)
		}
	}
	const hidden = "hunter2-hunter2"
	for _, c := range [][2]string{
		{"Pigeon", `{}`}, {"Vonage", `{"API_SECRET": "` + hidden + `"}`},
		{"Vonage", `{"API_KEY": "k", "API_SECRET": "` + hidden + `", "FROM": "a", "X": "y"}`},
		{"SNS", `{"REGION": "evil.test/", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "` + hidden + `"}`},
		{"Template", `{"URL": "http://sms.example.org/?k=` + hidden + `", "BODY": "to={to}&text={text}"}`},
		{"Template", `{"URL": "https://sms.example.org/", "BODY": "to={to}&text={text}&k={key}", "kez": "` + hidden +
			`"}`},
		{"Template", `{"URL": "https://sms.example.org/", "BODY": "to={to}&text={text}", "SUCCESS": "` + hidden + `"}`},
		{"Template", `{"URL": "https://sms.example.org/", "BODY": "to={to}&text={text}", "FROM": "` + hidden + `"}`},
	} {
		_, err := with(t, "SECURITY_SMS_SERVICE="+c[0], "SECURITY_SMS_SERVICE_CONFIG="+c[1])
		if err == nil || !strings.Contains(err.Error(), "SECURITY_SMS_SERVICE") ||
			strings.Contains(err.Error(), hidden) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
