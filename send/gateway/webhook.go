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
	// minSecret is the minimum length of a secret in bytes (RFC 2104 section 3).
	minSecret = 32
)

// WebhookConfig configures the receiver of messages.
type WebhookConfig struct {
	// URL is the URL of the receiver. Required. It must be https, or http on loopback. It may
	// contain a query, but no user and password.
	URL string
	// Secret is shared with the receiver, at least 32 bytes. Required.
	Secret string
	// Client makes the requests. If it is nil, a default client is used. Redirects are never
	// followed.
	Client *http.Client
	// Timeout is the time limit of one request. The default is 10 seconds.
	Timeout time.Duration
	// Now returns the current time. The default is time.Now.
	Now func() time.Time
}

// WebhookSender is a send.Sender for send.Email and send.SMS.
type WebhookSender struct {
	config WebhookConfig
	client *http.Client
}

var _ send.Sender = (*WebhookSender)(nil)

// NewWebhook returns a sender, or an error that lists every mistake in c. It makes no request.
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

// String returns a description without the URL and the secret. URLs of webhooks are often secret,
// too.
func (s *WebhookSender) String() string { return "webhook" }

// GoString returns the same text as String.
func (s *WebhookSender) GoString() string { return s.String() }

// Check connects to the receiver, with TLS if its URL is https, and sends no request.
func (s *WebhookSender) Check(ctx context.Context) error {
	return reach(ctx, "webhook", s.config.URL, s.config.Timeout)
}

// payload is the JSON that is sent. Receivers rely on its names.
type payload struct {
	ID      string `json:"id,omitempty"`
	Channel string `json:"channel"`
	To      string `json:"to"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
	Kind    string `json:"kind,omitempty"`
}

// Send posts m to the receiver. See send.Sender for the errors.
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

// post sends a signed body and reads at most maxAnswer bytes of the answer.
func (s *WebhookSender) post(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("webhook: request cannot be created")
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
		answer = nil // it was truncated; the status is enough
	}
	return resp.StatusCode, answer, nil
}
