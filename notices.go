package twofold

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/device"
	"github.com/twofold-auth/twofold/login"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/web"
)

// noticeWithin is how long a notice is tried to be delivered.
const noticeWithin = 72 * time.Hour

// post mails an account's owner what changed, to the stored address. It waits
// in the outbox, like everything nobody waits for.
type post struct {
	letters *web.Letters
	texts   bool // there is a sender of texts
	outbox  *send.Outbox
	link    func(kind, token string) string
}

// post is nil without a sender of mail.
func (b *builder) post() login.Post {
	if b.c.Mail == nil {
		return nil
	}
	return post{b.letters, b.c.SMS != nil, b.a.outbox, b.link}
}

func (p post) write(n login.Notice) (send.Message, error) {
	return p.letters.NoticeMail(web.Notice{
		Locale: n.Browser.Locale, To: n.User.Email, Kind: n.Kind, Method: n.Method, Left: n.Left, At: n.At,
		Browser: device.Name(n.Browser.Agent), Address: n.Browser.Address, Link: p.link("not-me", n.Stop),
	})
}

// Seal implements login.Post.
func (p post) Seal(n login.Notice) (store.Message, error) {
	m, err := p.write(n)
	if err != nil {
		return store.Message{}, err
	}
	return p.outbox.Seal(m, n.At.Add(noticeWithin))
}

// Wake implements login.Post.
func (p post) Wake() { p.outbox.Wake() }

// Queue implements login.Post.
func (p post) Queue(ctx context.Context, n login.Notice) error {
	m, err := p.write(n)
	if err != nil {
		return err
	}
	if err := p.outbox.Queue(ctx, m, n.At.Add(noticeWithin)); err != nil || !p.texts {
		return err
	}
	for _, phone := range n.Phones {
		if err := p.outbox.Queue(ctx, p.letters.NoticeText(n.Browser.Locale, phone, n.Kind), n.At.Add(noticeWithin)); err != nil {
			return err
		}
	}
	return nil
}
