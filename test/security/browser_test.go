package security_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// m is a JSON object.
type m = map[string]any

// browser is a client with a cookie jar. It does not follow redirects.
type browser struct {
	w      *world
	n      *node
	jar    map[string]string
	header map[string]string // sent with every request
	bare   bool              // says nothing of where its requests come from
	host   string            // in place of the node's address
}

// browser returns a new browser in front of the first node.
func (w *world) browser() *browser {
	return &browser{w: w, n: w.nodes[0], jar: map[string]string{}, header: map[string]string{}}
}

// copy returns another browser with the same cookies, such as an attacker's or another tab.
func (b *browser) copy() *browser {
	c := *b
	c.jar, c.header = maps.Clone(b.jar), maps.Clone(b.header)
	return &c
}

// on returns a browser with the same cookies in front of another node.
func (b *browser) on(n *node) *browser { b.n = n; return b }

// only keeps the named cookies and drops the others.
func (b *browser) only(names ...string) *browser {
	maps.DeleteFunc(b.jar, func(name, _ string) bool { return !slices.Contains(names, name) })
	return b
}

// answer is a response with its body.
type answer struct {
	w      *world
	what   string
	status int
	header http.Header
	body   string
	json   m // "response" of the envelope
}

// do sends one request. The header lines come in pairs and are added to the usual ones.
func (b *browser) do(method, path, contentType, body string, lines ...string) *answer {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.n.origin+path, strings.NewReader(body))
	b.w.must(err)
	if b.host != "" {
		r.Host = b.host
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if !b.bare {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	var cookies []string
	for _, name := range slices.Sorted(maps.Keys(b.jar)) {
		cookies = append(cookies, name+"="+b.jar[name])
	}
	if len(cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	for k, v := range b.header {
		r.Header.Set(k, v)
	}
	for i := 0; i+1 < len(lines); i += 2 {
		r.Header[http.CanonicalHeaderKey(lines[i])] = append([]string{}, lines[i+1])
	}
	resp, err := b.w.client.Do(r)
	if err != nil {
		b.w.t.Errorf("%s %s: %v", method, path, err)
		return &answer{w: b.w, what: method + " " + path}
	}
	a := b.w.read(method+" "+path, resp)
	b.keep(resp.Cookies())
	return a
}

func (w *world) read(what string, resp *http.Response) *answer {
	w.t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	a := &answer{w: w, what: what, status: resp.StatusCode, header: resp.Header, body: string(raw)}
	fmt.Fprintf(w.replies, "%s -> %d %v\n%s\n", what, resp.StatusCode, resp.Header, raw)
	var envelope struct{ Response m }
	if json.Unmarshal(raw, &envelope) == nil {
		a.json = envelope.Response
	}
	w.mu.Lock()
	for _, line := range resp.Header.Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		w.cookies[name] = append(w.cookies[name], line)
	}
	w.mu.Unlock()
	for _, k := range []string{"tf_authr_b32key", "tf_authr_key", "tf_state_token", "csrf_token"} {
		if v, ok := a.json[k].(string); ok {
			w.handedOut(k, v)
		}
	}
	if user, ok := a.json["user"].(m); ok {
		if v, ok := user["authentication_token"].(string); ok {
			w.handedOut("authentication_token", v)
		}
	}
	return a
}

// keep stores the cookies of Set-Cookie as a browser does.
func (b *browser) keep(cookies []*http.Cookie) {
	for _, c := range cookies {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c.Value
		if !strings.HasSuffix(c.Name, "notes") && !strings.HasSuffix(c.Name, "refused") {
			b.w.handedOut(c.Name+" cookie", c.Value)
		}
	}
}

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// post sends a JSON object, or a text that may be invalid JSON.
func (b *browser) post(path string, body any, lines ...string) *answer {
	b.w.t.Helper()
	raw, ok := body.(string)
	if !ok && body != nil {
		enc, err := json.Marshal(body)
		b.w.must(err)
		raw = string(enc)
	}
	return b.do("POST", path, typeJSON, raw, append([]string{"Accept", typeJSON}, lines...)...)
}

// form posts fields as a page does.
func (b *browser) form(path string, pairs ...string) *answer {
	b.w.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	a := b.do("POST", path, typeForm, v.Encode(), "Accept", "text/html")
	for name := range b.jar {
		if strings.HasSuffix(name, "twofold-refused") && a.status == http.StatusSeeOther {
			return b.page(a.header.Get("Location")) // the page says why it was refused
		}
	}
	return a
}

func (b *browser) get(path string) *answer {
	b.w.t.Helper()
	return b.do("GET", path, "", "", "Accept", typeJSON)
}

func (b *browser) page(path string) *answer {
	b.w.t.Helper()
	return b.do("GET", path, "", "", "Accept", "text/html")
}

// login sends the first factor.
func (b *browser) login(p *person, more ...m) *answer {
	b.w.t.Helper()
	body := m{"email": p.email, "password": secret}
	for _, add := range more {
		maps.Copy(body, add)
	}
	return b.post("/login", body)
}

func (b *browser) validate(code string) *answer {
	b.w.t.Helper()
	return b.post("/tf-validate", m{"code": code})
}

// sees requests the pages behind all guards and returns the answers.
func (b *browser) sees() (user, two string) {
	b.w.t.Helper()
	for _, path := range []string{"/app/user", "/app/two"} {
		for _, accept := range []string{typeJSON, "text/html", "*/*"} {
			a := b.do("GET", path, "", "", "Accept", accept)
			_, who, ok := strings.Cut(a.body, "signed in as ")
			if !ok {
				if a.status == 200 || strings.Contains(a.body, "@good.test") {
					b.w.t.Errorf("GET %s refuses with status %d and says %q", path, a.status, a.body)
				}
				continue
			}
			if path == "/app/user" {
				user = who
			} else {
				two = who
			}
		}
	}
	return user, two
}

// out checks that this browser cannot open any guarded page.
func (b *browser) out(why string) {
	b.w.t.Helper()
	if user, two := b.sees(); user != "" || two != "" {
		b.w.t.Errorf("%s: signed in (%q, %q)", why, user, two)
	}
}

// in checks that this browser is signed in as p, with both factors if level is 2.
func (b *browser) in(p *person, level int) {
	b.w.t.Helper()
	user, two := b.sees()
	want := fmt.Sprintf("%s level %d trusted false", p.email, level)
	if user != want || (level == 2) != (two == want) {
		b.w.t.Errorf("signed in as (%q, %q), want %q", user, two, want)
	}
}

// want checks the status.
func (a *answer) want(status int) *answer {
	a.w.t.Helper()
	if a.status != status {
		a.w.t.Errorf("%s: status %d, want %d: %.300s", a.what, a.status, status, a.body)
	}
	return a
}

// refused checks what holds for every refusal: no success, no cookie that opens anything, and no
// user data.
func (a *answer) refused(why string) *answer {
	a.w.t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasSuffix(c.Name, "twofold") && c.Value != "" || c.Name == "tf_validity" && c.Value != "" {
			a.w.t.Errorf("%s: %s: got cookie %s", why, a.what, c.Name)
		}
	}
	if a.json["user"] != nil || a.status == 0 || a.status >= 500 && a.status != 503 || a.json != nil && a.status < 400 {
		a.w.t.Errorf("%s: %s: status %d: %.300s", why, a.what, a.status, a.body)
	}
	return a
}

// text returns a field of the JSON answer.
func (a *answer) text(name string) string {
	a.w.t.Helper()
	s, ok := a.json[name].(string)
	if !ok {
		a.w.t.Fatalf("%s: no text %q in %.300s", a.what, name, a.body)
	}
	return s
}

// cookie returns the value of a cookie that the answer sets, or "".
func (a *answer) cookie(name string) string {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// raw sends bytes unchanged and reads one response, nil if there is none.
func (w *world) raw(n *node, text string) *answer {
	w.t.Helper()
	c, err := net.DialTimeout("tcp", n.addr, 5*time.Second)
	w.must(err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return nil
	}
	var seen bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &seen)),
		&http.Request{Method: text[:strings.IndexByte(text, ' ')]})
	if err != nil {
		return nil
	}
	a := w.read("raw "+text[:min(len(text), 60)], resp)
	a.body = seen.String()
	return a
}
