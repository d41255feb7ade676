package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/sendtest"
)

// provider answers as its documentation says, and records its requests.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
	status int
	answer string
	silent bool
	echo   bool
	quit   chan struct{}
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func newProvider(t *testing.T, status int, answer string) *provider {
	t.Helper()
	p := &provider{status: status, answer: answer, quit: make(chan struct{})}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() { close(p.quit); p.Close() })
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.asked, p.bodies = append(p.asked, r), append(p.bodies, string(body))
	status, answer, silent := p.status, p.answer, p.silent
	if p.echo {
		answer = string(body)
	}
	p.mu.Unlock()
	if silent {
		select {
		case <-p.quit:
		case <-r.Context().Done():
		}
		return
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (p *provider) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// awkward is a text that breaks a request if it is not escaped.
const awkward = "Code \"123456\" & more {to} \\ ü\n+1"

// TestPresets checks the request of each provider byte for byte, and how its answers are
// interpreted.
func TestPresets(t *testing.T) {
	awkwardJSON := `Code \"123456\" & more {to} \\ ü\n+1`
	awkwardForm := "Code+%22123456%22+%26+more+%7Bto%7D+%5C+%C3%BC%0A%2B1"
	for name, c := range map[string]struct {
		keys        map[string]string
		path, body  string
		header      map[string]string
		status      int
		taken       string
		refused     string // empty: the provider has no answer that is about the number
		later       string
		laterStatus int
	}{
		"Vonage": {
			keys: map[string]string{"API_KEY": "key", "API_SECRET": "the&secret", "FROM": "Acme"}, path: "/sms/json",
			body:   "api_key=key&api_secret=the%26secret&from=Acme&to=15555550100&type=unicode&text=" + awkwardForm,
			header: map[string]string{"Content-Type": gateway.Form}, status: 200,
			taken:   `{"message-count":"1","messages":[{"to":"15555550100","message-id":"0A","status":"0"}]}`,
			refused: `{"message-count":"1","messages":[{"status":"7","error-text":"Number barred 123456"}]}`,
			later:   `{"message-count":"1","messages":[{"status":"1","error-text":"Throttled"}]}`, laterStatus: 200,
		},
		"Bird": {
			keys: map[string]string{"ACCESS_KEY": "the secret", "WORKSPACE_ID": "w/1", "CHANNEL_ID": "c"},
			path: "/workspaces/w%2F1/channels/c/messages",
			body: `{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"+15555550100"}]},` +
				`"body":{"type":"text","text":{"text":"` + awkwardJSON + `"}}}`,
			header: map[string]string{"Content-Type": gateway.JSON, "Authorization": "AccessKey the secret"},
			status: 202,
			taken:  `{"id":"1","status":"accepted"}`, later: `{"code":"Unauthorized"}`, laterStatus: 401,
		},
		"Plivo": {
			keys: map[string]string{"AUTH_ID": "MA1", "AUTH_TOKEN": "the secret", "FROM": `"Acme"`},
			path: "/v1/Account/MA1/Message/",
			body: `{"src":"\"Acme\"","dst":"15555550100","text":"` + awkwardJSON + `"}`,
			header: map[string]string{"Content-Type": gateway.JSON,
				"Authorization": "Basic TUExOnRoZSBzZWNyZXQ="}, status: 202,
			taken: `{"message":"message(s) queued","message_uuid":["1"]}`, later: `{"error":"no credit"}`,
			laterStatus: 402,
		},
		"Sinch": {
			keys: map[string]string{"SERVICE_PLAN_ID": "plan", "API_TOKEN": "the secret", "FROM": "Acme",
				"REGION": "eu"},
			path: "/xms/v1/plan/batches", body: `{"from":"Acme","to":["15555550100"],"body":"` + awkwardJSON + `"}`,
			header: map[string]string{"Content-Type": gateway.JSON, "Authorization": "Bearer the secret"},
			status: 201,
			taken:  `{"id":"1","canceled":false}`, later: `{"code":"internal"}`, laterStatus: 500,
		},
		"SNS": {
			keys: map[string]string{"REGION": "eu-central-1", "ACCESS_KEY_ID": "AKIDEXAMPLE",
				"SECRET_ACCESS_KEY": "the secret",
				"SENDER_ID":         "Acme"},
			path: "/", status: 200, header: map[string]string{"Content-Type": gateway.Form},
			body: "Action=Publish&Version=2010-03-31&PhoneNumber=%2B15555550100&Message=" + awkwardForm +
				"&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&MessageAttributes.entry.1.Value.DataType=String" +
				"&MessageAttributes.entry.1.Value.StringValue=Transactional" +
				"&MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID&MessageAttributes.entry.2.Value.DataType=String" +
				"&MessageAttributes.entry.2.Value.StringValue=Acme",
			taken: "<PublishResponse/>", later: "<ErrorResponse/>", laterStatus: 403,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, c.status, c.taken)
			c.keys["BASE_URL"] = p.URL
			template, err := gateway.Preset(name, c.keys)
			if err != nil {
				t.Fatal(err)
			}
			s, err := gateway.NewTemplate(template)
			if err != nil {
				t.Fatal(err)
			}
			m := send.Message{Channel: send.SMS, To: "+15555550100", Text: awkward}
			if err := s.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			r := p.asked[0]
			if r.Method != http.MethodPost || r.URL.EscapedPath() != c.path || r.URL.RawQuery != "" ||
				p.bodies[0] != c.body {
				t.Errorf("%s %s\n%s\nwant %s\n%s", r.Method, r.URL, p.bodies[0], c.path, c.body)
			}
			for name, value := range c.header {
				if r.Header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, r.Header.Get(name), value)
				}
			}
			if name == "SNS" && !strings.HasPrefix(r.Header.Get("Authorization"),
				"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") {
				t.Errorf("not signed: %v", r.Header)
			}
			answers(t, p, s, m, c.refused, c.later, c.laterStatus)
			if printed := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(printed, "secret") ||
				strings.Contains(printed, "key") {
				t.Error(printed)
			}
		})
	}
}

// answers checks how a sender interprets a refusal of the number and another refusal.
func answers(t *testing.T, p *provider, s *gateway.TemplateSender, m send.Message, refused, later string,
	status int) {
	t.Helper()
	if refused != "" {
		p.answer = refused
		if err := s.Send(t.Context(), m); !errors.Is(err, send.ErrRefused) || strings.Contains(err.Error(),
			"123456") {
			t.Errorf("a number that never works: %v", err)
		}
	}
	p.answer, p.status = later, status
	if err := s.Send(t.Context(), m); err == nil || errors.Is(err, send.ErrRefused) {
		t.Errorf("a failure: %v", err)
	}
}

// TestTemplateConformance checks that a template keeps the promises of every sender.
func TestTemplateConformance(t *testing.T) {
	sendtest.TestSender(t, func(t *testing.T) sendtest.Subject {
		p := newProvider(t, 200, "{}")
		s, err := gateway.NewTemplate(gateway.TemplateConfig{URL: p.URL, Body: `{"to":"{to}","text":"{text}"}`,
			Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return sendtest.Subject{
			Sender: s, Channels: []string{send.SMS}, Calls: p.Calls,
			Echo:    func() { p.set(func() { p.status, p.echo = 400, true }) },
			Silence: func() { p.set(func() { p.silent = true }) },
		}
	})
}

// TestSignature compares signatures with those of AWS's own library.
func TestSignature(t *testing.T) {
	raw, err := os.ReadFile("testdata/aws.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Region, Token, Body, Date, Authorization string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		now, err := time.Parse("20060102T150405Z", v.Date)
		if err != nil {
			t.Fatal(err)
		}
		var got *http.Request
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, nil
		})}
		form, err := url.ParseQuery(v.Body)
		if err != nil {
			t.Fatal(err)
		}
		body := strings.Replace(v.Body, url.QueryEscape(form.Get("Message")), "{text}", 1)
		body = strings.Replace(body, "%2B15555550100", "{to}", 1)
		c := gateway.TemplateConfig{URL: "https://sns." + v.Region + ".amazonaws.com/", Kind: gateway.Form,
			Body: body, Client: client,
			Now: func() time.Time { return now }, AWS: &gateway.AWS{Region: v.Region, Service: "sns",
				KeyID:  "AKIDEXAMPLE",
				Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Token: v.Token}}
		s, err := gateway.NewTemplate(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550100",
			Text: form.Get("Message")}); err != nil {
			t.Fatal(err)
		}
		if got.Header.Get("Authorization") != v.Authorization || got.Header.Get("X-Amz-Security-Token") != v.Token {
			t.Errorf("%s\nwant %s", got.Header.Get("Authorization"), v.Authorization)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTemplateMistakes checks that templates that would not send a text message are refused, and
// that no error contains a value.
func TestTemplateMistakes(t *testing.T) {
	good := gateway.TemplateConfig{URL: "https://sms.example.org/", Body: `{"to":"{to}","text":"{text}"}`}
	if _, err := gateway.NewTemplate(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*gateway.TemplateConfig){
		"clear":  func(c *gateway.TemplateConfig) { c.URL = "http://sms.example.org/" },
		"no URL": func(c *gateway.TemplateConfig) { c.URL = "" },
		"host": func(c *gateway.TemplateConfig) {
			c.URL = "https://{host}/"
			c.Values = map[string]string{
				"host": "x"}
		},
		"text in URL": func(c *gateway.TemplateConfig) { c.URL += "?t={text}" },
		"unknown":     func(c *gateway.TemplateConfig) { c.Body = `{"to":"{to}","text":"{text}","k":"{key}"}` },
		"no text":     func(c *gateway.TemplateConfig) { c.Body = `{"to":"{to}"}` },
		"no number":   func(c *gateway.TemplateConfig) { c.Body = `{"text":"{text}"}` },
		"not JSON":    func(c *gateway.TemplateConfig) { c.Body = `{"to":"{to}","text":{text}}` },
		"form without text": func(c *gateway.TemplateConfig) {
			c.Body, c.Kind = "{to}={text}",
				gateway.Form
			c.Body = "a={to}&{text}"
		},
		"kind":        func(c *gateway.TemplateConfig) { c.Kind = "text/xml" },
		"rule":        func(c *gateway.TemplateConfig) { c.Success = []string{"ok"} },
		"empty rule":  func(c *gateway.TemplateConfig) { c.Refused = []string{""} },
		"header":      func(c *gateway.TemplateConfig) { c.Headers = map[string]string{"a b": "x"} },
		"header text": func(c *gateway.TemplateConfig) { c.Headers = map[string]string{"X": "{text}"} },
		"header line": func(c *gateway.TemplateConfig) {
			c.Headers, c.Values = map[string]string{"X": "{k}"}, map[string]string{"k": "hidden\r\nY: z"}
		},
		"AWS": func(c *gateway.TemplateConfig) {
			c.AWS = &gateway.AWS{Region: "a/b", Service: "sns",
				KeyID: "k", Secret: "hidden"}
		},
	} {
		c := good
		change(&c)
		if _, err := gateway.NewTemplate(c); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, keys := range map[string]map[string]string{
		"Pigeon": {}, "Vonage": {"API_KEY": "hidden"}, "Sinch": {"SERVICE_PLAN_ID": "a", "API_TOKEN": "hidden",
			"FROM": "b", "X": "y"},
	} {
		if _, err := gateway.Preset(name, keys); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, region := range []string{"evil.test/", "a.b", "A", "x@y"} {
		c, err := gateway.Preset("Sinch", map[string]string{"SERVICE_PLAN_ID": "a", "API_TOKEN": "t",
			"FROM": "b", "REGION": region})
		if _, err2 := gateway.NewTemplate(c); err == nil && err2 == nil {
			t.Errorf("region %q is accepted", region)
		}
	}
}

// FuzzEscape checks that for any text the request has the same fields and the text is one of their
// values.
func FuzzEscape(f *testing.F) {
	f.Add(awkward)
	f.Add(`","to":"+1`)
	f.Add("&to=1")
	f.Add("{secret}")
	f.Fuzz(func(t *testing.T, text string) {
		var body string
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			raw, _ := io.ReadAll(r.Body)
			body = string(raw)
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, nil
		})}
		for kind, template := range map[string]string{gateway.JSON: `{"to":"{to}","text":"{text}"}`,
			gateway.Form: "to={to}&text={text}"} {
			s, err := gateway.NewTemplate(gateway.TemplateConfig{URL: "https://sms.example.org/", Kind: kind,
				Body:   template,
				Client: client, Values: map[string]string{"secret": "hidden"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550100",
				Text: text}); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			if kind == gateway.JSON {
				if err := json.Unmarshal([]byte(body), &got); err != nil {
					t.Fatalf("%s: %v", body, err)
				}
			} else {
				values, err := url.ParseQuery(body)
				if err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				for k := range values {
					got[k] = values.Get(k)
				}
			}
			if !utf8.ValidString(text) && kind == gateway.JSON {
				got["text"] = text // JSON has no other bytes
			}
			if len(got) != 2 || got["to"] != "+15555550100" || got["text"] != text {
				t.Fatalf("%q became %q", text, body)
			}
		}
	})
}
