package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// The messages of a redirect are in two cookies: notes, by their keys, and the content for the page
// of a form, encrypted. Refusals also redirect, so that reloading the page does not repeat the
// request.

const (
	noteParting = "~"
	keptPurpose = "kept"
	flashLife   = time.Minute
	maxNotes    = 4 // maximum on one page
	// passingLife is the lifetime of a note for a page of the application. If the page does not
	// show it (see Notes), it must not appear later on one of our pages.
	passingLife = 10 * time.Second
)

// setNotes adds a note for the next page, and one if there is news of the account. The cookie
// contains only text keys and seconds, never text, so a forged cookie cannot show an arbitrary
// message.
func (s flashSteps) setNotes(c *call, life time.Duration, news bool, key string, args ...any) {
	for _, a := range args {
		if d, ok := a.(time.Duration); ok {
			key += "." + strconv.Itoa(int((d+time.Second-1)/time.Second))
		}
	}
	if news {
		key = "NEWS" + noteParting + key
	}
	if key == "" {
		return
	}
	// Keep notes that no page has shown yet, because one redirect may lead to another.
	if kept := s.jar.get(c.r, s.jar.notes()); kept != "" && !strings.HasSuffix(kept, key) &&
		strings.Count(kept, noteParting) < maxNotes-2 {
		key = kept + noteParting + key
	}
	s.jar.set(c.w, s.jar.notes(), key, life)
}

// Notes returns the notes of the previous step for a page of the application, and removes them.
// Call it before the response is started.
func (s *Site) Notes(w http.ResponseWriter, r *http.Request) []Note {
	return s.flash.takeNotes(&call{w: w, r: r, words: s.words(r)}, "")
}

// takeNotes returns the notes and removes them.
func (s flashSteps) takeNotes(c *call, page string) []Note {
	var out []Note
	add := func(p problem, said string) {
		key := or(p.page, p.key)
		kind, ok := noteKind(c.words, key)
		// The account page shows the news itself, so omit notes that refer to it.
		says := page == "account" && (key == "NEWS" || key == "RECOVERY_CODE_USED")
		if !ok || says || strings.Contains(said, "<no value>") {
			return
		}
		out = append(out, Note{Kind: kind, Text: said})
	}
	if v := s.jar.get(c.r, s.jar.notes()); v != "" {
		s.jar.clear(c.w, c.r, s.jar.notes())
		for _, one := range strings.SplitN(v, noteParting, maxNotes) {
			key, seconds, _ := strings.Cut(one, ".")
			p := problem{key: key}
			if n, err := strconv.Atoi(seconds); err == nil && n >= 0 && n < 1<<31 {
				p.args = []any{"within", time.Duration(n) * time.Second}
			}
			add(p, p.onPage(c.words))
		}
	}
	for _, p := range c.notes {
		add(p, p.onPage(c.words))
	}
	return append(out, c.said...)
}

// noteKind returns the kind of a note. Every text with an upper-case key can be a note. It is an
// error unless it is known to be a success or a hint.
func noteKind(w *i18n.Words, key string) (string, bool) {
	if key == "" || strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || !w.Has(key) {
		return "", false
	}
	switch {
	case slices.Contains(goodNotes(), key):
		return "success", true
	case slices.Contains(plainNotes(), key):
		return "info", true
	}
	return "error", true
}

func goodNotes() []string {
	return []string{
		"OAUTH_CONNECTED", "OAUTH_DISCONNECTED", "TWO_FACTOR_LOGIN_SUCCESSFUL", "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL",
		"TWO_FACTOR_DISABLED", "REGISTER_SUCCESSFUL", "WEBAUTHN_REGISTER_DONE", "WEBAUTHN_DELETE_DONE",
		"RECOVERY_CANCELLED",
		"FACTOR_RENAMED", "FACTOR_PREFERRED", "FACTOR_REMOVED", "RECOVERY_CODES_SAVED", "SESSION_ENDED",
		"SESSIONS_ENDED",
		"DEVICE_REVOKED", "DEVICES_REVOKED", "PASSWORDLESS_LOGIN_SUCCESSFUL", "US_SETUP_SUCCESSFUL",
		"US_METHOD_REMOVED",
		"TOKEN_REVOKED", "SIGNED_OUT", "LANGUAGE_CHANGED", "SETUP_DONE_APP", "SETUP_DONE_SMS", "SETUP_DONE_EMAIL",
		"CONFIRM_REGISTRATION", "EMAIL_CONFIRMED", "PASSWORD_RESET", "PASSWORD_RESET_NO_LOGIN", "LOGIN_EMAIL_SENT",
		"PASSWORD_CHANGE", "CHANGE_EMAIL_SENT", "CHANGE_EMAIL_CONFIRMED", "USERNAME_CHANGE",
		"DELETION_REQUESTED", "DELETION_STOPPED", "PROFILE_SAVED",
	}
}

func plainNotes() []string {
	return []string{
		"REAUTHENTICATION_SUCCESSFUL", "CODE_HAS_BEEN_SENT", "RESCUE_HELP_SENT", "RESCUE_EMAIL_SENT",
		"RESCUE_RECOVERY_SENT", "NEWS",
		"RECOVERY_CODES_FEW", "RECOVERY_CODE_USED", "TWO_FACTOR_NEEDED", "TWO_FACTOR_STRONG", "GENERIC_US_SIGNIN",
		"ALREADY_CONFIRMED", "CONFIRMATION_REQUEST",
		"PASSWORD_RESET_REQUEST", "USERNAME_RECOVERY_REQUEST", "SIGNED_IN_ALREADY", "SIGN_IN_TIMED_OUT", "AWAY",
		"STEP_OVER",
		"ADDRESS_UNPROVEN",
	}
}

// kept is the content of an answer to a form that the page after the redirect shows: the reason of
// a refusal, or created data that can be shown only once.
type kept struct {
	At       string // path of that page
	Time     int64
	Problems []Problem         `json:",omitempty"`
	Values   map[string]string `json:",omitempty"`
	Flags    map[string]bool   `json:",omitempty"`
	Instead  *FactorView       `json:",omitempty"`
	Until    int64             `json:",omitempty"`
	Notes    []Note            `json:",omitempty"`
	// Session is the only session in which Made is shown: new recovery codes, or the name and the
	// text of a new token.
	Session string   `json:",omitempty"`
	Made    []string `json:",omitempty"`
	// cookie is the name of the cookie. If it is empty, that of refusals is used.
	cookie string
}

// shownAgain lists the fields whose values a refused form shows again, which never include
// passwords and codes.
func shownAgain() []string {
	return []string{"email", "username", "identity", "phone", "name", "setup", "help_setup", "which", "chosen_method",
		"usage", "days"}
}

// backFrom returns the path at which GET shows the page of a form.
func (s flashSteps) backFrom(rt route, r *http.Request) string {
	if rt.back != "" {
		return rt.back
	}
	at := r.URL.EscapedPath() // a token may contain any byte
	if rest, ok := strings.CutSuffix(rt.path, tokenEnd); ok {
		if s.tokens[rest][http.MethodGet].step != nil {
			return at
		}
		return ""
	}
	if s.routes[r.URL.Path][http.MethodGet].step != nil {
		return at
	}
	return ""
}

// setRefusal stores a refusal for the page of the form. It returns false if the request came from
// another page or the user's input is not the cause; then the caller answers at once.
func (s flashSteps) setRefusal(c *call, f *failure) bool {
	if !slices.Contains([]int{http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError},
		f.status) {
		return false
	}
	v := kept{At: c.back, Values: typedAgain(c), Flags: c.form.flags, Instead: c.instead}
	for _, p := range f.problems {
		v.Problems = append(v.Problems, Problem{Field: p.field, Text: p.onPage(c.words)})
	}
	if !f.until.IsZero() {
		v.Until = f.until.Unix()
	}
	return keep(s.Site, c, v)
}

// typedAgain returns the values of a form that its page shows again.
func typedAgain(c *call) map[string]string {
	out := map[string]string{}
	for _, name := range append(shownAgain(), c.shows...) {
		if typed := c.form.text(name); typed != "" {
			out[name] = typed
		}
	}
	return out
}

// keep stores the content for the next page in an encrypted cookie, so that the cookie contains no
// code in plain text. It returns false if the content is too long for a cookie.
func keep(s *Site, c *call, v kept) bool {
	v.Time = s.c.Now().Unix()
	raw, err := json.Marshal(v)
	if err != nil {
		return false
	}
	sealed, err := s.c.Ring.Seal(keptPurpose, v.At, raw)
	if err != nil {
		return false
	}
	value := base64.RawURLEncoding.EncodeToString(sealed)
	if len(value) > maxCookie {
		return false
	}
	s.jar.set(c.w, or(v.cookie, s.jar.refusal()), value, flashLife)
	return true
}

// takeKept adds the stored content to its page, once.
func takeKept(s *Site, c *call) {
	for _, name := range []string{s.jar.refusal(), s.jar.inbox()} {
		takeKeptIn(s, c, name)
	}
}

func takeKeptIn(s *Site, c *call, name string) {
	value := s.jar.get(c.r, name)
	if value == "" || c.json || !safeMethod(c.r.Method) {
		return
	}
	var v kept
	at := c.r.URL.EscapedPath()
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return
	}
	raw, _, err := s.c.Ring.Open(keptPurpose, at, sealed)
	if err != nil || json.Unmarshal(raw, &v) != nil || v.At != at {
		return
	}
	s.jar.clear(c.w, c.r, name)
	if age := s.c.Now().Sub(time.Unix(v.Time, 0)); age < -flashLife || age > flashLife {
		return
	}
	for _, p := range v.Problems {
		c.problems = append(c.problems, problem{field: p.Field, said: p.Text})
	}
	for name, typed := range v.Values {
		c.form.texts[name] = typed
	}
	for name, on := range v.Flags {
		c.form.flags[name] = on
	}
	c.instead, c.said = v.Instead, v.Notes
	if v.Until > 0 {
		c.paused = time.Unix(v.Until, 0)
	}
	if c.who != nil && v.Session == c.who.Session.ID {
		c.made = v.Made
	}
}
