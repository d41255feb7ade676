package web

import (
	"net/http"
	"slices"
	"strings"
)

// route is a row of the table of paths.
type route struct {
	method, path string
	access       access // who may take the step
	take         fields // those that the step reads
	step         func(*call) (*answer, error)
	// raw handles the request instead of a step.
	raw http.HandlerFunc
	// enrolls is set if a session that must set up a second factor may take the step. For all other
	// steps such a session counts as signed out.
	enrolls bool
	// again builds the page that a failed form shows again.
	again func(*call) (*answer, error)
	// back is the path of that page. If it is empty, the path of the form is used, if it has a
	// page.
	back string
	// link marks the paths of mailed links and of redirects from identity providers.
	link bool
	// twice answers a repeated request for a step that was just taken and that ended the session of
	// the request.
	twice func(*call) (*answer, error)
}

// table returns the rows of all paths of the site.
func (s *Site) table() []route {
	p := s.paths
	rows := []route{
		{method: http.MethodPost, path: p.Logout, access: forAnyone, step: s.session.postLogout,
			take: fields{"refresh_token": text}},
		{method: http.MethodGet, path: p.Verify, access: forUser, step: s.session.getVerify},
		{method: http.MethodPost, path: p.Verify, access: forUser, step: s.session.postVerify,
			again: s.session.getVerify,
			take:  fields{"password": text}},
		{method: http.MethodGet, path: p.Setup, access: forAnyone, step: s.enroll.getSetup},
		{method: http.MethodPost, path: p.Setup, access: forAnyone, step: s.enroll.postSetup, again: s.enroll.getSetup,
			take: fields{"setup": text, "phone": text, "add": flag, "name": text}},
		{method: http.MethodGet, path: p.Validate, access: forAnyone, step: s.secondFactor.getValidate},
		{method: http.MethodPost, path: p.Validate, access: forAnyone, step: s.secondFactor.postValidate,
			again: s.secondFactor.getValidate, take: fields{"code": digits}},
		{method: http.MethodGet, path: p.Select, access: forAnyone, step: s.secondFactor.getSelect},
		{method: http.MethodPost, path: p.Select, access: forAnyone, step: s.secondFactor.postSelect,
			again: s.secondFactor.getSelect,
			take:  fields{"which": text, "code": digits}},
		{method: http.MethodGet, path: p.Rescue, access: forAnonymous, step: s.secondFactor.getRescue},
		{method: http.MethodPost, path: p.Rescue, access: forAnonymous, step: s.secondFactor.postRescue,
			again: s.secondFactor.getRescue, take: fields{"help_setup": text}},
		{method: http.MethodPost, path: p.Resend, access: forAnyone, step: s.secondFactor.postResend,
			again: s.secondFactor.getValidate, back: p.Validate},
		{method: http.MethodPost, path: p.Setup + tokenEnd, access: forUser, step: s.enroll.postSetupToken,
			twice: s.enroll.setUpTwice, take: fields{"code": digits}},
		{method: http.MethodGet, path: p.NotMe + tokenEnd, access: forAnyone, step: s.link.getNotMe},
		{method: http.MethodPost, path: p.NotMe + tokenEnd, access: forAnyone, step: s.link.postNotMe},
	}
	rows = append(rows, s.passwordless.loginRows()...)
	rows = append(rows, s.account.lifeRows()...)
	rows = append(rows, s.session.listRows()...)
	rows = append(rows, s.oauth.oauthRows()...)
	rows = append(rows, s.recovery.recoveryRows()...)
	rows = append(rows, s.profile.newsRows()...)
	rows = append(rows, s.webauthn.passkeyRows()...)
	rows = append(rows, s.passwordless.unifiedRows()...)
	rows = append(rows, s.secondFactor.factorRows()...)
	rows = append(rows, s.recovery.codeRows()...)
	rows = append(rows, s.token.tokenRows()...)
	rows = append(rows, leaving{s}.rows()...)
	rows = append(rows, inviting{s}.rows()...)
	if s.c.Account {
		rows = append(rows, route{method: http.MethodGet, path: p.Account, access: forUser, step: s.profile.getAccount})
	}
	captchas{s}.take(rows)
	for i := range rows {
		base, _ := strings.CutSuffix(rows[i].path, tokenEnd)
		rows[i].enrolls = slices.Contains(s.enrollPaths(), base)
	}
	return rows
}

// enrollPaths returns the paths for a session that must set up a second factor: those that set one
// up, re-authenticate and sign out.
func (s *Site) enrollPaths() []string {
	p := s.paths
	return []string{
		p.Logout, p.Setup, p.Validate, p.Select, p.Resend, p.Verify, p.WanVerify, p.Unified.Verify,
		p.Unified.VerifySendCode,
		p.OAuth.VerifyStart, p.OAuth.VerifyResponse, p.WanRegister,
	}
}

// Patterns returns the patterns for an http.ServeMux that match the site's paths.
func (s *Site) Patterns() []string {
	var out []string
	for path := range s.routes {
		out = append(out, path)
	}
	for path := range s.tokens {
		out = append(out, path+tokenEnd)
	}
	if g := s.gate.Load(); g != nil {
		out = append(out, g.patterns()...)
	}
	return append(out, s.paths.Static+"/")
}

// Serves reports whether a path is one of the site's.
func (s *Site) Serves(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, s.paths.Static+"/") {
		return true
	}
	if g := s.gate.Load(); g != nil && g.handler(r.URL.Path) != nil {
		return true
	}
	rt, _, allow := s.find(r)
	return rt.step != nil || len(allow) > 0
}

// find returns the step of a request, or the methods that the path has.
func (s *Site) find(r *http.Request) (rt route, token string, allow []string) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path := r.URL.Path
	byMethod := s.routes[path]
	if g := s.gate.Load(); g != nil && byMethod == nil {
		byMethod = g.steps[path]
	}
	for base, steps := range s.tokens {
		if byMethod != nil {
			break // /login/oauth-disconnect is a path, not a token of /login
		}
		if rest, ok := strings.CutPrefix(path, base+"/"); ok && rest != "" && !strings.Contains(rest, "/") {
			byMethod, token = steps, rest
		}
	}
	if rt, ok := byMethod[method]; ok {
		return rt, token, nil
	}
	for m := range byMethod {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	return route{}, "", allow
}
