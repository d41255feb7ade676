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

// Bounds of what a request may carry (R126).
const (
	maxBody  = 64 << 10
	maxField = 1 << 10
	maxLong  = 16 << 10 // of the answer of an authenticator
	maxList  = 32
)

// kind is the type of a field; the zero value is text.
type kind int

const (
	text kind = iota
	flag
	long   // text of up to maxLong
	list   // of texts: an array in JSON, a repeated field in a form
	digits // text; in JSON also a number, which stands for its six digits
)

// fields are what a step takes: names and types. A field that is not among
// them is not read.
type fields map[string]kind

// form holds the fields of one request.
type form struct {
	texts   map[string]string
	flags   map[string]bool
	lists   map[string][]string
	ignored map[string]bool // names of fields that the step does not know
}

func (f form) text(name string) string { return f.texts[name] }
func (f form) flag(name string) bool   { return f.flags[name] }

// bodyKind says how the fields came.
type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	formBody
)

// wantsJSON follows the wire contract: a JSON body, or application/json as the
// best entry of Accept, the first of equals. A caller that presents a token of
// ours in a header is a program, whatever it accepts: a redirect would lead it to
// a page that answers 200. So is one that presents a bearer token, unless it
// prefers a page: some proxies add such a token to what browsers send.
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
	f := form{texts: map[string]string{}, flags: map[string]bool{}, lists: map[string][]string{}, ignored: map[string]bool{}}
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

// wrongType is the contract's answer to a value of the wrong type.
func wrongType(name string) *failure { return fail(http.StatusBadRequest, name, "API_ERROR") }

// readJSON takes one flat object: no double keys, no keys in another case, no
// nested values, nothing after it. encoding/json alone would let all of these
// pass (R128).
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
	case 'n': // null is a missing field, for a box it is an empty one
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

// codeDigits is how many digits a code has.
const codeDigits = 6

// sixDigits says whether a JSON number can stand for a code. Each number up to
// six digits stands for exactly one code and each code for one number: a page
// that parses "012345" sends 12345. Signs, fractions and exponents are refused,
// so no code has a second spelling.
func sixDigits(number string) bool {
	return len(number) <= codeDigits && strings.Trim(number, "0123456789") == ""
}

// ignoreJSON checks a field that the step does not know. Every field of every
// step is flat, so a nested value is refused, like an ambiguous name.
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

// ignore checks a field that the step does not know and keeps only its name.
// Refused are control characters, and names that another reader of the same
// request could take for a field that the step knows: Code, code[], code[0].
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

// exact refuses fields that the step does not know. It is for steps whose
// fields limit what is handed out: a misspelled limit must not widen it.
func (f form) exact() error {
	for _, name := range slices.Sorted(maps.Keys(f.ignored)) {
		if name != "submit" {
			return wrongType(name)
		}
	}
	return nil
}

// printable says whether s is valid text without control characters other than
// those of a text area.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
	})
}

// setList takes an array of texts and nothing else.
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

// oneOf leaves one of values that are the same, and no empty one if another is not
// empty: pages of the original have a field twice and use one of them (R240). Two
// different values stay two.
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

// lookup finds a field's type. Two names mean the same on every form.
func lookup(name string, allowed fields) (kind, bool) {
	switch name {
	case "csrf_token", "next":
		return text, true
	}
	k, ok := allowed[name]
	return k, ok
}

// set takes one text. A replacement character stands for what was no valid
// text: a lone surrogate in JSON, broken UTF-8 in a form.
func (f form) set(name string, k kind, s string) *failure {
	limit := maxField
	if k == long {
		limit = maxLong
	}
	if name == "next" {
		limit = maxBody // too long a next is dropped, not refused
	}
	if len(s) > limit && !strings.Contains(name, "password") { // those say themselves that they are too long
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
