package testkit

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The types of the bodies that browsers send.
const (
	TypeJSON = "application/json"
	TypeForm = "application/x-www-form-urlencoded"
)

// Browser is a client with a cookie jar. It does not follow redirects. Site.NewBrowser returns one
// for a site in this process, NewBrowser one for any address.
type Browser struct {
	T       testing.TB
	Client  *http.Client
	Origin  string                  // of the site
	Host    string                  // sent in place of the origin's, if set
	Header  map[string]string       // sent with every request
	Bare    bool                    // does not say where its requests come from, like a program
	Jar     map[string]string       // values of cookies
	Set     map[string]*http.Cookie // cookies as they were set last
	Clock   *Clock                  // if set, cookies end by it; otherwise they are sent forever
	Context context.Context         // of requests; if nil, that of T
	Seen    func(*Answer)           // is called with every answer, if set
	Lost    bool                    // answers may get lost: their status is 0 then

	ends map[string]time.Time
}

// NewBrowser returns a browser without cookies.
func NewBrowser(t testing.TB, client *http.Client, origin string) *Browser {
	return &Browser{T: t, Client: client, Origin: origin, Header: map[string]string{}, Jar: map[string]string{},
		Set: map[string]*http.Cookie{}, ends: map[string]time.Time{}}
}

// Copy returns another browser with the same cookies, such as an attacker's or another tab.
func (b *Browser) Copy() *Browser {
	c := *b
	c.Header, c.Jar, c.Set, c.ends = maps.Clone(b.Header), maps.Clone(b.Jar), maps.Clone(b.Set), maps.Clone(b.ends)
	return &c
}

// Send sends a request and leaves the cookies as they are. A path may be a complete address. The
// header lines come in pairs and replace the usual ones.
func (b *Browser) Send(method, path, contentType, body string, lines ...string) *Answer {
	b.T.Helper()
	what := method + " " + path
	if !strings.HasPrefix(path, "http") {
		path = b.Origin + path
	}
	ctx := b.Context
	if ctx == nil {
		ctx = b.T.Context()
	}
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		b.T.Fatal(err)
	}
	b.dress(r, contentType, lines)
	resp, err := b.Client.Do(r)
	a := &Answer{T: b.T, What: what}
	if err == nil {
		a, err = ReadAnswer(b.T, what, resp)
	}
	switch {
	case err != nil && !b.Lost:
		b.T.Errorf("%s: %v", what, err)
	case err == nil && b.Seen != nil:
		b.Seen(a)
	}
	return a
}

// dress sets the header of a request.
func (b *Browser) dress(r *http.Request, contentType string, lines []string) {
	if b.Host != "" {
		r.Host = b.Host
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if !b.Bare {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	var cookies []string
	for _, name := range slices.Sorted(maps.Keys(b.Jar)) {
		if end, ok := b.ends[name]; !ok || b.Clock == nil || b.Clock.Now().Before(end) {
			cookies = append(cookies, name+"="+b.Jar[name])
		}
	}
	if len(cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	for k, v := range b.Header {
		r.Header.Set(k, v)
	}
	for i := 0; i+1 < len(lines); i += 2 {
		r.Header[http.CanonicalHeaderKey(lines[i])] = []string{lines[i+1]}
	}
}

// Keep stores the cookies of an answer as a browser does.
func (b *Browser) Keep(a *Answer) {
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.Jar, c.Name)
			delete(b.Set, c.Name)
			continue
		}
		b.Jar[c.Name], b.Set[c.Name] = c.Value, c
		delete(b.ends, c.Name)
		if b.Clock != nil && c.MaxAge > 0 {
			b.ends[c.Name] = b.Clock.Now().Add(time.Duration(c.MaxAge) * time.Second)
		}
	}
}

// Only keeps the named cookies and drops the others.
func (b *Browser) Only(names ...string) {
	maps.DeleteFunc(b.Jar, func(name, _ string) bool { return !slices.Contains(names, name) })
}

// Do sends a request and keeps the cookies of the answer.
func (b *Browser) Do(method, path, contentType, body string, lines ...string) *Answer {
	b.T.Helper()
	a := b.Send(method, path, contentType, body, lines...)
	b.Keep(a)
	return a
}

// Post sends a JSON object, or a text that may be invalid JSON.
func (b *Browser) Post(path string, body any, lines ...string) *Answer {
	b.T.Helper()
	raw, ok := body.(string)
	if !ok && body != nil {
		enc, err := json.Marshal(body)
		if err != nil {
			b.T.Fatal(err)
		}
		raw = string(enc)
	}
	return b.Do(http.MethodPost, path, TypeJSON, raw, append([]string{"Accept", TypeJSON}, lines...)...)
}

// Form posts pairs of names and values as a page does. If the form is refused, it returns the page
// that says why.
func (b *Browser) Form(path string, pairs ...string) *Answer {
	b.T.Helper()
	a := b.Do(http.MethodPost, path, TypeForm, Fields(pairs), "Accept", "text/html")
	for name := range b.Jar {
		if strings.HasSuffix(name, "twofold-refused") && a.Status == http.StatusSeeOther {
			return b.Page(a.Header.Get("Location"))
		}
	}
	return a
}

// Fields encodes pairs of names and values as a form.
func Fields(pairs []string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// Get requests JSON.
func (b *Browser) Get(path string) *Answer {
	b.T.Helper()
	return b.Do(http.MethodGet, path, "", "", "Accept", TypeJSON)
}

// Page requests a page.
func (b *Browser) Page(path string) *Answer {
	b.T.Helper()
	return b.Do(http.MethodGet, path, "", "", "Accept", "text/html")
}
