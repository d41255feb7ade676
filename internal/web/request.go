package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the size of a request (R126).
const (
	maxBody  = 64 << 10
	maxField = 1 << 10
	maxLong  = 16 << 10 // answer of an authenticator
	maxList  = 32
)

// kind is the type of a field; the zero value is text.
type kind int

const (
	text kind = iota
	flag
	long   // text of up to maxLong
	list   // list of texts: an array in JSON, a repeated field in a form
	digits // text; in JSON also a number, which means its six digits
)

// fields contains the names and types of a step's fields. Other fields are not read.
type fields map[string]kind

// form holds the fields of one request.
type form struct {
	texts   map[string]string
	flags   map[string]bool
	lists   map[string][]string
	ignored map[string]bool // names of unknown fields
}

func (f form) text(name string) string { return f.texts[name] }
func (f form) flag(name string) bool   { return f.flags[name] }

// bodyKind is the encoding of the fields.
type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	formBody
)

// wantsJSON reports whether the answer is JSON. As in the wire contract, it is if the body is JSON,
// or if application/json is the best entry of Accept, or the first of several best ones. A caller
// that sends one of our header tokens is a program regardless of Accept, because a redirect would
// lead it to a page with status 200. A caller with a bearer token is a program unless it prefers a
// page, because some proxies add such a token to requests of browsers.
func wantsJSON(r *http.Request) bool {
	if isJSON(r.Header.Get("Content-Type")) || presentsToken(r) {
		return true
	}
	best, bestQ := "", -1.0
	for entry := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(entry))
		if err != nil {
			continue
		}
		q := 1.0
		if v, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		if q > bestQ {
			best, bestQ = media, q
		}
	}
	if bearer(r) && (best != "text/html" || bestQ <= 0) {
		return true
	}
	return best == "application/json" && bestQ > 0
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// readForm reads the fields of a request: from the body of its declared type
// only, never from the query (R129), each at most once, strictly typed (R127).
func readForm(w http.ResponseWriter, r *http.Request, allowed fields) (form, bodyKind, *failure) {
	f := form{texts: map[string]string{}, flags: map[string]bool{}, lists: map[string][]string{},
		ignored: map[string]bool{}}
	if safeMethod(r.Method) {
		return f, noBody, nil
	}
	if len(r.Header.Values("Content-Type")) > 1 || r.Header.Get("Content-Encoding") != "" {
		return f, noBody, fail(http.StatusUnsupportedMediaType, "", "UNSUPPORTED_TYPE").flat()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return f, noBody, fail(http.StatusRequestEntityTooLarge, "", "TOO_LARGE").flat()
	}
	if err != nil {
		return f, noBody, badRequest()
	}
	contentType := r.Header.Get("Content-Type")
	if len(body) == 0 {
		if isJSON(contentType) {
			return f, jsonBody, nil
		}
		return f, noBody, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if cs := params["charset"]; err != nil || cs != "" && !strings.EqualFold(cs, "utf-8") {
		return f, noBody, fail(http.StatusUnsupportedMediaType, "", "UNSUPPORTED_TYPE").flat()
	}
	if !utf8.Valid(body) {
		return f, noBody, badRequest()
	}
	switch {
	case isJSON(contentType):
		return f, jsonBody, f.readJSON(body, allowed)
	case media == "application/x-www-form-urlencoded":
		return f, formBody, f.readURLEncoded(body, allowed)
	case media == "multipart/form-data":
		return f, formBody, f.readMultipart(body, params["boundary"], allowed)
	}
	return f, noBody, fail(http.StatusUnsupportedMediaType, "", "UNSUPPORTED_TYPE").flat()
}

func badRequest() *failure { return fail(http.StatusBadRequest, "", "BAD_REQUEST").flat() }

// wrongType returns the contract's failure for a value of the wrong type.
func wrongType(name string) *failure { return fail(http.StatusBadRequest, name, "API_ERROR") }

// readJSON reads one flat object. It refuses duplicate keys, keys in another case, nested values
// and data after the object, all of which encoding/json accepts (R128).
func (f form) readJSON(body []byte, allowed fields) *failure {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return badRequest()
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] {
			return badRequest()
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return badRequest()
		}
		if fl := f.setJSON(name, raw, allowed); fl != nil {
			return fl
		}
	}
	if _, err := dec.Token(); err != nil {
		return badRequest()
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badRequest()
	}
	return nil
}

func (f form) setJSON(name string, raw json.RawMessage, allowed fields) *failure {
	k, ok := lookup(name, allowed)
	if !ok {
		return f.ignoreJSON(name, raw, allowed)
	}
	switch raw[0] {
	case 'n': // null means a missing field, or an empty one for a box
		return nil
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return badRequest()
		}
		return f.set(name, k, s)
	case 't', 'f':
		if k == flag {
			f.flags[name] = raw[0] == 't'
			return nil
		}
	case '[':
		if k == list {
			return f.setList(name, raw)
		}
	default:
		number := string(raw)
		if k == digits && number == "0" {
			return nil // a missing code, as in the wire contract
		}
		if k == digits && sixDigits(number) {
			return f.set(name, k, strings.Repeat("0", codeDigits-len(number))+number)
		}
	}
	return wrongType(name)
}

// codeDigits is the number of digits of a code.
const codeDigits = 6

// sixDigits reports whether a JSON number can represent a code. Each number of up to six digits
// represents exactly one code: a page that parses "012345" sends 12345. Signs, fractions and
// exponents are refused, so no code has a second spelling.
func sixDigits(number string) bool {
	return len(number) <= codeDigits && strings.Trim(number, "0123456789") == ""
}

// ignoreJSON checks an unknown field. All fields of all steps are flat, so a nested value is
// refused, like an ambiguous name.
func (f form) ignoreJSON(name string, raw json.RawMessage, allowed fields) *failure {
	var s string
	switch raw[0] {
	case '{', '[':
		return wrongType(name)
	case '"':
		if err := json.Unmarshal(raw, &s); err != nil {
			return badRequest()
		}
	}
	return f.ignore(name, s, allowed)
}

// ignore checks an unknown field and keeps only its name. It refuses control characters, and names
// that another reader of the same request could mistake for a known field: Code, code[], code[0].
func (f form) ignore(name, value string, allowed fields) *failure {
	base, _, _ := strings.Cut(name, "[")
	for known := range allowed {
		if strings.EqualFold(base, known) {
			return wrongType(name)
		}
	}
	if len(value) > maxField || !printable(name) || !printable(value) {
		return wrongType(name)
	}
	f.ignored[name] = true
	return nil
}

// exact refuses unknown fields. It is for steps whose fields restrict a grant: a misspelled
// restriction must not extend it.
func (f form) exact() error {
	for _, name := range slices.Sorted(maps.Keys(f.ignored)) {
		if name != "submit" {
			return wrongType(name)
		}
	}
	return nil
}

// printable reports whether s is valid text without control characters other than those of a text
// area.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
	})
}

// setList accepts only an array of texts.
func (f form) setList(name string, raw json.RawMessage) *failure {
	var values []*string
	if err := json.Unmarshal(raw, &values); err != nil {
		return wrongType(name)
	}
	for _, v := range values {
		if v == nil {
			return wrongType(name)
		}
		if fl := f.set(name, list, *v); fl != nil {
			return fl
		}
	}
	return nil
}

func (f form) readURLEncoded(body []byte, allowed fields) *failure {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return badRequest()
	}
	return f.setAll(values, allowed)
}

func (f form) setAll(values map[string][]string, allowed fields) *failure {
	for name, v := range values {
		k, ok := lookup(name, allowed)
		if k != list {
			if v = oneOf(v); len(v) != 1 {
				return wrongType(name)
			}
		}
		if !ok {
			if fl := f.ignore(name, v[0], allowed); fl != nil {
				return fl
			}
			continue
		}
		for _, one := range v {
			if fl := f.set(name, k, one); fl != nil {
				return fl
			}
		}
	}
	return nil
}

// oneOf removes duplicate values, and empty values if another one is not empty, because pages of
// the original contain a field twice and use one of them (R240). Two different values are both
// kept.
func oneOf(values []string) []string {
	one := values[:1]
	for _, v := range values[1:] {
		switch {
		case v == "" || v == one[0]:
		case one[0] == "":
			one = []string{v}
		default:
			return values
		}
	}
	return one
}

// lookup returns the type of a field. Two names mean the same on every form.
func lookup(name string, allowed fields) (kind, bool) {
	switch name {
	case "csrf_token", "next":
		return text, true
	}
	k, ok := allowed[name]
	return k, ok
}

// set sets one text. A replacement character means that the input was not valid text: a lone
// surrogate in JSON, or invalid UTF-8 in a form.
func (f form) set(name string, k kind, s string) *failure {
	limit := maxField
	if k == long {
		limit = maxLong
	}
	if name == "next" {
		limit = maxBody // a next that is too long is dropped, not refused
	}
	if len(s) > limit && !strings.Contains(name, "password") { // passwords have their own error for that
		return fail(http.StatusBadRequest, name, "API_ERROR")
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) || strings.ContainsRune(s, 0) {
		return wrongType(name)
	}
	if k == flag {
		f.flags[name] = !slices.Contains([]string{"", "false", "False", "0", "off", "no"}, s)
		return nil
	}
	if k == list {
		if len(f.lists[name]) >= maxList {
			return wrongType(name)
		}
		f.lists[name] = append(f.lists[name], s)
		return nil
	}
	f.texts[name] = s
	return nil
}
