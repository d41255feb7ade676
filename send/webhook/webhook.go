package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/twofold-auth/twofold/send"
)

const (
	defaultTimeout = 10 * time.Second
	// maxAnswer bounds how much of an answer is read, in bytes.
	maxAnswer = 64 << 10
	// minSecret is the shortest secret taken, in bytes: HMAC-SHA256 is worth
	// what its key is worth (RFC 2104 section 3).
	minSecret = 32
)

// Config says where messages go.
type Config struct {
	// URL of the receiver. Required; https, or http on loopback. It may carry
	// a query, but no user and password.
	URL string
	// Secret is shared with the receiver, at least 32 bytes. Required.
	Secret string
	// Client makes the requests; nil: one of our own. Redirects are not
	// followed either way.
	Client *http.Client
	// Timeout bounds one request; 0: 10 seconds.
	Timeout time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Sender is a send.Sender for send.Email and send.SMS.
type Sender struct {
	config Config
	client *http.Client
}

var _ send.Sender = (*Sender)(nil)

// New returns a sender, or every mistake in c at once. It makes no request.
func New(c Config) (*Sender, error) {
	var errs []error
	if err := checkURL(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("webhook: Config.URL %w", err))
	}
	if len(c.Secret) < minSecret {
		errs = append(errs, fmt.Errorf("webhook: Config.Secret is shorter than %d bytes", minSecret))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("webhook: Config.Timeout is negative"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := &http.Client{}
	if c.Client != nil {
		*client = *c.Client
	}
	// A redirect would carry the message to a host that is not configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{config: c, client: client}, nil
}

// String says what this is; URL and secret are never printed, because URLs of
// hooks often are secrets.
func (s *Sender) String() string { return "webhook" }

// GoString is String.
func (s *Sender) GoString() string { return s.String() }

// Check connects to the receiver, with TLS if its URL says so, and asks nothing.
func (s *Sender) Check(ctx context.Context) error {
	u, err := url.Parse(s.config.URL)
	if err != nil {
		return errors.New("webhook: the URL cannot be read")
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	port := u.Port()
	var conn net.Conn
	if u.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		conn, err = (&tls.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	} else {
		if port == "" {
			port = "80"
		}
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	if err != nil {
		return transportFailure(ctx, err)
	}
	return conn.Close()
}

// payload is the JSON that goes out; its names are a promise to receivers.
type payload struct {
	ID      string `json:"id,omitempty"`
	Channel string `json:"channel"`
	To      string `json:"to"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
	Kind    string `json:"kind,omitempty"`
}

// Send posts m. See send.Sender for the errors.
func (s *Sender) Send(ctx context.Context, m send.Message) error {
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	body, err := json.Marshal(payload{
		ID: m.ID, Channel: m.Channel, To: m.To,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, Kind: m.Kind,
	})
	if err != nil {
		return errors.New("webhook: message cannot be encoded")
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook: request cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "twofold")
	sign(req.Header, s.config.Secret, body, s.config.Now())
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // so that the connection can be used again
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Errorf("webhook: %w: status %d", send.ErrRefused, resp.StatusCode)
	default:
		return fmt.Errorf("webhook: status %d", resp.StatusCode)
	}
}

// transportFailure keeps of a failed request only what cannot hold anything we
// sent: net/http quotes malformed answers, and url.Error the URL.
func transportFailure(ctx context.Context, err error) error {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("webhook: %w", ctx.Err())
	case errors.As(err, &op):
		return fmt.Errorf("webhook: %w", op) // dialling, names, broken connections
	case errors.As(err, &cert):
		return errors.New("webhook: the server's certificate is not accepted")
	default:
		return errors.New("webhook: no HTTP answer")
	}
}

// checkURL accepts https anywhere and http on this machine.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("is missing or not a plain URL") // a parse error would repeat it
	}
	if u.Scheme == "https" {
		return nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("has to be https, except on loopback")
}
