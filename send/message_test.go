package send_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

func TestCheckRecipient(t *testing.T) {
	good := map[string][]string{
		send.Email: {"joan@example.org", "j@x.io", "joan.doe+tag@sub.example.org", "o'hara@example.org",
			"jörg@bücher.example", "joan@localhost"},
		send.SMS: {"+15555550152", "+1234567", "+123456789012345"},
	}
	for channel, list := range good {
		for _, to := range list {
			if err := send.CheckRecipient(channel, to); err != nil {
				t.Errorf("%q: %v", to, err)
			}
		}
		for _, to := range sendtest.BadRecipients(channel) {
			if err := send.CheckRecipient(channel, to); !errors.Is(err, send.ErrRefused) {
				t.Errorf("%q: %v, want ErrRefused", to, err)
			}
		}
	}
	if err := send.CheckRecipient("pigeon", "joan@example.org"); !errors.Is(err, send.ErrNoSender) {
		t.Errorf("unknown channel: %v", err)
	}
}

func FuzzCheckRecipient(f *testing.F) {
	for _, channel := range []string{send.Email, send.SMS} {
		for _, to := range sendtest.BadRecipients(channel) {
			f.Add(to)
		}
	}
	f.Add("joan@example.org")
	f.Fuzz(func(t *testing.T, to string) {
		if send.CheckRecipient(send.Email, to) == nil &&
			(strings.Count(to, "@") != 1 || strings.ContainsAny(to, "\r\n\x00\t ,;:<>()[]\"\\") || len(to) > 254) {
			t.Errorf("%q was taken", to)
		}
		if send.CheckRecipient(send.SMS, to) == nil &&
			(strings.Trim(to, "+0123456789") != "" || strings.LastIndex(to, "+") != 0 || len(to) > 16) {
			t.Errorf("%q was taken as a number", to)
		}
	})
}

func TestMask(t *testing.T) {
	cases := []struct{ channel, to, want string }{
		{send.Email, "joan@example.org", "j***@example.org"},
		{send.Email, "j@example.org", "j***@example.org"},
		{send.Email, "ø@example.org", "ø***@example.org"},
		{send.Email, "joan@example.org,eve@example.net", "***"},
		{send.Email, "", "***"},
		{send.SMS, "+15555550152", "•••••••52"},
		{send.SMS, "+4512345678", "•••••••78"},
		{send.SMS, "5555550152", "***"},
		{"pigeon", "joan@example.org", "***"},
	}
	for _, c := range cases {
		if got := send.Mask(c.channel, c.to); got != c.want {
			t.Errorf("Mask(%q, %q) = %q, want %q", c.channel, c.to, got, c.want)
		}
	}
}

func TestMessageIsRedactedHoweverItIsPrinted(t *testing.T) {
	m := mail()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("sent", "message", m)
	said := log.String() + fmt.Sprintf("%v %+v %#v %s %q %v %+v", m, m, m, m, m, &m, []send.Message{m})
	for _, forbidden := range []string{secret, "joan@", m.Subject, "Your code"} {
		if strings.Contains(said, forbidden) {
			t.Errorf("%q is in %s", forbidden, said)
		}
	}
	if !strings.Contains(said, "two_factor_code") || !strings.Contains(said, "j***@example.org") {
		t.Errorf("kind and destination are missing in %s", said)
	}
}
