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

// Passwords is a password.Legacy: it asks a service of the operator's whether a
// password is that of an identity in the system that accounts came from.
type Passwords struct{ sender *WebhookSender }

var _ password.Legacy = (*Passwords)(nil)

// NewPasswords returns it, or every mistake in c at once. It makes no request. A Timeout
// of 0 is 10 seconds.
func NewPasswords(c WebhookConfig) (*Passwords, error) {
	s, err := NewWebhook(c)
	if err != nil {
		return nil, err
	}
	return &Passwords{s}, nil
}

// String says what this is; URL and secret are never printed.
func (p *Passwords) String() string { return "webhook for passwords" }

// GoString is String.
func (p *Passwords) GoString() string { return p.String() }

// Check connects to the receiver, with TLS if its URL says so, and asks nothing.
func (p *Passwords) Check(ctx context.Context) error { return p.sender.Check(ctx) }

// question is the JSON that goes out; its names are a promise to receivers. Its type
// keeps it apart from a message that was signed with the same secret.
type question struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Identity string `json:"identity"`
	Password string `json:"password"`
}

// CheckPassword implements password.Legacy. Its errors repeat nothing that was sent.
func (p *Passwords) CheckPassword(ctx context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	none := password.LegacyAccount{}
	if identity == "" || plain == "" {
		return none, false, nil
	}
	body, err := json.Marshal(question{"password", rand.Text(), identity, plain})
	if err != nil {
		return none, false, errors.New("webhook: question cannot be encoded")
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
	// A cut or strange answer is a failure, and never a yes.
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
