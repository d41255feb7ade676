package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/profile"
)

// Life configures what users may do with their accounts, and the lifetimes of links.
type Life struct {
	Confirm, Reset, Change, ChangeEmail     bool
	ChangeUsername, RecoverUsername         bool
	UsernameRequired                        bool
	TypedOnce                               bool // new passwords are typed only once
	Keyless                                 bool // users may register without a password
	ByLink                                  bool // users sign in with a mailed link
	LoginWithin                             time.Duration
	UsernameMin, UsernameMax                int // length of a username
	Fields                                  profile.List
	ConfirmWithin, ResetWithin, EmailWithin time.Duration
}

// LifePaths contains the paths of account changes. Some are followed by a token.
type LifePaths struct {
	Confirm, Reset, Change, ChangeEmail string // "/confirm", "/reset", "/change", "/change-email"
	ChangeUsername, RecoverUsername     string // "/change-username", "/recover-username"
}

func (p LifePaths) under(prefix string) LifePaths {
	at := func(own, def string) string { return prefix + or(own, def) }
	return LifePaths{
		Confirm: at(p.Confirm, "/confirm"), Reset: at(p.Reset, "/reset"), Change: at(p.Change, "/change"),
		ChangeEmail: at(p.ChangeEmail, "/change-email"), ChangeUsername: at(p.ChangeUsername, "/change-username"),
		RecoverUsername: at(p.RecoverUsername, "/recover-username"),
	}
}

// link is Paths.Link for these paths.
func (p LifePaths) link(kind string) string {
	p = p.under("")
	return map[string]string{"confirm": p.Confirm, "reset": p.Reset, "change-email": p.ChangeEmail}[kind]
}

// LifeViews contains the pages to which a browser is redirected after these steps. The defaults are
// the sign-in page for strangers, PostLogin for users, and the page that requests another link
// after an invalid one.
type LifeViews struct {
	PostConfirm, ConfirmError string
	Unconfirmed               string // correct password, address not confirmed
	PostReset, ResetError     string
	// Reset is the application's own page for a new password. The mailed link redirects there with
	// the token in the query "token".
	Reset string
	// LoginError is the application's own page after an invalid sign-in link, with the text in the
	// query "error".
	LoginError                        string
	PostChange                        string
	PostChangeEmail, ChangeEmailError string
	PostChangeUsername                string
}

func (s accountSteps) nameLife() error {
	v, p := s.views.Life, &s.paths.Life
	for _, path := range []string{p.Confirm, p.Reset, p.Change, p.ChangeEmail, p.ChangeUsername, p.RecoverUsername} {
		if got, ok := safeNext(path); !ok || got != path || strings.ContainsAny(path, "?#{} ") {
			return errors.New("path " + path + ": must be a plain path such as /confirm")
		}
	}
	s.views.Life.ConfirmError = or(v.ConfirmError, p.Confirm)
	s.views.Life.ResetError = or(v.ResetError, p.Reset)
	s.views.Life.ChangeEmailError = or(v.ChangeEmailError, p.ChangeEmail)
	s.views.Life.PostChange = or(v.PostChange, s.views.PostLogin)
	s.views.Life.PostChangeEmail = or(v.PostChangeEmail, s.views.PostLogin)
	s.views.Life.PostChangeUsername = or(v.PostChangeUsername, s.views.PostLogin)
	f := s.c.Life
	for path, on := range map[*string]bool{
		&p.Confirm: f.Confirm, &p.Reset: f.Reset, &p.Change: f.Change, &p.ChangeEmail: f.ChangeEmail,
		&p.ChangeUsername: f.ChangeUsername, &p.RecoverUsername: f.RecoverUsername,
	} {
		if !on { // templates omit links to empty paths
			*path = ""
		}
	}
	return nil
}

// lifeRows returns the enabled paths of account changes.
func (s accountSteps) lifeRows() []route {
	p, f := s.paths.Life, s.c.Life
	var rows []route
	type step struct {
		access access
		run    func(*call) (*answer, error)
	}
	add := func(on bool, path string, get, post step, take fields) {
		if on {
			rows = append(rows, route{method: http.MethodGet, path: path, access: get.access, step: get.run,
				link: strings.HasSuffix(path, tokenEnd)},
				route{method: http.MethodPost, path: path, access: post.access, step: post.run, again: get.run,
					take: take, link: strings.HasSuffix(path, tokenEnd)})
		}
	}
	address, fresh := fields{"email": text}, fields{"password": text, "password_confirm": text}
	add(s.c.Registerable, s.paths.Register, step{forAnonymous, s.getRegister}, step{forAnonymous, s.postRegister},
		profileTake(f.Fields, fields{"email": text, "username": text, "password": text, "password_confirm": text}))
	profile := profilePages{s.Site}
	add(len(f.Fields) > 0, s.paths.Profile, step{forUser, profile.get}, step{forUser, profile.post},
		profileTake(f.Fields, fields{}))
	add(f.Confirm, p.Confirm, step{forAnyone, s.getAskConfirm}, step{forAnyone, s.postAskConfirm}, address)
	add(f.Confirm, p.Confirm+tokenEnd, step{forAnyone, s.getConfirm}, step{forAnyone, s.postConfirm}, fresh)
	add(f.Reset, p.Reset, step{forAnyone, s.getAskReset}, step{forAnyone, s.postAskReset}, address)
	add(f.Reset, p.Reset+tokenEnd, step{forAnyone, s.getReset}, step{forAnyone, s.postReset}, fresh)
	add(f.Change, p.Change, step{forFreshUser, s.profile.getChange}, step{forUser, s.profile.postChange},
		fields{"password": text, "new_password": text, "new_password_confirm": text})
	add(f.ChangeEmail, p.ChangeEmail, step{forFreshUser, s.profile.getChangeEmail},
		step{forUser, s.profile.postAskChangeEmail}, address)
	add(f.ChangeEmail, p.ChangeEmail+tokenEnd, step{forAnyone, s.profile.getChangeEmailLink},
		step{forAnyone, s.profile.postChangeEmailLink}, nil)
	add(f.ChangeUsername, p.ChangeUsername, step{forFreshUser, s.profile.getChangeUsername},
		step{forUser, s.profile.postChangeUsername}, fields{"username": text})
	add(f.RecoverUsername, p.RecoverUsername, step{forAnonymous, s.getRecoverUsername},
		step{forAnonymous, s.postRecoverUsername}, address)
	return rows
}
