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
	StartTLS = "starttls" // unencrypted greeting, then TLS is required (RFC 3207)
	TLS      = "tls"      // TLS from the first byte (RFC 8314)
	None     = "none"     // no TLS; requires loopback or Config.AllowPlain
)

const (
	defaultTimeout = 10 * time.Second
	// quitTimeout is the time limit for the server's answer to QUIT, when the message is already
	// delivered.
	quitTimeout = time.Second
)

// Config configures the server and the sender's address.
type Config struct {
	// Host is the server's name as in its certificate. Required.
	Host string
	// Port is the server's port. The default is 587 for StartTLS, 465 for TLS and 25 for None.
	Port int
	// Security is StartTLS, TLS or None. The default is StartTLS. If the server does not offer
	// STARTTLS, sending fails.
	Security string
	// AllowPlain allows None for hosts other than loopback. Trade-off: anyone on the network path
	// to Host can read every code and reset link, and the password below, and take over accounts
	// with them.
	AllowPlain bool
	// Username and Password are the credentials for PLAIN or LOGIN. If both are empty, there is no
	// sign-in.
	Username, Password string
	// From is the sender, such as "no-reply@example.org" or "Example <no-reply@example.org>".
	// Required. The domain must be in ASCII.
	From string
	// Timeout is the time limit of one message, from dialing to the server's acceptance. The
	// default is 10 seconds.
	Timeout time.Duration
	// RootCAs contains the certificate authorities of the server. If it is nil, those of the system
	// are used.
	RootCAs *x509.CertPool
}

// Sender is a send.Sender for send.Email. Each message has its own connection.
type Sender struct {
	config Config
	from   *mail.Address
	domain string // domain of from; used in EHLO and message IDs
}

var _ send.Sender = (*Sender)(nil)

// New returns a sender, or an error that lists every mistake in c. It does not connect.
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
		mistake("Config.Security %q sends codes in the clear to another machine; use %q or %q, or set AllowPlain", None,
			StartTLS, TLS)
	}
	if (c.Username == "") != (c.Password == "") {
		mistake("Config.Username and Config.Password must be set together")
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

// String returns the name of the server, without the password.
func (s *Sender) String() string {
	return fmt.Sprintf("smtp %s:%d (%s)", s.config.Host, s.config.Port, s.config.Security)
}

// GoString returns the same text as String.
func (s *Sender) GoString() string { return s.String() }

// Send sends m to the server. See send.Sender for the errors.
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
		// The message is accepted once the server has answered 250. An error after that would only
		// make the outbox send it twice.
		line.hurry(quitTimeout)
		_ = client.CloseWithSMTPClient(conn)
		return nil
	}
	return sendFailure(ctx, err)
}

// Check connects to the server and signs in if there is a username, without sending a message. The
// error contains the server's answer.
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
	_ = client.CloseWithSMTPClient(conn) // the check has succeeded
	return nil
}

// client returns a go-mail client for one message, and its sign-in.
func (s *Sender) client(line *line, m send.Message) (*gomail.Client, *login, error) {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port),
		gomail.WithTimeout(s.config.Timeout),
		gomail.WithDialContextFunc(line.dial),
		// Send the domain, not the name of this machine, which recipients need not know.
		gomail.WithHELO(s.domain),
		// Each connection carries one message, so neither NOOP nor RSET is needed.
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	if isASCII(m.To) {
		// Headers are encoded words and bodies quoted-printable, so only an address can need
		// SMTPUTF8. Requesting it unnecessarily makes relays without it bounce the mail.
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
		return nil, nil, fmt.Errorf("smtp: %w", err) // concerns only the options
	}
	return client, auth, nil
}

func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// compose builds the mail. go-mail encodes line breaks in the subject, CheckRecipient refuses them
// in the recipient, and the texts are quoted-printable. So nothing in m can add a header or end the
// message early.
func (s *Sender) compose(m send.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("smtp: %w", send.ErrRefused) // the cause contains the address
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(time.Now().UTC()) // UTC, to hide our time zone
	msg.SetMessageIDWithValue(messageID(m.ID) + "@" + s.domain)
	// RFC 3834 section 5: prevents vacation replies.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// messageID contains the outbox's ID, so that mail programs can recognize two copies of one
// message.
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

// isLoopback reports whether host is a loopback host, without a DNS query.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
