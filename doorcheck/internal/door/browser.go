// Package door provides what all attacks need: browsers, a mailbox, authenticator apps, a proxy
// with TLS, and the steps that a site offers.
package door

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// fromHeader is the header that sets a browser's client address at the proxy.
const fromHeader = "Doorcheck-From"

// Browser is a browser or a program of one person. It is not safe for concurrent use; Clone returns
// another one with the same cookies.
type Browser struct {
	Origin  string // of the site
	From    string // the client address, where our own proxy stands in front
	Foreign bool   // requests are caused by a page of another site
	Host    string // replaces the Host header
	Page    string // replaces the origin of the page that sends requests
	Token   string // the newest header token that the site handed out
	Vars    map[string]string

	mu  sync.Mutex
	jar map[string]*http.Cookie
	Set []*http.Cookie // every cookie that was set, with its attributes
}

// Answer is a site's response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any // nil if the body is not a JSON object
}

// Text returns the text at a path of keys of the JSON body.
func (a *Answer) Text(keys ...string) string {
	var at any = a.JSON
	for _, key := range keys {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[key]
	}
	s, _ := at.(string)
	return s
}

// OK reports whether the status is below 400.
func (a *Answer) OK() bool { return a.Status < 400 }

// shared keeps connections. It does not follow redirects. It trusts the certificates of the proxy.
var shared = &http.Transport{
	TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
	MaxIdleConnsPerHost: 32, IdleConnTimeout: 20 * time.Second,
}

// Trace, if set, is called with every request and its answer.
var Trace func(line string)

// patience is the timeout of one request.
const patience = 30 * time.Second

// NewBrowser returns a browser without cookies.
func NewBrowser(origin, from string) *Browser {
	return &Browser{Origin: origin, From: from, jar: map[string]*http.Cookie{}, Vars: map[string]string{}}
}

// Clone returns another browser with a copy of the cookies, as an attacker with stolen cookies has
// them.
func (b *Browser) Clone() *Browser {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := NewBrowser(b.Origin, b.From)
	c.jar, c.Vars, c.Token, c.Host = maps.Clone(b.jar), maps.Clone(b.Vars), b.Token, b.Host
	return c
}

// Close ends the browser session: only persistent cookies are kept.
func (b *Browser) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.jar, func(_ string, c *http.Cookie) bool { return c.MaxAge == 0 && c.Expires.IsZero() })
	b.Vars, b.Token = map[string]string{}, ""
}

// Forget removes all cookies.
func (b *Browser) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jar, b.Vars, b.Token = map[string]*http.Cookie{}, map[string]string{}, ""
}

// Cookie returns the value of a cookie.
func (b *Browser) Cookie(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.jar[name]; c != nil {
		return c.Value
	}
	return ""
}

// Do sends a request. A body of url.Values is sent as a form, any other body
// that is not nil as JSON. Headers come in pairs.
func (b *Browser) Do(method, path string, body any, headers ...string) (*Answer, error) {
	target := path
	if !strings.Contains(path, "://") {
		target = b.Origin + path
	}
	var reader io.Reader
	kind := ""
	switch body := body.(type) {
	case nil:
	case url.Values:
		reader, kind = strings.NewReader(body.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader, kind = bytes.NewReader(raw), "application/json"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	b.dress(r)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.send(r)
}

// dress adds the headers that a browser sends.
func (b *Browser) dress(r *http.Request) {
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if b.From != "" {
		r.Header.Set(fromHeader, b.From)
	}
	if b.Host != "" {
		r.Host = b.Host
	}
	origin, fetch := b.Origin, "same-origin"
	switch {
	case b.Host != "": // the attacker's own request
		origin = "https://" + b.Host
	case b.Page != "":
		origin, fetch = b.Page, "same-site"
	case b.Foreign:
		origin, fetch = "https://evil.example", "cross-site"
	}
	r.Header.Set("Referer", origin+"/")
	r.Header.Set("Sec-Fetch-Site", fetch)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Header.Set("Origin", origin)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.jar {
		if !b.Foreign || crosses(c, r.Method) {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
}

// crosses reports whether a browser sends a cookie with a navigation from a page of another site.
// Firefox and Safari send cookies without SameSite.
func crosses(c *http.Cookie, method string) bool {
	switch c.SameSite {
	case http.SameSiteStrictMode:
		return false
	case http.SameSiteLaxMode:
		return method == http.MethodGet || method == http.MethodHead
	default:
		return true
	}
}

func (b *Browser) send(r *http.Request) (*Answer, error) {
	w, err := shared.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(w.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	a := &Answer{Status: w.StatusCode, Header: w.Header, Body: string(raw)}
	_ = json.Unmarshal(raw, &a.JSON) // a page is not JSON
	if Trace != nil {
		Trace(fmt.Sprintf("%s %s: %d %.300s", r.Method, r.URL.Path, a.Status, strings.Join(strings.Fields(a.Body),
			" ")))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range w.Cookies() {
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) || c.Value == "" {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c
	}
	return a, nil
}

// Cookies returns the current cookies with their attributes.
func (b *Browser) Cookies() []*http.Cookie {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.jar))
}

// Keep stores a copy of a cookie.
func (b *Browser) Keep(c *http.Cookie) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := *c
	b.jar[c.Name] = &kept
}

// Drop removes one cookie.
func (b *Browser) Drop(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.jar, name)
}
