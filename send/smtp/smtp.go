package smtp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/twofold-auth/twofold/send"
)

// The values of Config.Security.
const (
	StartTLS = "starttls" // a plain greeting, then TLS or nothing (RFC 3207)
	TLS      = "tls"      // TLS from the first byte (RFC 8314)
	None     = "none"     // no TLS: loopback, or Config.AllowPlain
)

const (
	defaultTimeout = 10 * time.Second
	// quitTimeout is how long we wait for the server's goodbye; the message is
	// delivered by then.
	quitTimeout = time.Second
)

// Config says which server takes the mail and who it is from.
type Config struct {
	// Host is the server's name, the one in its certificate. Required.
	Host string
	// Port; 0: 587 for StartTLS, 465 for TLS, 25 for None.
	Port int
	// Security is StartTLS, TLS or None; empty: StartTLS. A server that does
	// not offer STARTTLS is refused, never spoken to in the clear.
	Security string
	// AllowPlain lets None leave this machine. Trade-off: anyone who sits
	// between here and Host reads every code and reset link, and the password
	// below, and can take over accounts with them.
	AllowPlain bool
	// Username and Password sign in with PLAIN or LOGIN; both empty: no
	// sign-in.
	Username, Password string
	// From is the sender, "no-reply@example.org" or
	// "Example <no-reply@example.org>". Required; the domain in ASCII.
	From string
	// Timeout bounds one message from dialling to the server's acceptance;
	// 0: 10 seconds.
	Timeout time.Duration
	// RootCAs signs the server's certificate; nil: the system's.
	RootCAs *x509.CertPool
}

// Sender is a send.Sender for send.Email. Each message has a connection of its
// own, so nothing is shared between two of them.
type Sender struct {
	config Config
	from   *mail.Address
	domain string // of from; greets the server and ends message ids
}

var _ send.Sender = (*Sender)(nil)

// New returns a sender, or every mistake in c at once. It does not dial.
func New(c Config) (*Sender, error) {
	var errs []error
	mistake := func(format string, a ...any) { errs = append(errs, fmt.Errorf("smtp: "+format, a...)) }
	if c.Security == "" {
		c.Security = StartTLS
	}
	port, ok := map[string]int{StartTLS: 587, TLS: 465, None: 25}[c.Security]
	if !ok {
		mistake("Config.Security is %q; there are %q, %q and %q", c.Security, StartTLS, TLS, None)
	}
	if c.Port == 0 {
		c.Port = port
	}
	if c.Port < 0 || c.Port > 65535 {
		mistake("Config.Port is %d", c.Port)
	}
	if c.Host == "" || strings.ContainsFunc(c.Host, func(r rune) bool { return r <= ' ' || r == '/' }) {
		mistake("Config.Host is missing or no host name")
	}
	if c.Security == None && !c.AllowPlain && !isLoopback(c.Host) {
		mistake("Config.Security %q sends codes in the clear to another machine; use %q or %q, or set AllowPlain", None, StartTLS, TLS)
	}
	if (c.Username == "") != (c.Password == "") {
		mistake("Config.Username and Config.Password go together")
	}
	if c.Timeout < 0 {
		mistake("Config.Timeout is negative")
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil || send.CheckRecipient(send.Email, from.Address) != nil || !isASCII(from.Address) {
		mistake("Config.From is missing or no mail address in ASCII")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Sender{config: c, from: from, domain: domain}, nil
}

// String names the server; the password is never printed.
func (s *Sender) String() string {
	return fmt.Sprintf("smtp %s:%d (%s)", s.config.Host, s.config.Port, s.config.Security)
}

// GoString is String.
func (s *Sender) GoString() string { return s.String() }

// Send hands m to the server. See send.Sender for the errors.
func (s *Sender) Send(ctx context.Context, m send.Message) error {
	if m.Channel != send.Email {
		return fmt.Errorf("smtp: %w", send.ErrNoSender)
	}
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	line := &line{ctx: ctx}
	if s.config.Security == TLS {
		line.tls = s.tlsConfig()
	}
	defer line.close()
	client, login, err := s.client(line, m)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialFailure(ctx, err, login)
	}
	err = client.SendWithSMTPClient(conn, msg)
	if msg.IsDelivered() {
		// Whatever happened after the server's 250 does not undo it; an error
		// here would only make the outbox send the message twice.
		line.hurry(quitTimeout)
		_ = client.CloseWithSMTPClient(conn)
		return nil
	}
	return sendFailure(ctx, err)
}

// Check connects to the server, and signs in if there is a username, as for a
// message, and sends none. The error holds what the server said.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	line := &line{ctx: ctx}
	if s.config.Security == TLS {
		line.tls = s.tlsConfig()
	}
	defer line.close()
	client, login, err := s.client(line, send.Message{})
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialFailure(ctx, err, login)
	}
	line.hurry(quitTimeout)
	_ = client.CloseWithSMTPClient(conn) // it was good until here
	return nil
}

// client returns a go-mail client for one message, and how it signs in.
func (s *Sender) client(line *line, m send.Message) (*gomail.Client, *login, error) {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port),
		gomail.WithTimeout(s.config.Timeout),
		gomail.WithDialContextFunc(line.dial),
		// The domain, not the name of this machine, which recipients need not know.
		gomail.WithHELO(s.domain),
		// One message a connection: nothing to probe before, to reset after.
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	if isASCII(m.To) {
		// Headers are encoded words and bodies quoted-printable, so only an
		// address can need SMTPUTF8; asking for it makes relays that lack it
		// bounce the mail.
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	switch s.config.Security {
	case TLS:
		options = append(options, gomail.WithSSL()) // line.dial does the handshake
	case None:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(s.tlsConfig()))
	}
	var auth *login
	if s.config.Username != "" {
		auth = &login{config: s.config}
		options = append(options, gomail.WithSMTPAuthCustom(auth))
	}
	client, err := gomail.NewClient(s.config.Host, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("smtp: %w", err) // about the options alone
	}
	return client, auth, nil
}

func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// compose builds the mail. Line ends in the subject are encoded by go-mail, in
// the recipient they were refused, and the texts are quoted-printable, so
// nothing in m can add a header or end the message early.
func (s *Sender) compose(m send.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("smtp: %w", send.ErrRefused) // the cause repeats the address
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(time.Now().UTC()) // UTC: recipients need not know our time zone either
	msg.SetMessageIDWithValue(messageID(m.ID) + "@" + s.domain)
	// RFC 3834 section 5: no vacation notice comes back.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// messageID is the outbox's id, so that the copies of a message that was sent
// twice are one message to mail programs that look.
func messageID(id string) string {
	alnum := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	if id == "" || len(id) > 64 || strings.TrimFunc(id, alnum) != "" {
		return rand.Text()
	}
	return id
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// isLoopback reports whether host is this machine without asking a resolver.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
