package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/twofold-auth/twofold/password"
)

// Passwords is a password.Legacy. It asks a service of the operator whether a password belongs to
// an identity in the system that accounts come from.
type Passwords struct{ sender *WebhookSender }

var _ password.Legacy = (*Passwords)(nil)

// NewPasswords returns a Passwords, or an error that lists every mistake in c. It makes no request.
// The default Timeout is 10 seconds.
func NewPasswords(c WebhookConfig) (*Passwords, error) {
	s, err := NewWebhook(c)
	if err != nil {
		return nil, err
	}
	return &Passwords{s}, nil
}

// String returns a description without the URL and the secret.
func (p *Passwords) String() string { return "webhook for passwords" }

// GoString returns the same text as String.
func (p *Passwords) GoString() string { return p.String() }

// Check connects to the receiver, with TLS if its URL is https, and sends no request.
func (p *Passwords) Check(ctx context.Context) error { return p.sender.Check(ctx) }

// question is the JSON that is sent. Receivers rely on its names. Type distinguishes it from a
// message that was signed with the same secret.
type question struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Identity string `json:"identity"`
	Password string `json:"password"`
}

// CheckPassword implements password.Legacy. Its errors do not contain the request.
func (p *Passwords) CheckPassword(ctx context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	none := password.LegacyAccount{}
	if identity == "" || plain == "" {
		return none, false, nil
	}
	body, err := json.Marshal(question{"password", rand.Text(), identity, plain})
	if err != nil {
		return none, false, errors.New("webhook: the request cannot be encoded")
	}
	status, raw, err := p.sender.post(ctx, body)
	if err != nil {
		return none, false, err
	}
	if status != http.StatusOK {
		return none, false, fmt.Errorf("webhook: status %d", status)
	}
	var answer struct {
		OK       *bool  `json:"ok"`
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Username string `json:"username"`
		Language string `json:"language"`
	}
	// A truncated or unexpected answer is a failure, never an acceptance.
	if err := json.Unmarshal(raw, &answer); err != nil || answer.OK == nil {
		return none, false, errors.New("webhook: the answer is not JSON with a field ok")
	}
	if !*answer.OK {
		return none, false, nil
	}
	return password.LegacyAccount{
		Email: answer.Email, Proven: answer.Verified, Username: answer.Username, Language: answer.Language,
	}, true, nil
}
