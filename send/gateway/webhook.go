package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/send"
)

const (
	// minSecret is the shortest secret taken, in bytes: HMAC-SHA256 is worth
	// what its key is worth (RFC 2104 section 3).
	minSecret = 32
)

// WebhookConfig says where messages go.
type WebhookConfig struct {
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

// WebhookSender is a send.Sender for send.Email and send.SMS.
type WebhookSender struct {
	config WebhookConfig
	client *http.Client
}

var _ send.Sender = (*WebhookSender)(nil)

// NewWebhook returns a sender, or every mistake in c at once. It makes no request.
func NewWebhook(c WebhookConfig) (*WebhookSender, error) {
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
	return &WebhookSender{config: c, client: newClient(c.Client)}, nil
}

// String says what this is; URL and secret are never printed, because URLs of
// hooks often are secrets.
func (s *WebhookSender) String() string { return "webhook" }

// GoString is String.
func (s *WebhookSender) GoString() string { return s.String() }

// Check connects to the receiver, with TLS if its URL says so, and asks nothing.
func (s *WebhookSender) Check(ctx context.Context) error {
	return reach(ctx, "webhook", s.config.URL, s.config.Timeout)
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
func (s *WebhookSender) Send(ctx context.Context, m send.Message) error {
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
	status, _, err := s.post(ctx, body)
	switch {
	case err != nil:
		return err
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusUnprocessableEntity:
		return fmt.Errorf("webhook: %w: status %d", send.ErrRefused, status)
	default:
		return fmt.Errorf("webhook: status %d", status)
	}
}

// post sends a signed body and reads the answer, as far as maxAnswer.
func (s *WebhookSender) post(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("webhook: request cannot be made")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "twofold")
	sign(req.Header, s.config.Secret, body, s.config.Now())
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, transportFailure(ctx, "webhook", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // so that the connection can be used again
	if err != nil {
		answer = nil // it was cut; the status is enough
	}
	return resp.StatusCode, answer, nil
}
