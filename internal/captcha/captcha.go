package captcha

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Providers.
const (
	Turnstile = "turnstile"
	HCaptcha  = "hcaptcha"
	ReCAPTCHA = "recaptcha"
	Altcha    = "altcha"
)

// Config describes one captcha. Provider is required. A service also needs SiteKey
// and Secret; Altcha needs Keys and Once.
type Config struct {
	Provider        string
	SiteKey, Secret string
	// VerifyURL is the address at which the service checks answers, and ScriptURL
	// that of its script. If they are empty, the provider's own addresses are used.
	VerifyURL, ScriptURL string
	// Hosts are the host names on which an answer may be given. If it is empty, any
	// may be.
	Hosts []string
	// MinScore is the minimum score of an answer, for reCAPTCHA v3. If it is zero,
	// the keys are those of v2, which has no scores.
	MinScore float64
	// Timeout bounds one request to the service; 5 seconds if zero.
	Timeout time.Duration

	// Cost is the largest number that a browser may have to find for Altcha. A
	// browser tries half of them on average.
	Cost int
	// Keys sign the challenges of Altcha. The newest comes first.
	Keys [][]byte
	// Once reports whether this is its first call with this text in the given time.
	Once func(ctx context.Context, what string, within time.Duration) (bool, error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Problem is a mistake in a Config.
type Problem struct{ Field, Text string }

// service describes a provider.
type service struct {
	field, class      string // of the form's field, and of the widget
	verify, script    string
	scripts, frames   []string // sources from which its pages load
	connects, styles  []string
	languageInScript  bool // it reads the language from the query of the script
	languageAttribute bool // it reads the language from an attribute of the widget
}

func services() map[string]service {
	hcaptcha := []string{"https://hcaptcha.com", "https://*.hcaptcha.com"}
	return map[string]service{
		Turnstile: {
			field: "cf-turnstile-response", class: "cf-turnstile",
			verify:  "https://challenges.cloudflare.com/turnstile/v0/siteverify",
			script:  "https://challenges.cloudflare.com/turnstile/v0/api.js",
			scripts: []string{"https://challenges.cloudflare.com"},
			frames:  []string{"https://challenges.cloudflare.com"}, languageAttribute: true,
		},
		HCaptcha: {
			field: "h-captcha-response", class: "h-captcha",
			verify: "https://api.hcaptcha.com/siteverify", script: "https://js.hcaptcha.com/1/api.js",
			scripts: hcaptcha, frames: hcaptcha, connects: hcaptcha, styles: hcaptcha, languageInScript: true,
		},
		ReCAPTCHA: {
			field: "g-recaptcha-response", class: "g-recaptcha",
			verify:   "https://www.google.com/recaptcha/api/siteverify",
			script:   "https://www.google.com/recaptcha/api.js",
			scripts:  []string{"https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"},
			frames:   []string{"https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"},
			connects: []string{"https://www.google.com/recaptcha/"}, languageInScript: true,
		},
		Altcha: {field: "altcha", class: "altcha"},
	}
}

// Check returns all mistakes in c.
func (c Config) Check() (bad []Problem) {
	add := func(field, text string) { bad = append(bad, Problem{field, text}) }
	known, ok := services()[c.Provider]
	if !ok {
		add("", "must be turnstile, hcaptcha, recaptcha or altcha")
		return bad
	}
	if known.verify == "" {
		for field, value := range map[string]string{
			"SiteKey": c.SiteKey, "Secret": c.Secret, "VerifyURL": c.VerifyURL, "ScriptURL": c.ScriptURL,
		} {
			if value != "" {
				add(field, "has no use: altcha asks no service")
			}
		}
	} else {
		for field, value := range map[string]string{"SiteKey": c.SiteKey, "Secret": c.Secret} {
			if value == "" || len(value) > 256 || strings.ContainsFunc(value, notOfKeys) {
				add(field, "must be the key that the provider shows")
			}
		}
		for field, address := range map[string]string{"VerifyURL": c.VerifyURL, "ScriptURL": c.ScriptURL} {
			if address != "" && !plainURL(address) {
				add(field, "must be an https address without a query (plain http is for localhost only)")
			}
		}
	}
	if c.MinScore != 0 && c.Provider != ReCAPTCHA {
		add("MinScore", "is for recaptcha only")
	}
	slices.SortFunc(bad, func(a, b Problem) int { return strings.Compare(a.Field, b.Field) })
	return bad
}

func notOfKeys(r rune) bool { return r <= ' ' || r > '~' }

// plainURL reports whether an address is https, or http on this machine, and
// consists only of a host and a path.
func plainURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		strings.ContainsAny(raw, " ;,'\"") { // the address becomes part of a policy
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Checker checks answers. It is safe for concurrent use.
type Checker struct {
	c       Config
	service service
	client  *http.Client
}

// New returns the checker of a captcha. It makes no request.
func New(c Config) (*Checker, error) {
	for _, p := range c.Check() {
		return nil, errors.New("captcha: " + p.Field + " " + p.Text)
	}
	k := &Checker{service: services()[c.Provider]}
	if c.Provider == Altcha && (len(c.Keys) == 0 || c.Once == nil || c.Cost <= 0) {
		return nil, errors.New("captcha: altcha needs keys, a cost and a function that records first use")
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for own, address := range map[*string]string{&k.service.verify: c.VerifyURL, &k.service.script: c.ScriptURL} {
		if address != "" {
			*own = address
		}
	}
	if u, err := url.Parse(c.ScriptURL); c.ScriptURL != "" && err == nil {
		origin := u.Scheme + "://" + u.Host
		own := &k.service
		for _, list := range []*[]string{&own.scripts, &own.frames, &own.connects, &own.styles} {
			*list = append(slices.Clone(*list), origin)
		}
	}
	k.c = c
	k.client = &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return k, nil
}

// Field returns the name of the form field that contains the answer.
func (k *Checker) Field() string { return k.service.field }

// Check reports whether an answer from an address is right and was given for the
// action. An error means that this could not be determined.
func (k *Checker) Check(ctx context.Context, answer, action, address string) (bool, error) {
	if k.c.Provider == Altcha {
		return k.checkAltcha(ctx, answer)
	}
	return k.ask(ctx, answer, action, address)
}

// Policy returns the sources from which a page with the captcha may load, as
// directives of a Content-Security-Policy that begin with a semicolon.
func (k *Checker) Policy() string {
	var b strings.Builder
	for _, d := range []struct {
		name    string
		self    bool
		sources []string
	}{
		{"script-src", true, k.service.scripts}, {"frame-src", false, k.service.frames},
		{"connect-src", true, k.service.connects}, {"style-src", true, k.service.styles},
	} {
		if len(d.sources) == 0 {
			continue
		}
		b.WriteString("; " + d.name)
		if d.self {
			b.WriteString(" 'self'")
		}
		b.WriteString(" " + strings.Join(d.sources, " "))
	}
	return b.String()
}

// Widget is the captcha on a page.
type Widget struct {
	Provider string
	Field    string // name of the field with the answer
	Class    string // of the element into which the provider's script draws
	SiteKey  string
	Script   string // address of that script, if any
	Action   string // for which the answer must be given
	Language string // attribute of the element; empty if the script sets the language
	Scored   bool   // nothing is shown: the answer is made when the form is sent
	// Challenge is the challenge of Altcha, as JSON.
	Challenge string
}

// Widget returns the captcha of a page, for an action and in a language.
func (k *Checker) Widget(action, language string) (Widget, error) {
	if language == "zh-Hans" {
		language = "zh-CN" // the name that all providers use
	}
	w := Widget{
		Provider: k.c.Provider, Field: k.service.field, Class: k.service.class, SiteKey: k.c.SiteKey,
		Action: actionName(action), Script: k.service.script, Scored: k.c.MinScore > 0,
	}
	if k.c.Provider == Altcha {
		var err error
		w.Challenge, err = k.challenge()
		return w, err
	}
	query := url.Values{}
	if k.service.languageInScript {
		query.Set("hl", language)
	}
	if k.service.languageAttribute {
		w.Language = language
	}
	if w.Scored {
		query.Set("render", k.c.SiteKey)
	}
	if len(query) > 0 {
		w.Script += "?" + query.Encode()
	}
	return w, nil
}

// actionName returns an action in the form that all providers accept: letters and
// underscores.
func actionName(action string) string { return strings.ReplaceAll(action, "-", "_") }
