package auth

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Mailer sends all messages of this package. The functions of this file are the only ones that call
// it.
type Mailer interface {
	// On reports whether mail can be sent.
	On() bool
	// Seal converts a message to rows of the outbox, for the transaction of a change. If it returns
	// an error, it also returns the rows that could be created.
	Seal(m Message) ([]storage.Message, error)
	// Queue stores a message outside a transaction. It does not wait for a mail server.
	Queue(ctx context.Context, m Message) error
	// Alert notifies the administrators that a user has lost the second factor.
	Alert(ctx context.Context, u storage.User, locale string) error
	// Wake starts the delivery of stored messages.
	Wake()
}

// Message is a SecurityNotice or an Email.
type Message interface {
	// Language returns the language of the message.
	Language() string
	message()
}

// NoMail is the Mailer of a site without mail. It drops notices and refuses everything else with
// ErrSend.
type NoMail struct{}

// On implements Mailer.
func (NoMail) On() bool { return false }

// Seal implements Mailer.
func (NoMail) Seal(m Message) ([]storage.Message, error) { return nil, unsent(m) }

// Queue implements Mailer.
func (NoMail) Queue(_ context.Context, m Message) error { return unsent(m) }

// Alert implements Mailer.
func (NoMail) Alert(context.Context, storage.User, string) error { return ErrSend }

// Wake implements Mailer.
func (NoMail) Wake() {}

func unsent(m Message) error {
	if _, ok := m.(SecurityNotice); ok {
		return nil
	}
	return ErrSend
}

// Email is a mail that a step sends.
type Email struct {
	Kind    string // one of the kinds in maillink.go; decides the text and the page of the link
	To      string
	User    storage.User // account concerned; the zero User in a decoy
	Token   string       // token of the link; empty if there is none
	Life    time.Duration
	Opens   time.Time // time from which the link works; zero means at once
	Browser Client
	// Decoy marks a mail without a recipient. It takes as long as a real one, so that the
	// response time does not reveal who has an account, and is never sent.
	Decoy bool
}

// Language returns the language of the mail.
func (m Email) Language() string { return language(m.User, m.Browser) }

func (Email) message() {}

// mails reports whether mail can be sent. A step that needs a mail is refused early if it cannot.
func (c *Config) mails() bool { return c.Mailer.On() }

// notify sends the owner a notice that does not belong to a change in the store. An error is only
// logged, because the event has already happened.
func (l mail) notify(ctx context.Context, u storage.User, kind, method string, b Client) {
	n, err := l.stamped(SecurityNotice{User: u, Kind: kind, Method: method, Browser: b})
	if err == nil {
		err = l.c.Mailer.Queue(ctx, n)
	}
	l.untold(ctx, u, kind, err)
}

// notices returns the messages of a change, for its transaction. A notice that cannot be created,
// for example because of an invalid address, does not prevent the change.
func (l mail) notices(ctx context.Context, u storage.User, kind, method string, b Client) []storage.Message {
	return l.noticesOf(ctx, SecurityNotice{User: u, Kind: kind, Method: method, Browser: b})
}

// noticesOf is like notices, for a notice with further fields.
func (l mail) noticesOf(ctx context.Context, n SecurityNotice) []storage.Message {
	var out []storage.Message
	if n.Browser.Address == "" {
		who := event.Acting(ctx, event.Context{})
		n.By, n.Why = who.By, who.Why
	}
	n, err := l.stamped(n)
	if err == nil {
		out, err = l.c.Mailer.Seal(n)
	}
	l.untold(ctx, n.User, n.Kind, err)
	return out
}

// stamped sets the time and the link of a notice.
func (l mail) stamped(n SecurityNotice) (_ SecurityNotice, err error) {
	n.At = l.c.Now()
	if !n.powerless {
		n.Stop, err = l.Links.newLink(notMe(), n.User, mailedTo(n.User.Email), Client{})
	}
	return n, err
}

func (l mail) untold(ctx context.Context, u storage.User, kind string, err error) {
	if err != nil {
		l.c.Log.ErrorContext(ctx, "the owner could not be told of a change", "user", u.ID, "kind", kind, "cause", err)
	}
}

// write queues a mail, or returns ErrSend if there is no mail.
func (l mail) write(ctx context.Context, m Email) error { return l.c.Mailer.Queue(ctx, m) }

// sealed returns a mail for the transaction of the change that it belongs to.
func (l mail) sealed(m Email) ([]storage.Message, error) { return l.c.Mailer.Seal(m) }

// alert notifies the administrators that a user has lost the second factor. It returns ErrSend if
// that is not possible.
func (l mail) alert(ctx context.Context, u storage.User, b Client) error {
	err := l.c.Mailer.Alert(ctx, u, language(u, b))
	if err != nil {
		l.c.Log.ErrorContext(ctx, "administrators could not be told", "user", u.ID, "cause", err)
		err = ErrSend
	}
	return err
}

// kickOutbox starts the delivery of stored messages.
func (l mail) kickOutbox() { l.c.Mailer.Wake() }
