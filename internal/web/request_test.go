package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/i18n"
)

var taken = fields{"code": digits, "email": text, "password": text, "remember": flag}

func read(contentType, body string) (form, *failure) {
	r := httptest.NewRequest(http.MethodPost, "/x?code=999999&email=query", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	f, _, fl := readForm(httptest.NewRecorder(), r, taken)
	return f, fl
}

func TestJSONIsOneFlatObjectOfExactTypes(t *testing.T) {
	for _, body := range []string{
		`[]`, `[{"code":"1"}]`, `"code"`, `1`, `null`, `{`, `{"code"}`, `{"code":}`, `{"code":"1"`, `{"code":"1"}{}`,
		`{"code":"1"}x`,
		`{"code":"bad","code":"good"}`, `{"code":"bad","CODE":"good"}`, `{"Code":"1"}`, `{"email":0}`,
		`{"email":123456}`, `{"code":true}`, `{"code":1234567}`,
		`{"code":-1}`, `{"code":1.5}`, `{"code":123456.0}`, `{"code":1e5}`, `{"code":0123}`, `{"code":-0}`,
		`{"code":123456,"code":"1"}`,
		`{"code":[]}`, `{"code":["x"]}`, `{"code":{}}`, `{"code":{"$ne":null}}`, `{"code":"\ud800"}`,
		`{"code":"\u0000"}`, "{\"code\":\"\xff\"}",
		"\xef\xbb\xbf{}", `{"code":NaN}`, `{"remember":1}`, `{"remember":{}}`, `{/*c*/"code":"1"}`,
		`{"other":{}}`, `{"other":[]}`, `{"other":["x"]}`, `{"other":1,"other":1}`, `{"other":"\u0000"}`,
		`{"other":"\u001b"}`, `{"other":"\ud800"}`,
		`{"o\u0000":1}`, `{"\ufffd":1}`, `{"code[]":"1"}`, `{"code[0]":1}`, `{"Email":null}`,
		`{"next":1}`, `{"csrf_token":[]}`, strings.Repeat(`{"code":`, 100_000/8),
		`{"email":"` + strings.Repeat("a", 2000) + `"}`,
	} {
		_, fl := read("application/json", body)
		if fl == nil || fl.status < 400 || fl.status > 499 {
			t.Errorf("%.60s is taken (%v)", body, fl)
		}
	}
	f, fl := read("application/json; charset=utf-8",
		`{"code":"1 2","email":null,"remember":"false","next":"/x","csrf_token":"t"}`)
	if fl != nil || f.text("code") != "1 2" || f.text("email") != "" || f.flag("remember") || f.text("next") != "/x" {
		t.Errorf("%v %v", f, fl)
	}
	f, fl = read("application/json",
		`{"code":"1","submit_send_code":"Send Code","help_setup":"","user_id":7,"admin":true,"extra":null,"area":"a\r\nb"}`)
	if fl != nil || f.text("code") != "1" || len(f.texts) != 1 || len(f.flags)+len(f.lists) != 0 ||
		len(f.ignored) != 6 {
		t.Errorf("a field that is not known: %v %v", f, fl)
	}
	for number, want := range map[string]string{"123456": "123456", "12345": "012345", "7": "000007", "0": "",
		" 999999 ": "999999"} {
		if f, fl := read("application/json", `{"code":`+number+`}`); fl != nil || f.text("code") != want {
			t.Errorf("the number %s is %q, want %s (%v)", number, f.text("code"), want, fl)
		}
	}
	if f, _ := read("application/json", `{"remember":null}`); f.flag("remember") {
		t.Error("remember: null is taken for true")
	}
	if f, _ := read("application/json", `{"remember":true}`); !f.flag("remember") {
		t.Error("remember: true is not")
	}
}

func TestFieldsComeFromTheBodyOnceAndNeverFromTheQuery(t *testing.T) {
	const urlencoded = "application/x-www-form-urlencoded"
	f, fl := read(urlencoded, "email=a%40lp.com&remember=y")
	if fl != nil || f.text("email") != "a@lp.com" || f.text("code") != "" || !f.flag("remember") {
		t.Errorf("%v %v", f, fl)
	}
	for _, body := range []string{"code=1&code=2", "code[]=1", "code=1&role=admin&role=user", "code=1&Code=2",
		"other=%00", "other=%1b", "%00=1", "other=%ff", "code=%ZZ", "code=%ff", "code=%00", "code=1;email=2",
		"email=" + strings.Repeat("a", 2000)} {
		if _, fl := read(urlencoded, body); fl == nil {
			t.Errorf("%.40s is taken", body)
		}
	}
	f, fl = read(urlencoded, "code=1&submit_send_code=Send+Code&csrf_token=x&role=admin")
	if fl != nil || f.text("code") != "1" || f.text("csrf_token") != "x" || len(f.texts) != 2 || len(f.ignored) != 2 {
		t.Errorf("a field that is not known: %v %v", f, fl)
	}
	if _, fl := read(urlencoded, "code="+strings.Repeat("1", 70<<10)); fl == nil ||
		fl.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 70 KiB: %v", fl)
	}
}

func TestOnlyTheDeclaredTypesAreRead(t *testing.T) {
	for _, ct := range []string{"", "text/plain", "application/jsonp", "application/json; charset=utf-16",
		"application/xml", "multipart/form-data", "x", "text/json"} {
		if _, fl := read(ct, `{"code":"1"}`); fl == nil {
			t.Errorf("%q is read", ct)
		}
	}
	for _, ct := range []string{"application/json", "application/vnd.x+json", "Application/JSON;charset=UTF-8"} {
		if f, fl := read(ct, `{"code":"1"}`); fl != nil || f.text("code") != "1" {
			t.Errorf("%q: %v", ct, fl)
		}
	}
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	_ = m.WriteField("code", "123456")
	_ = m.Close()
	if f, fl := read(m.FormDataContentType(), b.String()); fl != nil || f.text("code") != "123456" {
		t.Errorf("multipart: %v", fl)
	}
	b.Reset()
	m = multipart.NewWriter(&b)
	_, _ = m.CreateFormFile("code", "x.txt")
	_ = m.Close()
	if _, fl := read(m.FormDataContentType(), b.String()); fl == nil {
		t.Error("a file is taken")
	}
}

func TestJSONIsChosenByAccept(t *testing.T) {
	for _, row := range []struct {
		contentType, accept string
		want                bool
	}{
		{"application/json", "", true}, {"application/x+json", "text/html", true}, {"", "application/json", true},
		{"", "application/json, text/html", true}, {"", "text/html, application/json", false}, {"", "*/*", false},
		{"", "", false},
		{"", "application/vnd.x+json", false}, {"", "text/html;q=0.5, application/json;q=0.9", true},
		{"", "application/json;q=0", false},
		{"application/x-www-form-urlencoded", "application/json", true}, {"", ",,;;q=x", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Content-Type", row.contentType)
		r.Header.Set("Accept", row.accept)
		if got := wantsJSON(r); got != row.want {
			t.Errorf("%q, %q: %v", row.contentType, row.accept, got)
		}
	}
}

// R114: the client cannot choose the client address.
func TestClientAddressComesFromTheSocketOrTrustedHops(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, row := range []struct {
		peer, forwarded, want string
	}{
		{"192.0.2.1:5", "", "192.0.2.1"}, {"192.0.2.1:5", "8.8.8.8", "192.0.2.1"},
		{"10.0.0.1:5", "203.0.113.9", "203.0.113.9"}, {"10.0.0.1:5", "1.1.1.1, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:5", "203.0.113.9, 10.2.3.4", "203.0.113.9"}, {"10.0.0.1:5", "junk", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, junk, 10.1.1.1", "10.1.1.1"}, {"10.0.0.1:5", "", "10.0.0.1"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"}, {"[2001:db8::1%eth0]:5", "", "2001:db8::1"}, {"", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = row.peer
		for _, h := range []string{"Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"} {
			r.Header.Set(h, "9.9.9.9")
		}
		if row.forwarded != "" {
			r.Header.Set("X-Forwarded-For", row.forwarded)
		}
		if got := ClientAddress(r, proxies); got != row.want {
			t.Errorf("%s behind %q: %s, want %s", row.forwarded, row.peer, got, row.want)
		}
	}
}

func TestJSONAnswersAreASCII(t *testing.T) {
	w := httptest.NewRecorder()
	writeJSON(w, 200, map[string]any{"b": "ü😀<", "a": 1})
	if got, want := w.Body.String(), `{"meta":{"code":200},"response":{"a":1,"b":"\u00fc\ud83d\ude00<"}}`+
		"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzReadForm(f *testing.F) {
	f.Add("application/json", `{"code":"1","remember":true}`)
	f.Add("application/x-www-form-urlencoded", "code=1&remember=on")
	f.Add("multipart/form-data; boundary=x",
		"--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n1\r\n--x--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		if strings.ContainsAny(contentType, "\r\n") {
			return
		}
		got, fl := read(contentType, body)
		if fl != nil {
			if fl.status < 400 || fl.status > 499 {
				t.Fatalf("status %d", fl.status)
			}
			return
		}
		for name, v := range got.texts {
			if _, ok := lookup(name, taken); !ok || strings.ContainsRune(v, 0) {
				t.Fatalf("took %q = %q", name, v)
			}
		}
	})
}

func FuzzCookiesAndHeaders(f *testing.F) {
	f.Add("twofold=x", "application/json", "de;q=0.5", "x")
	f.Fuzz(func(t *testing.T, cookie, accept, lang, token string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"], r.Header["Accept"] = []string{cookie}, []string{accept}
		r.Header["X-Forwarded-For"] = []string{token}
		wantsJSON(r)
		ClientAddress(r, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")})
		j := jar{secure: true}
		j.get(r, j.session())
		if c, err := i18n.NewCatalogue(nil); err == nil {
			c.For(lang, token)
		}
		_ = withNext("/x", (&url.URL{Path: token}).String())
	})
}
