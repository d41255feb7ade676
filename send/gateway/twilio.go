package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send"
)

const defaultBaseURL = "https://api.twilio.com"

// TwilioConfig configures the account and the sender.
type TwilioConfig struct {
	// AccountSID and AuthToken are the credentials. Required.
	AccountSID, AuthToken string
	// From is an E.164 number, an alphanumeric sender ID, or the "MG..." ID of a messaging service.
	// Required.
	From string
	// BaseURL is the API's origin. The default is https://api.twilio.com. It must be https, except
	// on loopback, because the token and the codes are sent to it.
	BaseURL string
	// Client makes the requests. If it is nil, a default client is used. Redirects are never
	// followed.
	Client *http.Client
	// Timeout is the time limit of one request. The default is 10 seconds.
	Timeout time.Duration
}

// TwilioSender is a send.Sender for send.SMS.
type TwilioSender struct {
	config   TwilioConfig
	endpoint string
	client   *http.Client
}

var _ send.Sender = (*TwilioSender)(nil)

// NewTwilio returns a sender, or an error that lists every mistake in c. It makes no request.
func NewTwilio(c TwilioConfig) (*TwilioSender, error) {
	var errs []error
	// The SID becomes part of the path.
	if c.AccountSID == "" || url.PathEscape(c.AccountSID) != c.AccountSID {
		errs = append(errs, errors.New("twilio: Config.AccountSID is missing or not an account SID"))
	}
	if c.AuthToken == "" {
		errs = append(errs, errors.New("twilio: Config.AuthToken is missing"))
	}
	if c.From == "" {
		errs = append(errs, errors.New("twilio: Config.From is missing: set a number or a messaging service SID"))
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if err := checkURL(c.BaseURL); err != nil || strings.Contains(c.BaseURL, "?") {
		err = cmp.Or(err, errors.New("is not a valid URL"))
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
	return &TwilioSender{
		config:   c,
		endpoint: strings.TrimSuffix(c.BaseURL, "/") + "/2010-04-01/Accounts/" + c.AccountSID + "/Messages.json",
		client:   newClient(c.Client),
	}, nil
}

// String returns the origin, without the account and the token.
func (s *TwilioSender) String() string { return "twilio " + s.config.BaseURL }

// GoString returns the same text as String.
func (s *TwilioSender) GoString() string { return s.String() }

// Send sends the Text of m through Twilio. See send.Sender for the errors.
func (s *TwilioSender) Send(ctx context.Context, m send.Message) error {
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
		return errors.New("twilio: request cannot be created")
	}
	req.SetBasicAuth(s.config.AccountSID, s.config.AuthToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "twofold")
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, "twilio", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return twilioOutcome(resp)
}

// Check requests the account from Twilio and sends no message.
func (s *TwilioSender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(s.endpoint, "/Messages.json")+".json", nil)
	if err != nil {
		return errors.New("twilio: request cannot be created")
	}
	req.SetBasicAuth(s.config.AccountSID, s.config.AuthToken)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "twofold")
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, "twilio", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return twilioOutcome(resp)
}

// twilioOutcome reads the status and Twilio's numeric code in the body.
func twilioOutcome(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // a truncated answer merely has no code
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	var answer struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(body, &answer) // not JSON, e.g. a proxy's page: the code is 0
	if resp.StatusCode == http.StatusBadRequest && isBadRecipient(answer.Code) {
		return fmt.Errorf("twilio: %w: code %d", send.ErrRefused, answer.Code)
	}
	return fmt.Errorf("twilio: status %d, code %d", resp.StatusCode, answer.Code)
}

// isBadRecipient reports whether a code means that this number will never work. A code that is
// missing here only costs a few useless attempts. 21608 (trial account), 21408 (region not enabled)
// and 21612 (this From to this To) are omitted because the operator can fix them.
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
