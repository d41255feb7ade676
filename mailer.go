package twofold

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/mail"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

const (
	// noticeWithin is the time within which delivery of a notice is attempted.
	noticeWithin = 72 * time.Hour
	// alertWithin is the same for a mail to the administrators.
	alertWithin = 24 * time.Hour
)

// mailer renders the messages of package auth and stores them in the outbox.
type mailer struct {
	mails  *mail.Renderer
	texts  bool   // a sender of text messages is configured
	admins string // address of the administrators, if there is one
	outbox *send.Outbox
	link   func(kind, token string) string
	now    func() time.Time
}

func (b *builder) mailer() auth.Mailer {
	if b.c.Mail == nil {
		return auth.NoMail{}
	}
	return mailer{b.mails, b.c.SMS != nil, b.c.TwoFactor.HelpAddress, b.a.outbox, b.link, b.c.Advanced.Now}
}

// On implements auth.Mailer.
func (m mailer) On() bool { return true }

// Seal implements auth.Mailer.
func (m mailer) Seal(what auth.Message) (out []storage.Message, err error) {
	list, within, err := m.render(what)
	for _, msg := range list {
		row, sealing := m.outbox.Seal(msg, m.now().Add(within))
		if sealing != nil {
			err = errors.Join(err, sealing)
			continue
		}
		out = append(out, row)
	}
	return out, err
}

// Queue implements auth.Mailer. A decoy is processed like other mails and never sent.
func (m mailer) Queue(ctx context.Context, what auth.Message) error {
	list, within, err := m.render(what)
	email, _ := what.(auth.Email)
	for _, msg := range list {
		if email.Decoy {
			err = errors.Join(err, m.outbox.Decoy(ctx, msg))
		} else {
			err = errors.Join(err, m.outbox.Queue(ctx, msg, m.now().Add(within)))
		}
	}
	return err
}

// Alert implements auth.Mailer.
func (m mailer) Alert(ctx context.Context, u storage.User, locale string) error {
	msg, err := m.mails.RescueMail(locale, m.admins, u.Email)
	if err != nil {
		return err
	}
	msg.User = u.ID
	return m.outbox.Queue(ctx, msg, m.now().Add(alertWithin))
}

// Wake implements auth.Mailer.
func (m mailer) Wake() { m.outbox.Wake() }

// render returns the mail and the text messages of a message, and how long delivery is attempted.
func (m mailer) render(what auth.Message) (out []send.Message, within time.Duration, err error) {
	var email send.Message
	var u storage.User
	within = noticeWithin
	switch n := what.(type) {
	case auth.SecurityNotice:
		u = n.User
		email, err = m.notice(n)
		for _, phone := range n.Phones {
			if m.texts {
				out = append(out, m.mails.NoticeText(n.Language(), phone, n.Kind))
			}
		}
	case auth.Email:
		u = n.User
		email, err = m.email(n)
		if n.Life > 0 { // a mail is of no use after the lifetime of its link
			within = n.Life
		}
	}
	if err != nil {
		return nil, 0, err
	}
	out = append([]send.Message{email}, out...)
	for i := range out {
		out[i].User = u.ID
	}
	return out, within, nil
}

func (m mailer) notice(n auth.SecurityNotice) (send.Message, error) {
	out := mail.Notice{
		Locale: n.Language(), To: n.User.Email, Kind: n.Kind, Method: n.Method, Left: n.Left, At: n.At,
		Browser: device.Name(n.Browser.Agent), Address: n.Browser.Address, By: n.By, Why: n.Why,
	}
	if n.Stop != "" {
		out.Link = m.link("not-me", n.Stop)
	}
	return m.mails.NoticeMail(out)
}

func (m mailer) email(n auth.Email) (send.Message, error) {
	out := mail.Email{
		Locale: n.Language(), To: n.To, Kind: n.Kind, Email: n.User.Email, Username: n.User.Username, Life: n.Life,
		Opens: n.Opens,
	}
	if n.Token != "" {
		out.Link = m.link(n.Kind, n.Token)
	}
	return m.mails.Mail(out)
}
