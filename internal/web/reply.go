package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// answer is the result of a step. JSON callers get json and user, and form callers the page or the
// redirect. Only what the caller gets is built. Both get the outcome's cookies.
type answer struct {
	json    func() response // builds the JSON answer; if nil, it has only the common fields
	user    *storage.User   // adds the user payload
	fields  map[string]any  // profile fields, added to the user payload
	outcome *auth.Outcome
	bare    bool          // the JSON answer is exactly {}
	about   *storage.User // account of a link that has taken effect
	stopped bool          // the deletion of the account was canceled
	noToken bool          // omit csrf_token, because the client is not a browser

	file *file // a download, instead of everything below

	page string     // template to render
	view func() any // builds its data
	// keep makes a form redirect to the page at keep.At, which shows its content. Reloading that
	// page does not repeat the step.
	keep *kept
	to   string // redirect instead of a page
	away string // URL at an identity provider; page is shown before
	note string // text key of the note after the redirect (or on the page)
	args []any  // arguments of the note; a redirect keeps only durations
}

// file is a text that the browser saves instead of showing it.
type file struct{ name, text string }

// headers sets the security headers of every answer.
func (s *Site) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", "Cookie, Accept, Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", s.csp)
	if s.jar.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// reply writes an answer.
func (s *Site) reply(c *call, a *answer) {
	s.jar.outcome(c.w, c.r, a.outcome)
	tellKept(a)
	news := a.outcome != nil && a.outcome.News > 0
	if a.away != "" {
		s.sendAway(c, a)
		return
	}
	if a.file != nil {
		kind := "text/plain"
		if strings.HasSuffix(a.file.name, ".json") {
			kind = "application/json"
		}
		c.w.Header().Set("Content-Type", kind+"; charset=utf-8")
		c.w.Header().Set("Content-Disposition", `attachment; filename="`+a.file.name+`"`)
		_, _ = io.WriteString(c.w, a.file.text)
		return
	}
	if c.json {
		s.replyJSON(c, a)
		return
	}
	if a.to != "" {
		s.spa.secondElsewhere(c, a)
		s.spa.goOn(c, a.to, problem{key: a.note, args: a.args}, a.about, news)
		return
	}
	if a.note != "" {
		c.notes = append(c.notes, problem{key: a.note, args: a.args})
	}
	if a.keep != nil {
		for _, p := range c.notes {
			if kind, ok := noteKind(c.words, p.key); ok {
				a.keep.Notes = append(a.keep.Notes, Note{Kind: kind, Text: p.onPage(c.words)})
			}
		}
		if keep(s, c, *a.keep) {
			s.spa.goOn(c, withNext(a.keep.At, c.next()), problem{}, nil, news)
			return
		}
	}
	if news {
		c.notes = append(c.notes, problem{key: "NEWS"})
	}
	s.show(c, http.StatusOK, a)
}

// show renders the page of an answer.
func (s *Site) show(c *call, status int, a *answer) {
	s.render(c, status, a.page, a.view())
}

// sendAway redirects to an identity provider. A program gets the redirect. A browser gets a page
// that continues automatically, because browsers check every redirect after a form against the
// page's form-action. With a redirect, that policy would have to list every site through which the
// provider redirects its users.
func (s *Site) sendAway(c *call, a *answer) {
	if c.json {
		c.w.Header().Set("Location", a.away)
		writeJSON(c.w, http.StatusFound, awayBody{Location: a.away})
		return
	}
	c.w.Header().Set("Refresh", "0; url="+a.away)
	s.show(c, http.StatusOK, a)
}

func (s *Site) replyJSON(c *call, a *answer) {
	if a.bare {
		writeJSON(c.w, http.StatusOK, struct{}{})
		return
	}
	var body response = &common{}
	if a.json != nil {
		body = a.json()
	}
	all := body.shared()
	captchas{s}.extend(c, all)
	if a.outcome != nil {
		all.Notices = a.outcome.News
	}
	if !a.noToken {
		all.CSRFToken = s.csrfToken(c.w, c.r)
	}
	if a.user != nil {
		all.User = new(withFields(s.token.withTokens(s.payload(c, *a.user), a.outcome), a.fields))
	}
	all.DeletionStopped = a.stopped
	all.PendingToken = c.binding(a.outcome)
	writeJSON(c.w, http.StatusOK, body)
}

// payload returns the data about a user in an answer. If the permissions cannot be read, they are
// omitted, because the step is done and they are only for display.
func (s *Site) payload(c *call, u storage.User) payload {
	user := payload(s.c.Payload(u))
	if !s.c.Roles {
		return user
	}
	permissions, err := s.c.Permissions(c.r.Context(), u.Roles)
	if err != nil {
		s.c.Log.ErrorContext(c.r.Context(), "permissions could not be read", "user", u.ID, "cause", err)
	}
	user = maps.Clone(user) // it belongs to the application
	if user == nil {
		user = payload{}
	}
	user["roles"], user["permissions"] = append([]string{}, u.Roles...), append([]string{}, permissions...)
	return user
}

// refuse writes a failure. a may contain cookies that are set anyway.
func (s *Site) refuse(c *call, a *answer, f *failure) {
	if f.cause != nil {
		s.c.Log.ErrorContext(c.r.Context(), "request could not be served",
			"path", c.logged(), "request", requestID(c.w), "cause", f.cause)
	}
	if a != nil {
		s.jar.outcome(c.w, c.r, a.outcome)
	}
	if f.retryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
	}
	if c.json {
		s.refuseJSON(c, a, f)
		return
	}
	if f.to != "" {
		said := f.problems[0]
		if f.quiet {
			said = problem{}
		}
		s.spa.goOn(c, f.to, said, nil, false)
		return
	}
	s.refusePage(c, f)
}

func (s *Site) refuseJSON(c *call, a *answer, f *failure) {
	body := f.extras
	byField := map[string][]string{}
	for _, p := range f.problems {
		t := p.text(c.words)
		body.Errors = append(body.Errors, t)
		byField[p.field] = append(byField[p.field], t)
	}
	if !f.noFields {
		body.FieldErrors = byField
	}
	if f.captcha {
		captchas{s}.offer(c, &body)
	}
	if body.reauthBody != nil && c.who != nil {
		body.Passkey = s.webauthn.hasVerifier(c)
	}
	if a != nil {
		body.PendingToken = c.binding(a.outcome)
	}
	writeJSON(c.w, f.status, body)
}

// refusePage shows the step's page again with the errors or, if the step has no page, a page with
// only the errors.
func (s *Site) refusePage(c *call, f *failure) {
	c.problems, c.paused = f.problems, f.until
	if c.back != "" && s.flash.setRefusal(c, f) {
		c.w.Header().Set("Location", withNext(c.back, c.next()))
		c.w.WriteHeader(http.StatusSeeOther)
		return
	}
	if c.again != nil && (f.form || f.status != http.StatusServiceUnavailable) {
		if a, err := c.again(c); err == nil && a.page != "" {
			status := f.status
			if status == http.StatusBadRequest || status == http.StatusInternalServerError {
				status = http.StatusOK // status of a page with errors in the wire contract
			}
			s.show(c, status, a)
			return
		}
	}
	s.render(c, f.status, "message", s.messagePage(c, f))
}

// messagePage returns the page with an error. If the operator must fix it, the page contains the ID
// of the request in the log.
func (s *Site) messagePage(c *call, f *failure) MessagePage {
	p := MessagePage{Status: f.status, Back: s.paths.Login}
	if f.status >= http.StatusInternalServerError || f.status == http.StatusMisdirectedRequest {
		p.Reference = requestID(c.w)
	}
	return p
}

// writeJSON writes the envelope of the wire contract: ASCII only, one line feed at the end.
func writeJSON(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends with a line feed
	enc.SetEscapeHTML(false)   // the type is JSON and sniffing is off
	if err := enc.Encode(envelope{meta{status}, body}); err != nil {
		// The application's payload cannot be encoded as JSON.
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"meta":{"code":500},"response":{"errors":["payload"]}}` + "\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(ascii(b.Bytes()))
}

// ascii escapes all non-ASCII characters as \uXXXX. They occur only inside strings, so this does
// not change the structure.
func ascii(raw []byte) []byte {
	i := bytes.IndexFunc(raw, func(r rune) bool { return r >= utf8.RuneSelf })
	if i < 0 {
		return raw
	}
	out := append(make([]byte, 0, len(raw)+64), raw[:i]...)
	for _, r := range string(raw[i:]) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
	}
	return out
}
