package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send"
)

// The kinds of bodies. They decide how values are escaped.
const (
	JSON = "application/json"
	Form = "application/x-www-form-urlencoded"
)

// TemplateConfig describes the request that makes a provider send a text, and how its answer is
// read.
//
// URL, Body and the values of Headers may contain placeholders: {to} is the number in E.164 form,
// {to_digits} the same without the plus sign, {text} the text of the message, {id} an ID that is
// the same for every attempt, and {name} any name in Values. Each value is escaped for its
// position, so a text may contain quotes.
type TemplateConfig struct {
	// Name is used in errors. The default is "template".
	Name string
	// URL is the URL of the POST request. Required. It must be https, or http on loopback. Its path
	// and query may contain placeholders, but not {to} and {text}, because proxies log URLs.
	URL string
	// Kind is JSON or Form. The default is JSON if Body starts with a brace or bracket, and
	// otherwise Form.
	Kind string
	// Body is the template of the body. Required. In JSON, placeholders must be inside quotes:
	// {"to": "{to}"}.
	Body string
	// Headers contains additional headers, e.g. Authorization: "Bearer {token}". They cannot
	// contain the placeholders of a message.
	Headers map[string]string
	// Username and Password are sent with HTTP Basic authentication if Username is not empty.
	Username, Password string
	// Values contains further placeholders, such as secrets.
	Values map[string]string
	// If AWS is not nil, it signs the request with Signature Version 4.
	AWS *AWS
	// Success lists rules, at least one of which must hold for the answer to an accepted message.
	// The default is "2xx". A rule consists of conditions separated by spaces, all of which must
	// hold: a status ("202"), a class of statuses ("2xx"), or a value in a JSON answer
	// ("messages.0.status=0").
	Success []string
	// Refused lists rules for a number that will never work. They are evaluated first.
	Refused []string
	// Client makes the requests. If it is nil, a default client is used.
	Client *http.Client
	// Timeout is the time limit of one request. The default is 10 seconds.
	Timeout time.Duration
	// Now returns the current time. The default is time.Now.
	Now func() time.Time
}

// TemplateSender is a send.Sender for send.SMS.
type TemplateSender struct {
	c                TemplateConfig
	client           *http.Client
	success, refused []rule
}

var _ send.Sender = (*TemplateSender)(nil)

// NewTemplate returns a sender, or an error that lists every mistake in c. It makes no request.
func NewTemplate(c TemplateConfig) (*TemplateSender, error) {
	if c.Name == "" {
		c.Name = "template"
	}
	if c.Kind == "" {
		c.Kind = Form
		if strings.HasPrefix(c.Body, "{\"") || strings.HasPrefix(c.Body, "[") || strings.HasPrefix(c.Body, "{ ") {
			c.Kind = JSON
		}
	}
	if len(c.Success) == 0 {
		c.Success = []string{"2xx"}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &TemplateSender{c: c, client: newClient(c.Client)}
	var errs []error
	bad := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: TemplateConfig.%s %w", c.Name, field, err))
		}
	}
	var err error
	s.success, err = parseRules(c.Success)
	bad("Success", err)
	s.refused, err = parseRules(c.Refused)
	bad("Refused", err)
	bad("URL", c.checkURL())
	bad("Body", c.checkBody())
	bad("Headers", c.checkHeaders())
	if c.AWS != nil {
		bad("AWS", c.AWS.check())
	}
	if c.Timeout < 0 {
		bad("Timeout", errors.New("is negative"))
	}
	return s, errors.Join(errs...)
}

// String returns the name of the provider and nothing else of the configuration.
func (s *TemplateSender) String() string { return s.c.Name }

// GoString returns the same text as String.
func (s *TemplateSender) GoString() string { return s.String() }

// Check connects to the provider, with TLS if its URL is https, and sends no request.
func (s *TemplateSender) Check(ctx context.Context) error {
	return reach(ctx, s.c.Name, s.c.URL, s.c.Timeout)
}

// Send sends the Text of m. See send.Sender for the errors.
func (s *TemplateSender) Send(ctx context.Context, m send.Message) error {
	if m.Channel != send.SMS {
		return fmt.Errorf("%s: %w", s.c.Name, send.ErrNoSender)
	}
	if err := send.CheckRecipient(m.Channel, m.To); err != nil {
		return fmt.Errorf("%s: %w", s.c.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	req, err := s.request(ctx, m)
	if err != nil {
		return fmt.Errorf("%s: request cannot be created", s.c.Name)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return transportFailure(ctx, s.c.Name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // if it is truncated, no condition about a value holds
	a := newAnswer(resp.StatusCode, raw)
	switch {
	case a.keepsOne(s.refused):
		return fmt.Errorf("%s: %w: status %d", s.c.Name, send.ErrRefused, a.status)
	case a.keepsOne(s.success):
		return nil
	}
	return fmt.Errorf("%s: status %d", s.c.Name, a.status)
}

func (s *TemplateSender) request(ctx context.Context, m send.Message) (*http.Request, error) {
	body := []byte(s.c.fill(s.c.Body, s.c.Kind, message(m)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.c.fill(s.c.URL, "url", nil), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", s.c.Kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "twofold")
	for name, value := range s.c.Headers {
		req.Header.Set(name, s.c.fill(value, "header", nil))
	}
	if s.c.Username != "" {
		req.SetBasicAuth(s.c.Username, s.c.Password)
	}
	if s.c.AWS != nil {
		s.c.AWS.sign(req, body, s.c.Now())
	}
	return req, nil
}

// message returns the placeholders of a message.
func message(m send.Message) map[string]string {
	return map[string]string{
		"to": m.To, "to_digits": strings.TrimPrefix(m.To, "+"), "text": m.Text, "id": m.ID,
	}
}

// placeholder matches a name in braces. JSON does not match, because its names are in quotes.
var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)

// fill replaces placeholders with values, each escaped for its position. Placeholders in a value
// are not replaced.
func (c TemplateConfig) fill(template, where string, of map[string]string) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string {
		name := found[1 : len(found)-1]
		value, ok := of[name]
		if !ok {
			value, ok = c.Values[name]
		}
		if !ok {
			return found // refused by NewTemplate
		}
		return escape(value, where)
	})
}

func escape(value, where string) string {
	switch where {
	case JSON:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(value) // a text is always encoded
		quoted := strings.TrimSuffix(b.String(), "\n")
		return quoted[1 : len(quoted)-1] // the quotes are in the template
	case Form:
		return url.QueryEscape(value)
	case "url":
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	}
	return value
}

// unknown returns a placeholder that is neither in Values nor in of.
func (c TemplateConfig) unknown(template string, of map[string]string) error {
	for _, found := range placeholder.FindAllString(template, -1) {
		name := found[1 : len(found)-1]
		_, ours := of[name]
		if _, theirs := c.Values[name]; !ours && !theirs {
			return fmt.Errorf("contains %s, which has no value there", found)
		}
	}
	return nil
}

func (c TemplateConfig) checkURL() error {
	rest := strings.TrimPrefix(strings.TrimPrefix(c.URL, "https://"), "http://")
	if host, _, _ := strings.Cut(rest, "/"); strings.ContainsAny(host, "{}?") {
		return errors.New("contains a placeholder in its host")
	}
	if err := c.unknown(c.URL, nil); err != nil {
		return err
	}
	return checkURL(c.fill(c.URL, "url", nil))
}

// checkBody fills the template with a text that must be escaped and checks the result.
func (c TemplateConfig) checkBody() error {
	sample := map[string]string{"to": "+15555550100", "to_digits": "15555550100",
		"text": "a \"text\" & \\ more", "id": "1"}
	if err := c.unknown(c.Body, sample); err != nil {
		return err
	}
	if !strings.Contains(c.Body, "{to}") && !strings.Contains(c.Body, "{to_digits}") ||
		!strings.Contains(c.Body, "{text}") {
		return errors.New("must contain {text}, and {to} or {to_digits}")
	}
	body := c.fill(c.Body, c.Kind, sample)
	switch c.Kind {
	case JSON:
		if !json.Valid([]byte(body)) {
			return errors.New("is not valid JSON: placeholders must be inside quotes")
		}
	case Form:
		values, err := url.ParseQuery(body)
		if err != nil || !slices.ContainsFunc(keys(values),
			func(k string) bool { return values.Get(k) == sample["text"] }) {
			return errors.New("must be a form with {text} as a value")
		}
	default:
		return errors.New("has a Kind other than JSON or Form")
	}
	return nil
}

func keys(v url.Values) (out []string) {
	for k := range v {
		out = append(out, k)
	}
	return out
}

func (c TemplateConfig) checkHeaders() error {
	for name, value := range c.Headers {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
			return errors.New("contains an invalid header name")
		}
		if err := c.unknown(value, nil); err != nil {
			return err
		}
		if strings.ContainsAny(c.fill(value, "header", nil), "\r\n\x00") {
			return errors.New("contains a value with a line break")
		}
	}
	return nil
}
