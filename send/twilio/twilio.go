package twilio

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send"
)

const (
	defaultBaseURL = "https://api.twilio.com"
	defaultTimeout = 10 * time.Second
	// maxAnswer bounds how much of an answer is read, in bytes.
	maxAnswer = 64 << 10
)

// Config says whose account sends, and from where.
type Config struct {
	// AccountSID and AuthToken sign in. Required.
	AccountSID, AuthToken string
	// From is an E.164 number, an alphanumeric sender id, or the "MG..." id of
	// a messaging service. Required.
	From string
	// BaseURL is the API's origin; empty: https://api.twilio.com. Anything but
	// https has to be loopback: the token and the codes travel over it.
	BaseURL string
	// Client makes the requests; nil: one of our own. Redirects are not
	// followed either way.
	Client *http.Client
	// Timeout bounds one request; 0: 10 seconds.
	Timeout time.Duration
}

// Sender is a send.Sender for send.SMS.
type Sender struct {
	config   Config
	endpoint string
	client   *http.Client
}

var _ send.Sender = (*Sender)(nil)

// New returns a sender, or every mistake in c at once. It makes no request.
func New(c Config) (*Sender, error) {
	var errs []error
	// The SID becomes part of the path.
	if c.AccountSID == "" || url.PathEscape(c.AccountSID) != c.AccountSID {
		errs = append(errs, errors.New("twilio: Config.AccountSID is missing or no account SID"))
	}
	if c.AuthToken == "" {
		errs = append(errs, errors.New("twilio: Config.AuthToken is missing"))
	}
	if c.From == "" {
		errs = append(errs, errors.New("twilio: Config.From is missing: a number or a messaging service SID"))
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if err := checkURL(c.BaseURL); err != nil {
		errs = append(errs, fmt.Errorf("twilio: Config.BaseURL %w", err))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("twilio: Config.Timeout is negative"))
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	client := &http.Client{}
	if c.Client != nil {
		*client = *c.Client
	}
	// A redirect would carry the message to a host that is not configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{
		config:   c,
		endpoint: strings.TrimSuffix(c.BaseURL, "/") + "/2010-04-01/Accounts/" + c.AccountSID + "/Messages.json",
		client:   client,
	}, nil
}

// String names the origin; account and token are never printed.
func (s *Sender) String() string { return "twilio " + s.config.BaseURL }

// GoString is String.
func (s *Sender) GoString() string { return s.String() }

// Send hands m to Twilio; its Text is the body. See send.Sender for the errors.
func (s *Sender) Send(ctx context.Context, m send.Message) error {
	if m.Channel != send.SMS {
		return fmt.Errorf("twilio: %w", send.ErrNoSender)
	}
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if strings.HasPrefix(s.config.From, "MG") && len(s.config.From) == 34 {
		form.Set("MessagingServiceSid", s.config.From)
	} else {
		form.Set("From", s.config.From)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("twilio: request cannot be made")
	}
	req.SetBasicAuth(s.config.AccountSID, s.config.AuthToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "twofold")
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return outcome(resp)
}

// Check asks Twilio for the account, and sends nothing.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.endpoint, "/Messages.json")+".json", nil)
	if err != nil {
		return errors.New("twilio: request cannot be made")
	}
	req.SetBasicAuth(s.config.AccountSID, s.config.AuthToken)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "twofold")
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return outcome(resp)
}

// outcome reads the status and, of the body, Twilio's numeric code.
func outcome(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // a cut answer has no code; that is all
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	var answer struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(body, &answer) // not JSON: a proxy's page, and code 0
	if resp.StatusCode == http.StatusBadRequest && isBadRecipient(answer.Code) {
		return fmt.Errorf("twilio: %w: code %d", send.ErrRefused, answer.Code)
	}
	return fmt.Errorf("twilio: status %d, code %d", resp.StatusCode, answer.Code)
}

// isBadRecipient holds the codes that are about this number and will not
// change by trying again. A code missing here costs a few useless tries;
// 21608 (trial account), 21408 (region not enabled) and 21612 (this From to
// this To) are left out because the operator can cure them.
func isBadRecipient(code int) bool {
	switch code {
	case 21211, // not a valid number
		21265, // a short code
		21610, // has opted out
		21614, // not a mobile number
		21635: // a landline
		return true
	}
	return false
}

// transportFailure keeps of a failed request only what cannot hold anything we
// sent: net/http quotes malformed answers, and url.Error the account.
func transportFailure(ctx context.Context, err error) error {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("twilio: %w", ctx.Err())
	case errors.As(err, &op):
		return fmt.Errorf("twilio: %w", op) // dialling, names, broken connections
	case errors.As(err, &cert):
		return errors.New("twilio: the server's certificate is not accepted")
	default:
		return errors.New("twilio: no HTTP answer")
	}
}

// checkURL accepts https anywhere and http on this machine.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("is not a plain URL") // a parse error would repeat it
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
