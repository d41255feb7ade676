package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// SessionView is a session of the user as shown on pages.
type SessionView struct {
	ID, Name, Address string
	SignedIn, Seen    time.Time
	Level             int // 1 or 2
	Trusted           bool
	Token             bool // session of a program
	Proofs            []ProofView
	Current           bool // the current session
	Action            string
}

// SessionsPage is the data of "tf_sessions".
type SessionsPage struct {
	Sessions []SessionView
	Action   string // target of the button "all others"
	Pager    Pager
}

// listRows returns the paths of the two lists. A form can only post, so POST and DELETE both end an
// entry.
func (s sessionSteps) listRows() []route {
	p := s.paths
	return []route{
		{method: http.MethodGet, path: p.Sessions, access: forUser, step: s.getSessions},
		{method: http.MethodPost, path: p.Sessions, access: forUser, step: s.endSessions, again: s.getSessions},
		{method: http.MethodDelete, path: p.Sessions, access: forUser, step: s.endSessions},
		{method: http.MethodPost, path: p.Sessions + tokenEnd, access: forUser, step: s.endSession},
		{method: http.MethodDelete, path: p.Sessions + tokenEnd, access: forUser, step: s.endSession},
		{method: http.MethodGet, path: p.Devices, access: forUser, step: s.secondFactor.getDevices},
		{method: http.MethodPost, path: p.Devices, access: forUser, step: s.secondFactor.endDevices,
			again: s.secondFactor.getDevices},
		{method: http.MethodDelete, path: p.Devices, access: forUser, step: s.secondFactor.endDevices},
		{method: http.MethodPost, path: p.Devices + tokenEnd, access: forUser, step: s.secondFactor.endDevices},
		{method: http.MethodDelete, path: p.Devices + tokenEnd, access: forUser, step: s.secondFactor.endDevices},
	}
}

// everyEntry stands for the whole list in a request to end an entry.
const everyEntry = "all"

// sessionsOf returns the sessions of the user, the current one first.
func (s sessionSteps) sessionsOf(c *call) ([]auth.SignedIn, error) {
	list, err := s.c.Login.Sessions.SessionsOf(c.r.Context(), *c.who)
	slices.SortStableFunc(list, func(a, b auth.SignedIn) int { return here(b.Current) - here(a.Current) })
	return list, err
}

func (s sessionSteps) sessionsPage(list []auth.SignedIn, pager Pager) SessionsPage {
	page := SessionsPage{Action: s.paths.Sessions, Pager: pager}
	for _, v := range list {
		view := SessionView{
			ID: v.ID, Name: v.Name, Address: v.Address, SignedIn: v.CreatedAt, Seen: v.SeenAt, Level: int(v.Level),
			Trusted: v.Trusted, Token: v.Token, Current: v.Current, Action: s.paths.Sessions + "/" + v.ID,
		}
		for _, p := range v.Proofs {
			view.Proofs = append(view.Proofs, proofView(p))
		}
		page.Sessions = append(page.Sessions, view)
	}
	return page
}

// here sorts the current session or browser first in a list.
func here(current bool) int {
	if current {
		return 1
	}
	return 0
}

func (s sessionSteps) getSessions(c *call) (*answer, error) {
	list, err := s.sessionsOf(c)
	if err != nil {
		return nil, err
	}
	back := s.listed(s.paths.Sessions)
	if ask, ok := askRemoval(c, "sessions", everyEntry, ""); ok {
		ask.Action, ask.Back = s.paths.Sessions, back
		return removal(ask), nil
	}
	for _, v := range list {
		if ask, ok := askRemoval(c, "session", v.ID, v.Name); ok && !v.Current {
			ask.Action, ask.Back = s.paths.Sessions+"/"+v.ID, back
			return removal(ask), nil
		}
	}
	list, pager, err := paged(c, s.paths.Sessions, list)
	if err != nil {
		return nil, err
	}
	return &answer{
		json: func() response {
			body := &sessionsBody{Sessions: []sessionBody{}, Paging: pager.body()}
			for _, v := range list {
				body.Sessions = append(body.Sessions, sessionBody{
					ID: v.ID, Name: v.Name, Address: v.Address, Created: stamp(v.CreatedAt), LastSeen: stamp(v.SeenAt),
					Level: int(v.Level), Trusted: v.Trusted, Token: v.Token, Methods: proofBodies(v.Proofs),
					Current: v.Current,
				})
			}
			return body
		},
		page: "tf_sessions", view: func() any { return s.sessionsPage(list, pager) },
	}, nil
}

// sessionsBody is the JSON of the list.
type sessionsBody struct {
	common
	Sessions []sessionBody `json:"sessions"`
	Paging   *pagingBody   `json:"paging,omitempty"`
}

type sessionBody struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Address  string      `json:"address"`
	Created  *string     `json:"created"`
	LastSeen *string     `json:"last_seen"`
	Level    int         `json:"level"`
	Trusted  bool        `json:"trusted"`
	Token    bool        `json:"token"`
	Methods  []proofBody `json:"methods"`
	Current  bool        `json:"current"`
}

// sessionsSection adds the list to the account page.
func (s sessionSteps) sessionsSection(c *call) (part, error) {
	list, err := s.sessionsOf(c)
	return part{page: func(p *AccountPage) { p.Sessions = s.sessionsPage(firstPage(s.paths.Sessions, list)) }}, err
}

// endSessions ends all sessions but the caller's.
func (s sessionSteps) endSessions(c *call) (*answer, error) {
	out, err := s.c.Login.Sessions.EndOthers(c.r.Context(), *c.who, c.browser)
	if err != nil {
		return nil, s.listError(c, err, s.paths.Sessions)
	}
	return &answer{outcome: &out, to: s.listed(s.paths.Sessions), note: "SESSIONS_ENDED"}, nil
}

// endSession ends one session. Ending the current one is a sign-out.
func (s sessionSteps) endSession(c *call) (*answer, error) {
	if err := s.c.Login.Sessions.EndSession(c.r.Context(), *c.who, c.token, c.browser); err != nil {
		return nil, s.listError(c, err, s.paths.Sessions)
	}
	if c.token == c.who.Session.ID {
		s.jar.clear(c.w, c.r, s.jar.session())
		s.jar.clear(c.w, c.r, s.jar.rememberMe())
		return &answer{bare: true, to: s.views.PostLogout}, nil
	}
	return &answer{to: s.listed(s.paths.Sessions), note: "SESSION_ENDED"}, nil
}

// listed returns the page that shows a list: the account page, if there is one.
func (s sessionSteps) listed(path string) string {
	if s.paths.Account != "" {
		return s.paths.Account
	}
	return path
}

// listError redirects to re-authentication, which leads back to the list.
func (s sessionSteps) listError(c *call, err error, path string) error {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.listed(path)))
	case errors.Is(err, auth.ErrState):
		return s.secondFactor.illegal(c)
	}
	return err
}

func proofView(p storage.Proof) ProofView {
	return ProofView{Method: p.Method, At: p.At, Both: p.UserVerified}
}
