package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/smtp"
	"github.com/twofold-auth/twofold/send/twilio"
	"github.com/twofold-auth/twofold/send/webhook"
)

var twilioOn = []string{"SECURITY_SMS_SERVICE=Twilio", `SECURITY_SMS_SERVICE_CONFIG={"ACCOUNT_SID": "AC00000000000000000000000000000001", "AUTH_TOKEN": "t0k3n", "PHONE_NUMBER": "+15555550100"}`}

// A second sender of each channel takes over in the order of the settings.
func TestFallbacksFollowTheFirstSender(t *testing.T) {
	s := mustLoad(t, slices.Concat(mailOn, twilioOn, []string{
		`TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "PORT": "465", "USE_SSL": "true", "USERNAME": "u", "PASSWORD": "p"}`,
		`TWOFOLD_SMS_FALLBACK={"SERVICE": "Webhook", "URL": "https://sms.example.org/", "SECRET": "` + goodKey + `"}`,
	})...)
	c := s.Config
	if _, ok := c.Mail.(*smtp.Sender); !ok || len(c.MailFallback) != 1 || c.MailFallback[0] == c.Mail {
		t.Errorf("mail goes by %T, then %v", c.Mail, c.MailFallback)
	}
	_, first := c.SMS.(*twilio.Sender)
	if !first || len(c.SMSFallback) != 1 {
		t.Fatalf("texts go by %T, then %v", c.SMS, c.SMSFallback)
	}
	if _, second := c.SMSFallback[0].(*webhook.Sender); !second {
		t.Errorf("texts go by %T in the second place", c.SMSFallback[0])
	}
	var _ send.Sender = c.SMSFallback[0]
	if err := s.try(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWrongFallbacksAreNamed(t *testing.T) {
	const hidden = "hunter2-hunter2"
	for _, c := range []struct {
		base []string
		set  string
		want string
	}{
		{nil, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org"}`, "TWOFOLD_MAIL_FALLBACK: is set without MAIL_SERVER"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"PORT": "25"}`, "TWOFOLD_MAIL_FALLBACK: lacks SERVER"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org"}`, "TWOFOLD_MAIL_FALLBACK: USE_TLS is false, so codes would travel in the clear"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "1", "PASSWORD": "` + hidden + `"}`, "TWOFOLD_MAIL_FALLBACK: USERNAME and PASSWORD go together"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "` + hidden + `"}`, "TWOFOLD_MAIL_FALLBACK: USE_TLS "},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"SERVER": "mail2.example.org", "USE_TLS": "1", "PORT": "70000"}`, "TWOFOLD_MAIL_FALLBACK: PORT is no port"},
		{mailOn, `TWOFOLD_MAIL_FALLBACK={"HOST": "` + hidden + `"}`, "TWOFOLD_MAIL_FALLBACK: holds a key that is not known"},
		{nil, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Twilio"}`, "TWOFOLD_SMS_FALLBACK: is set without SECURITY_SMS_SERVICE"},
		{twilioOn, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Pigeon"}`, "TWOFOLD_SMS_FALLBACK: lacks SERVICE"},
		{twilioOn, `TWOFOLD_SMS_FALLBACK={"SERVICE": "Webhook", "URL": "https://sms.example.org/", "SECRET": "` + hidden + `"}`, "TWOFOLD_SMS_FALLBACK: SECRET is shorter"},
	} {
		_, err := with(t, append(slices.Clone(c.base), c.set)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v, want %q", c.set, err, c.want)
		}
	}
}
