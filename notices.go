package twofold

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/send"
)

// noticeWithin is the time within which delivery of a notice is attempted.
const noticeWithin = 72 * time.Hour

// post mails the owner of an account about changes, at the stored address. Messages are queued in
// the outbox.
type post struct {
	mails  *web.Renderer
	texts  bool // a sender of text messages is configured
	outbox *send.Outbox
	link   func(kind, token string) string
	now    func() time.Time
}

// post returns nil if no sender of mail is configured.
func (b *builder) post() auth.Mailer {
	if b.c.Mail == nil {
		return nil
	}
	return post{b.mails, b.c.SMS != nil, b.a.outbox, b.link, b.c.Advanced.Now}
}

func (p post) write(n auth.SecurityNotice) (send.Message, error) {
	m, err := p.mails.NoticeMail(web.Notice{
		Locale: n.Language(), To: n.User.Email, Kind: n.Kind, Method: n.Method, Left: n.Left, At: n.At,
		Browser: device.Name(n.Browser.Agent), Address: n.Browser.Address, Link: p.stop(n),
		By: n.By, Why: n.Why,
	})
	m.User = n.User.ID
	return m, err
}

// stop returns the link "this was not me" of a notice, or "" if it has none.
func (p post) stop(n auth.SecurityNotice) string {
	if n.Stop == "" {
		return ""
	}
	return p.link("not-me", n.Stop)
}

// messages renders a notice as mail and as text messages.
func (p post) messages(n auth.SecurityNotice) ([]send.Message, error) {
	m, err := p.write(n)
	if err != nil {
		return nil, err
	}
	out := []send.Message{m}
	for _, phone := range n.Phones {
		if p.texts {
			text := p.mails.NoticeText(n.Language(), phone, n.Kind)
			text.User = n.User.ID
			out = append(out, text)
		}
	}
	return out, nil
}

// Seal implements auth.Post.
func (p post) Seal(n auth.SecurityNotice) (out []storage.Message, err error) {
	list, err := p.messages(n)
	for _, m := range list {
		row, sealing := p.outbox.Seal(m, n.At.Add(noticeWithin))
		if sealing != nil {
			err = errors.Join(err, sealing)
			continue
		}
		out = append(out, row)
	}
	return out, err
}

// SealEmail implements auth.Post.
func (p post) SealEmail(n auth.Email) (storage.Message, error) {
	m, within, err := p.mail(n)
	if err != nil {
		return storage.Message{}, err
	}
	return p.outbox.Seal(m, p.now().Add(within))
}

// mail renders a mail. Delivery is attempted for the lifetime of its link, or for three days if
// it has no link.
func (p post) mail(n auth.Email) (m send.Message, within time.Duration, err error) {
	out := web.Email{
		Locale: n.Language(), To: n.To, Kind: n.Kind, Email: n.User.Email, Username: n.User.Username, Life: n.Life,
		Opens: n.Opens,
	}
	if n.Token != "" {
		out.Link = p.link(n.Kind, n.Token)
	}
	if within = n.Life; within <= 0 {
		within = noticeWithin
	}
	m, err = p.mails.Mail(out)
	m.User = n.User.ID
	return m, within, err
}

// Mail queues a mail. A decoy is processed in the same way and never sent.
func (p post) Mail(ctx context.Context, n auth.Email) error {
	m, within, err := p.mail(n)
	if err != nil {
		return err
	}
	if n.Decoy {
		return p.outbox.Decoy(ctx, m)
	}
	return p.outbox.Queue(ctx, m, p.now().Add(within))
}

// Wake implements auth.Post.
func (p post) Wake() { p.outbox.Wake() }

// Queue implements auth.Post.
func (p post) Queue(ctx context.Context, n auth.SecurityNotice) error {
	list, err := p.messages(n)
	for _, m := range list {
		err = errors.Join(err, p.outbox.Queue(ctx, m, n.At.Add(noticeWithin)))
	}
	return err
}
