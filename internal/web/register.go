package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/twofold-auth/twofold/internal/auth"
)

func (s accountSteps) getRegister(c *call) (*answer, error) {
	of := s.c.Life.Fields
	return &answer{
		json: func() response { return &registerBody{Fields: fieldsBody(c, of)} }, page: "register",
		view: func() any {
			return RegisterPage{
				Usernames: s.c.Usernames, UsernameRequired: s.c.Life.UsernameRequired, Confirm: !s.c.Life.TypedOnce,
				Keyless: s.c.Life.Keyless, Link: s.c.Life.ByLink, MinLength: s.c.MinPassword,
				Fields: fieldViews(c, of, nil),
			}
		},
	}, nil
}

// registerBody is the JSON of the page that creates an account.
type registerBody struct {
	common
	Fields []fieldBody `json:"fields,omitempty"` // profile fields
}

func (s accountSteps) postRegister(c *call) (*answer, error) {
	c.shows = profileNames(s.c.Life.Fields)
	values, f := s.missingRegister(c)
	if f != nil {
		return nil, withRest(s.Site, c, f)
	}
	username := c.form.text("username")
	if !s.c.Usernames {
		username = ""
	}
	if s.goesByMail(c) {
		s.link.asks(c)
		c.asked = c.form.text("password") == "" // a link that only confirms is not bound to a client
	}
	out, err := s.c.Login.Account.Register(c.r.Context(), auth.Registration{
		Email: c.form.text("email"), Username: username, Password: c.form.text("password"),
		Fields: values,
	}, c.browser)
	switch {
	case errors.Is(err, auth.ErrTaken), errors.Is(err, auth.ErrUsernameTaken):
		return s.taken(c, err)
	case err != nil:
		return nil, s.allOf(err)
	case out.Session == nil && out.Pending == nil:
		a := s.mailed(c)
		if s.c.Specific {
			a.user = &out.User
		}
		return a, nil
	}
	a := s.entered(c, out, s.views.PostRegister)
	a.fields = s.c.Life.Fields.Of(values)
	return a, nil
}

// taken returns the answer for an identity that is taken. It looks like a success without the
// session, which only the owner may have.
func (s accountSteps) taken(c *call, err error) (*answer, error) {
	if s.c.Specific {
		n := &needs{}
		email, username := c.form.text("email"), c.form.text("username")
		n.that(errors.Is(err, auth.ErrTaken), "email", "EMAIL_ALREADY_ASSOCIATED", "email", canonical(email))
		n.that(errors.Is(err, auth.ErrUsernameTaken), "username", "USERNAME_ALREADY_ASSOCIATED", "username", username)
		return nil, n.result()
	}
	if s.goesByMail(c) {
		return s.mailed(c), nil
	}
	return &answer{to: withNext(s.paths.Login, c.next()), note: "REGISTER_SUCCESSFUL"}, nil
}

// goesByMail reports whether a registration continues in the mailbox, whether or not the address is
// taken.
func (s accountSteps) goesByMail(c *call) bool {
	return s.c.Life.Confirm || s.c.Life.ByLink || c.form.text("password") == ""
}

// mailed returns the answer to a registration that continues in the mailbox.
func (s accountSteps) mailed(c *call) *answer {
	to := s.paths.Login
	if c.form.text("password") == "" && !s.c.Life.ByLink {
		to = or(s.paths.Unified.Signin, to) // page on which the code is entered
	}
	a := &answer{to: c.after(or(s.c.Views.PostRegister, to)), note: "CONFIRM_REGISTRATION"}
	ours := s.c.Views.PostRegister == "" && c.next() == "" && to == s.paths.Login && !s.c.UnifiedLogin
	if s.paths.Life.Confirm == "" || !ours {
		return a
	}
	// The sign-in page shows the recipient of the mail and offers to send another.
	c.form.flags[sentFlag] = true
	page := inboxPage(s.Site, c)
	a.to, a.page, a.view = "", page.page, page.view
	a.keep = &kept{At: s.paths.Login, Values: typedAgain(c), Flags: c.form.flags, cookie: s.jar.inbox()}
	return a
}

// inboxPage returns the page that offers another confirmation link after the first one was sent.
func inboxPage(s *Site, c *call) *answer {
	return &answer{page: "ask", view: func() any {
		page := askView(c, "confirm")
		page.Action = s.paths.Life.Confirm
		return page
	}}
}

// withRest adds the other errors of a registration, so that its page shows all of them at once. A
// field keeps its first error.
func withRest(s *Site, c *call, f *failure) *failure {
	err := s.c.Judge(c.form.text("email"), c.form.text("username"), c.form.text("password"))
	if c.json || err == nil {
		return f
	}
	for _, p := range s.account.allOf(err).problems {
		if !slices.ContainsFunc(f.problems, func(said problem) bool { return said.field == p.field }) {
			f.problems = append(f.problems, p)
		}
	}
	order := append([]string{"email", "username"}, c.shows...) // as on the page
	order = append(order, "password", "password_confirm")
	slices.SortStableFunc(f.problems, func(a, b problem) int {
		return slices.Index(order, a.field) - slices.Index(order, b.field)
	})
	return f
}

// allOf is like toFailure, for several errors, each at its field, so that a form shows all of them.
func (s accountSteps) allOf(err error) *failure {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return s.toFailure(err)
	}
	all := &failure{status: http.StatusBadRequest}
	for _, err := range joined.Unwrap() {
		f := s.allOf(err)
		if f.status != http.StatusBadRequest {
			return f
		}
		all.problems = append(all.problems, f.problems...)
	}
	return all
}

// needs collects the missing fields of a form.
type needs struct{ failure }

func (n *needs) that(missing bool, field, key string, args ...any) {
	if missing {
		n.problems = append(n.problems, problem{field: field, key: key, args: args})
	}
}

func (n *needs) result() *failure {
	if len(n.problems) == 0 {
		return nil
	}
	n.status = http.StatusBadRequest
	return &n.failure
}

// typed requires a new password in a field and, unless it is typed only once, the same in
// field_confirm. Otherwise field_confirm is ignored.
func (s accountSteps) typed(c *call, n *needs, field string) {
	plain, again := c.form.text(field), c.form.text(field+"_confirm")
	n.that(plain == "", field, "PASSWORD_NOT_PROVIDED")
	switch {
	case s.c.Life.TypedOnce:
	case again == "":
		n.that(true, field+"_confirm", "PASSWORD_NOT_PROVIDED")
	default:
		n.that(again != plain, field+"_confirm", "RETYPE_PASSWORD_MISMATCH")
	}
}

// missingRegister returns the profile of a registration, and a failure if required fields are
// missing.
func (s accountSteps) missingRegister(c *call) (map[string]any, *failure) {
	n := &needs{}
	n.that(c.form.text("email") == "", "email", "EMAIL_NOT_PROVIDED")
	if !s.c.Life.ByLink && (!s.c.Life.Keyless || c.form.text("password") != "" ||
		c.form.text("password_confirm") != "") {
		s.typed(c, n, "password")
	}
	n.that(s.c.Usernames && s.c.Life.UsernameRequired &&
		c.form.text("username") == "", "username", "USERNAME_NOT_PROVIDED")
	if next := c.next(); next != "" {
		_, ok := safeNext(next)
		n.that(!ok, "next", "INVALID_REDIRECT")
	}
	values, problems := readProfile(c, s.c.Life.Fields, nil)
	n.problems = append(n.problems, problems...)
	return values, n.result()
}
