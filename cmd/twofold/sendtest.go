package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/mail"
	"github.com/twofold-auth/twofold/send"
)

type sendTestCommand struct {
	where
	To string `arg:"" name:"TO" help:"An e-mail address, or a phone number with its country code."`
}

// Help implements kong.HelpProvider.
func (sendTestCommand) Help() string {
	return `Sends a test message through each configured sender, and prints whether it was accepted and what a message with a
code looks like. It does not use the database. A phone number begins with + and the country code.

Examples:
  twofold send-test ann@example.org
  twofold send-test +4915112345678`
}

// Run sends test messages.
func (c sendTestCommand) Run(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	if s.dev {
		return errors.New("--dev sends nothing: use the settings of a server that sends messages")
	}
	site := s.siteName()
	m := send.Message{
		ID: fmt.Sprintf("test%d", time.Now().UnixNano()), To: c.To, Kind: "test", Subject: "Test message from " + site,
		Text: "This is a test message from " + site + ". Its settings for sending messages work. You need not do " +
			"anything.\n",
	}
	senders, name := append([]send.Sender{s.Config.Mail}, s.Config.Advanced.MailFallback...), "MAIL_SERVER"
	m.Channel = send.Email
	if !strings.Contains(c.To, "@") {
		senders, name = append([]send.Sender{s.Config.SMS}, s.Config.Advanced.SMSFallback...), "SECURITY_SMS_SERVICE"
		m.Channel, m.Subject = send.SMS, ""
		m.To = "+" + strings.Map(digit, c.To)
	}
	if senders[0] == nil {
		return fmt.Errorf("no sender is configured for it: set %s", name)
	}
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return usageError(fmt.Sprintf("%q is neither an e-mail address nor a phone number such as +4915112345678",
			c.To))
	}
	failed := 0
	for _, sender := range senders {
		begun := time.Now()
		if err := sender.Send(ctx, m); err != nil {
			failed++
			fmt.Fprintf(p.out, "FAILED  %s: %s\n", sender, oneLine(err))
			continue
		}
		fmt.Fprintf(p.out, "ok      %s accepted the message for %s in %s\n", sender, m.To,
			time.Since(begun).Round(time.Millisecond))
	}
	if err := showCode(p, s, m.Channel); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d senders failed", failed, len(senders))
	}
	return nil
}

// showCode prints the message with a code, with the site's own texts.
func showCode(p process, s *settings, channel string) error {
	words, err := i18n.NewCatalogue(s.Config.Pages.Locales)
	if err != nil {
		return err
	}
	origin, err := url.Parse(s.Config.Origin)
	if err != nil {
		return err
	}
	letters, err := mail.NewRenderer(words, origin.Hostname(), s.siteName(), s.Config.Pages.Templates)
	if err != nil {
		return err
	}
	m := letters.CodeText("", "", "123456")
	if channel == send.Email {
		if m, err = letters.CodeMail("", "", "ann@example.org", "123456", 5*time.Minute); err != nil {
			return err
		}
		m.Text = "Subject: " + m.Subject + "\n\n" + m.Text
	}
	fmt.Fprintln(p.out, "\nA message with a code looks like this:")
	for text := range strings.Lines(strings.TrimSpace(m.Text)) {
		fmt.Fprintf(p.out, "  | %s\n", strings.TrimRight(text, "\n"))
	}
	return nil
}

func digit(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}
