package captcha

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	siteKey  = "10000000-ffff-ffff-ffff-000000000001"
	keptBack = "0x-a-secret-of-this-test"
)

// fake is a service whose response a test sets.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	forms []url.Values
	say   http.HandlerFunc
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.mu.Lock()
		f.forms = append(f.forms, r.PostForm)
		say := f.say
		f.mu.Unlock()
		say(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) says(status int, body string) {
	f.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func (f *fake) does(say http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.say = say
}

func (f *fake) config(provider string) Config {
	return Config{
		Provider: provider, SiteKey: siteKey, Secret: keptBack, VerifyURL: f.URL + "/siteverify",
		Hosts: []string{"example.org", "app.example.org"}, Timeout: time.Second,
	}
}

func checker(t *testing.T, c Config) *Checker {
	t.Helper()
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Verdicts of the checker.
const (
	takes  = "taken"
	wrong  = "wrong"
	broken = "broken"
)

func asked(k *Checker, answer, action string) (string, error) {
	ok, err := k.Check(context.Background(), answer, action, "192.0.2.1")
	switch {
	case err != nil:
		return broken, err
	case ok:
		return takes, nil
	}
	return wrong, nil
}

// TestR380_AnAnswerIsJudgedByItsService checks that each service's response is
// understood, and that an answer is accepted only for its host and its form. An
// error that a user cannot resolve, and a response in another format, do not count
// against the user.
func TestR380_AnAnswerIsJudgedByItsService(t *testing.T) {
	rows := []struct {
		provider string
		status   int
		body     string
		want     string
	}{
		{Turnstile, 200, `{"success":true,"hostname":"example.org","challenge_ts":"2026-01-01T00:00:00Z",` +
			`"error-codes":[],"action":"sign_in","cdata":"x","metadata":{"interactive":false}}`, takes},
		{Turnstile, 200, `{"success":true,"hostname":"Example.ORG","error-codes":[]}`, takes},
		{Turnstile, 200, `{"success":true,"hostname":"app.example.org","action":"sign_in"}`, takes},
		{Turnstile, 200, `{"success":true,"hostname":"example.org","action":"register"}`, wrong},
		{Turnstile, 200, `{"success":true,"hostname":"example.org.evil.test"}`, wrong},
		{Turnstile, 200, `{"success":true,"hostname":"evil.test"}`, wrong},
		{Turnstile, 200, `{"success":true}`, wrong},
		{Turnstile, 200, `{"success":false,"error-codes":["timeout-or-duplicate"]}`, wrong},
		{Turnstile, 400, `{"success":false,"error-codes":["invalid-input-response"],"messages":[]}`, wrong},
		{Turnstile, 200, `{"success":false,"error-codes":["invalid-input-secret"]}`, broken},
		{Turnstile, 200, `{"success":false,"error-codes":["timeout-or-duplicate","internal-error"]}`, broken},
		{HCaptcha, 200, `{"success":true,"hostname":"example.org","credit":true,"challenge_ts":"2026-01-01"}`, takes},
		{HCaptcha, 200, `{"success":false,"error-codes":["invalid-or-already-seen-response"]}`, wrong},
		{HCaptcha, 200, `{"success":false,"error-codes":["sitekey-secret-mismatch"]}`, broken},
		{ReCAPTCHA, 200, `{"success":true,"hostname":"example.org","challenge_ts":"2026-01-01T00:00:00Z"}`, takes},
		{ReCAPTCHA, 200, `{"success": false, "error-codes": ["missing-input-response"]}`, wrong},
		{ReCAPTCHA, 200, `{"success": false, "error-codes": ["missing-input-secret"]}`, broken},
		{ReCAPTCHA, 200, `{"success":false}`, wrong},
		// Responses in another format.
		{ReCAPTCHA, 200, ``, broken},
		{ReCAPTCHA, 200, `true`, broken},
		{ReCAPTCHA, 200, `{}`, broken},
		{ReCAPTCHA, 200, `{"success":null}`, broken},
		{ReCAPTCHA, 200, `{"success":"true","hostname":"example.org"}`, broken},
		{ReCAPTCHA, 200, `{"success":true,"hostname":"example.org"} {}`, broken},
		{ReCAPTCHA, 200, `[{"success":true,"hostname":"example.org"}]`, broken},
		{ReCAPTCHA, 200, `<html>success</html>`, broken},
		{ReCAPTCHA, 500, `{"success":true,"hostname":"example.org"}`, broken},
		{ReCAPTCHA, 404, `{"success":true,"hostname":"example.org"}`, broken},
		{ReCAPTCHA, 503, `{"success":false,"error-codes":["timeout-or-duplicate"]}`, broken},
		{ReCAPTCHA, 429, `{"success":false}`, broken},
		{ReCAPTCHA, 204, ``, broken},
		{ReCAPTCHA, 200, `{"success":true,"hostname":"example.org","x":"` + strings.Repeat("a", 70<<10) + `"}`, broken},
	}
	f := newFake(t)
	for _, row := range rows {
		f.says(row.status, row.body)
		got, err := asked(checker(t, f.config(row.provider)), "answer", "sign-in")
		if got != row.want {
			t.Errorf("%s, status %d, %.80s: %s (%v), want %s", row.provider, row.status, row.body, got, err, row.want)
		}
		if err != nil && (strings.Contains(err.Error(), keptBack) || strings.Contains(err.Error(), "answer\"")) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

// TestR380_TheRequestToTheService checks that secret, answer and address are sent by
// POST, and the site key if the service compares it.
func TestR380_TheRequestToTheService(t *testing.T) {
	f := newFake(t)
	f.says(200, `{"success":true,"hostname":"example.org"}`)
	for provider, field := range map[string]string{
		Turnstile: "cf-turnstile-response", HCaptcha: "h-captcha-response", ReCAPTCHA: "g-recaptcha-response",
	} {
		f.forms = nil
		k := checker(t, f.config(provider))
		if got, err := asked(k, "token-"+provider, "register"); got != takes {
			t.Fatalf("%s: %s, %v", provider, got, err)
		}
		want := url.Values{"secret": {keptBack}, "response": {"token-" + provider}, "remoteip": {"192.0.2.1"}}
		if provider == HCaptcha {
			want.Set("sitekey", siteKey)
		}
		if len(f.forms) != 1 || f.forms[0].Encode() != want.Encode() {
			t.Errorf("%s is asked %v, want %v", provider, f.forms, want)
		}
		if k.Field() != field {
			t.Errorf("the field of %s is %s", provider, k.Field())
		}
		for _, answer := range []string{"", "a b", "a\nb", "ä", strings.Repeat("a", maxAnswer+1)} {
			if got, err := asked(k, answer, "register"); got != wrong {
				t.Errorf("%.10q is %s, %v", answer, got, err)
			}
		}
		if len(f.forms) != 1 {
			t.Error("the service is asked about what cannot be an answer")
		}
	}
}

// TestR380_AScoreIsCompared checks the score for keys of reCAPTCHA v3.
func TestR380_AScoreIsCompared(t *testing.T) {
	f := newFake(t)
	c := f.config(ReCAPTCHA)
	c.MinScore = 0.5
	k := checker(t, c)
	for score, want := range map[string]string{
		`"score":0.9`: takes, `"score":0.5`: takes, `"score":0.49`: wrong, `"score":0`: wrong, `"score":-1`: wrong,
		`"x":1`: broken, `"score":null`: broken, `"score":"0.9"`: broken,
	} {
		f.says(200, `{"success":true,"hostname":"example.org","action":"register",`+score+`}`)
		if got, err := asked(k, "answer", "register"); got != want {
			t.Errorf("%s is %s (%v), want %s", score, got, err, want)
		}
	}
	if w, err := k.Widget("register", "de"); err != nil || !w.Scored ||
		w.Script != "https://www.google.com/recaptcha/api.js?hl=de&render="+siteKey {
		t.Errorf("%+v, %v", w, err)
	}
	if w, err := k.Widget("register", "zh-Hans"); err != nil || !strings.Contains(w.Script, "?hl=zh-CN&") {
		t.Errorf("Chinese is asked for so: %s, %v", w.Script, err)
	}
}

// TestR381_ABrokenServiceIsWaitedForBriefly checks that redirects are not followed,
// that the wait for a service is bounded, and that neither counts against the user.
func TestR381_ABrokenServiceIsWaitedForBriefly(t *testing.T) {
	f, yes := newFake(t), newFake(t)
	yes.says(200, `{"success":true,"hostname":"example.org"}`)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for name, say := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, yes.URL, http.StatusTemporaryRedirect)
		},
		"slow": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"success":true,"hostname":"example.org"`)
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 8<<10)); err != nil {
					return
				}
			}
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"success":true,"hostname":"example.org"}`)
		},
	} {
		f.does(say)
		c := f.config(Turnstile)
		c.Timeout = 300 * time.Millisecond
		begin := time.Now()
		if got, err := asked(checker(t, c), "answer", "register"); got != broken || time.Since(begin) > 10*time.Second {
			t.Errorf("%s: %s after %v, %v", name, got, time.Since(begin), err)
		}
	}
	if len(yes.forms) > 0 {
		t.Error("the secret follows a redirect")
	}
	c := f.config(Turnstile)
	f.Close()
	got, err := asked(checker(t, c), "answer", "register")
	if got != broken || strings.Contains(err.Error(), keptBack) {
		t.Errorf("a service that is gone: %s, %v", got, err)
	}
}

// TestProbeFindsAWrongSecret checks that Probe distinguishes a wrong secret from a
// wrong answer.
func TestProbeFindsAWrongSecret(t *testing.T) {
	f := newFake(t)
	k := checker(t, f.config(Turnstile))
	f.says(200, `{"success":false,"error-codes":["invalid-input-response"]}`)
	if err := k.Probe(context.Background()); err != nil {
		t.Error(err)
	}
	f.says(200, `{"success":false,"error-codes":["invalid-input-secret"]}`)
	if err := k.Probe(context.Background()); err == nil || !strings.Contains(err.Error(), "invalid-input-secret") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// TestEveryMistakeOfAConfigIsNamed checks that each mistake is reported with its
// field.
func TestEveryMistakeOfAConfigIsNamed(t *testing.T) {
	good := Config{Provider: Turnstile, SiteKey: "a", Secret: "b"}
	if bad := good.Check(); len(bad) > 0 {
		t.Error(bad)
	}
	for want, change := range map[string]func(*Config){
		"":                  func(c *Config) { c.Provider = "other" },
		"SiteKey":           func(c *Config) { c.SiteKey = "" },
		"Secret":            func(c *Config) { c.Secret = "a b" },
		"VerifyURL":         func(c *Config) { c.VerifyURL = "http://example.org/" },
		"ScriptURL":         func(c *Config) { c.ScriptURL = "https://example.org/;x" },
		"ScriptURL ":        func(c *Config) { c.ScriptURL = "https://example.org/?render=x" },
		"MinScore":          func(c *Config) { c.MinScore = 0.5 },
		"Secret SiteKey":    func(c *Config) { c.Provider = Altcha },
		"SiteKey VerifyURL": func(c *Config) { c.Provider, c.Secret, c.VerifyURL = Altcha, "", "https://b.test" },
	} {
		c := good
		change(&c)
		var got []string
		for _, p := range c.Check() {
			got = append(got, p.Field)
		}
		if slices.Sort(got); strings.Join(got, " ") != strings.TrimSpace(want) || len(got) == 0 {
			t.Errorf("%+v: %v, want %q", c, c.Check(), want)
		}
	}
}

// TestPagesMayLoadWhatTheServiceNeeds checks that pages may load what the service
// needs, and nothing else.
func TestPagesMayLoadWhatTheServiceNeeds(t *testing.T) {
	for provider, want := range map[string]string{
		Turnstile: "; script-src 'self' https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com",
		HCaptcha: "; script-src 'self' https://hcaptcha.com https://*.hcaptcha.com" +
			"; frame-src https://hcaptcha.com https://*.hcaptcha.com" +
			"; connect-src 'self' https://hcaptcha.com https://*.hcaptcha.com" +
			"; style-src 'self' https://hcaptcha.com https://*.hcaptcha.com",
		ReCAPTCHA: "; script-src 'self' https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/" +
			"; frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/" +
			"; connect-src 'self' https://www.google.com/recaptcha/",
	} {
		c := Config{Provider: provider, SiteKey: "a", Secret: "b"}
		if got := checker(t, c).Policy(); got != want {
			t.Errorf("%s: %s", provider, got)
		}
		c.ScriptURL = "https://mirror.test/x/api.js"
		k := checker(t, c)
		if got := k.Policy(); strings.Count(got, " https://mirror.test") != 4 || strings.Contains(got, "unsafe") {
			t.Errorf("%s: %s", provider, got)
		}
		w, err := k.Widget("sign-in", "en")
		if err != nil || !strings.HasPrefix(w.Script, c.ScriptURL) || w.Action != "sign_in" {
			t.Errorf("%s: %+v, %v", provider, w, err)
		}
	}
}

func TestASecretIsNotPrinted(t *testing.T) {
	var b bytes.Buffer
	k := checker(t, Config{Provider: Turnstile, SiteKey: siteKey, Secret: keptBack})
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "k", k)
	fmt.Fprintf(&b, "%v %+v %#v %s", k, k, k, k)
	if strings.Contains(b.String(), keptBack) {
		t.Error(b.String())
	}
}
