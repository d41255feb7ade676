package web

import (
	"fmt"
	"net/http"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// access is the column of the table of paths that decides who may take a step. It is checked in one
// place, before the step runs. New reports the zero value as an error, so a new step cannot be
// public by omission.
type access int

const (
	_ access = iota
	// forAnyone allows every caller. The step decides by a token, a pending sign-in or the session.
	forAnyone
	// forAnonymous refuses signed-in callers.
	forAnonymous
	// forUser refuses callers that are not signed in.
	forUser
	// forFreshUser is like forUser, but also refuses a session that is not fresh, before the user
	// fills in a form.
	forFreshUser
	// forEnrolling is like forUser, but also allows a pending sign-in that is at the step of
	// setting up a second factor.
	forEnrolling
)

func (a access) String() string {
	switch a {
	case forAnyone:
		return "anyone"
	case forAnonymous:
		return "anonymous"
	case forUser:
		return "user"
	case forFreshUser:
		return "fresh user"
	case forEnrolling:
		return "user or enrolling"
	}
	return fmt.Sprintf("access(%d)", int(a))
}

// checkAccess refuses callers that may not take a step. If a step requires a session, it first
// restores that of a remembered browser.
func (s *Site) checkAccess(c *call, a access) error {
	switch a {
	case forAnyone:
		return nil
	case forAnonymous:
		if c.who != nil {
			return s.notAnonymous(c)
		}
		return nil
	case forEnrolling:
		if c.who == nil && !c.enrolls && c.pending.Value() != "" {
			if at, err := s.c.Login.Enroll.Enrolling(c.r.Context(), c.pending); at || err != nil {
				return err
			}
		}
		return s.checkAccess(c, forUser)
	case forUser, forFreshUser:
		if c.enrolls {
			return s.Guards.whyNot(c, errNeedsFactor)
		}
		err := s.session.recall(c)
		if err == nil && c.who == nil {
			err = storage.ErrNotFound
		}
		if err != nil {
			return s.Guards.whyNot(c, err)
		}
		if a == forFreshUser {
			return s.session.stale(c, s.c.Login.Reauth.RequireFresh(c.r.Context(), *c.who, s.c.Freshness))
		}
		return nil
	}
	return fmt.Errorf("invalid %v of %s", a, c.r.URL.Path)
}

// notAnonymous refuses a signed-in caller. A form with another account's name leads to a page that
// shows who is signed in and offers to switch accounts.
func (s *Site) notAnonymous(c *call) *failure {
	f := fail(http.StatusBadRequest, "", "ANONYMOUS_USER_REQUIRED").flat().silent()
	typed, _ := c.identity(true)
	if k := account.Key(typed); safeMethod(c.r.Method) || k == "" || k == account.Key(c.who.User.Email) ||
		k == account.Key(c.who.User.Username) {
		return f.goTo(s.views.PostLogin)
	}
	return f.goTo(withNext(withQuery(s.paths.Login, switchQuery, "1"), c.next()))
}
