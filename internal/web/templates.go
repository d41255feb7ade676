package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

//go:embed templates/*.html
var ownTemplates embed.FS

//go:embed static
var ownStatic embed.FS

// pages returns the names of the templates that are rendered, each together with layout.html.
func pages() []string {
	return []string{
		"login", "register", "verify", "tf_setup", "tf_confirm", "tf_validate", "tf_select",
		"account", "not_me", "link", "message",
		"tf_sessions", "tf_devices", "switch",
		"tf_factors", "mf_recovery_codes", "mf_recovery",
		"oauth_away", "oauth_signup", "gate_away", "tf_recovery",
		"wan_register", "wan_signin", "wan_verify", "invite_passkey",
		"us_signin", "us_link", "us_setup", "us_verify", "access_tokens",
		"ask", "choose", "change", "change_email", "change_username", "remove", "profile",
	}
}

// parts returns the names of the templates that pages include.
func parts() []string {
	return []string{
		"account_checks", "account_recovery", "account_news", "account_nav", "account_factors", "account_codes",
		"account_signin", "account_session", "account_sessions", "account_devices", "account_lately",
		"account_passkeys", "passkey", "providers", "app", "rescue", "remember",
		"account_language", "account_leaving", "account_profile", "profile_fields", "new_password", "pager",
		"signin_asides",
		"head", "header", "footer", "icon", "ways", "phone", "methods", "new_username", "captcha",
	}
}

// page returns the template of a page.
type page func() (*template.Template, error)

// ownPages are the built-in pages. They do not depend on a site, so each is parsed once for all
// sites of a program, when it is rendered first. Each takes half a megabyte.
var ownPages = func() map[string]page {
	all := map[string]page{}
	shared := sync.OnceValues(func() (*template.Template, error) { return sharedTemplates(nil) })
	for _, name := range pages() {
		all[name] = sync.OnceValues(func() (*template.Template, error) {
			t, err := shared()
			if err != nil {
				return nil, err
			}
			return pageTemplate(t, nil, name)
		})
	}
	return all
}()

// sitePages returns the pages of a site. If it has replaced some, all are parsed now, so that a
// mistake in a replaced one stops the program and not a sign-in.
func sitePages(replaced fs.FS) (map[string]page, error) {
	if replaced == nil {
		return ownPages, nil
	}
	all, err := loadTemplates(replaced)
	out := map[string]page{}
	for name, t := range all {
		out[name] = func() (*template.Template, error) { return t, nil }
	}
	return out, err
}

// loadTemplates parses all pages.
func loadTemplates(own fs.FS) (map[string]*template.Template, error) {
	shared, err := sharedTemplates(own)
	if err != nil {
		return nil, err
	}
	out, bad := map[string]*template.Template{}, []error{}
	for _, name := range pages() {
		t, err := pageTemplate(shared, own, name)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		out[name] = t
	}
	return out, errors.Join(bad...)
}

// sharedTemplates parses the layout and the parts that pages include.
func sharedTemplates(own fs.FS) (*template.Template, error) {
	shared := template.New("page").Option("missingkey=error")
	var bad []error
	for _, name := range append([]string{"layout"}, parts()...) {
		bad = append(bad, parseTemplate(shared, own, name))
	}
	return shared, errors.Join(bad...)
}

// pageTemplate parses a page into a copy of what pages share.
func pageTemplate(shared *template.Template, own fs.FS, name string) (*template.Template, error) {
	t, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	return t, parseTemplate(t, own, name)
}

func parseTemplate(into *template.Template, own fs.FS, name string) error {
	name += ".html"
	raw, err := readTemplate(own, name)
	if err != nil {
		return err
	}
	if _, err := into.New(name).Parse(raw); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	return nil
}

func readTemplate(own fs.FS, file string) (string, error) {
	if own != nil {
		if raw, err := fs.ReadFile(own, file); err == nil {
			return string(raw), nil
		}
	}
	raw, err := ownTemplates.ReadFile("templates/" + file)
	return string(raw), err
}

// render writes a page. The page is rendered completely before the first byte is sent.
func (s *Site) render(c *call, status int, name string, data any) {
	p := &Page{
		Name: name, Lang: c.words.Tag, Site: s.c.Name, URL: s.paths, Data: data, words: c.words,
		Values: map[string]string{}, Notes: s.flash.takeNotes(c, name), Paused: c.paused, now: s.c.Now(),
		assets: s.assets,
		Look:   lookOf(s), Wait: int(s.c.SendGap / time.Second),
	}
	p.CSRF = s.csrfToken(c.w, c.r)
	if p.Captcha = (captchas{s}).widget(c, pagePlace(name, data)); p.Captcha != nil {
		c.w.Header().Set("Content-Security-Policy", s.csp+s.c.Captcha.Policy())
	}
	if next, ok := safeNext(c.next()); ok {
		p.Next = next
	}
	for _, f := range shownAgain() {
		p.Values[f] = c.form.text(f)
	}
	if c.form.flag("add") {
		p.Values["add"] = "true"
	}
	for _, problem := range c.problems {
		p.Problems = append(p.Problems, Problem{Field: problem.field, Text: problem.onPage(c.words)})
	}
	var user *storage.User
	if c.who != nil {
		p.User, user = userView(c.who.User), &c.who.User
	}
	if s.c.Brand.Data != nil {
		p.App = s.c.Brand.Data(c.r, user)
	}
	var b bytes.Buffer
	t, err := s.templates[name]()
	if err == nil {
		err = t.ExecuteTemplate(&b, "layout", p)
	}
	if err != nil {
		s.c.Log.ErrorContext(c.r.Context(), "page could not be drawn", "page", name, "cause", err)
		http.Error(c.w, c.words.Text("SERVICE_UNAVAILABLE"), http.StatusServiceUnavailable)
		return
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.Header().Set("Content-Language", c.words.Tag)
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes())
}

func userView(u storage.User) *UserView {
	return &UserView{ID: u.ID, Email: u.Email, Username: u.Username, Roles: u.Roles}
}
