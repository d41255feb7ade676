package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/totp"
)

// peer is another system whose sign-in can be measured.
type peer struct {
	login, validate  string // paths
	pending, session string // names of cookies
	foreign          bool   // it has no /stats, and its children do its work
}

var peers = map[string]peer{
	"twofold": {login: "/login", validate: "/tf-validate", pending: "twofold-pending", session: "twofold"},
	"flask-security": {login: "/login", validate: "/tf-validate", pending: "session", session: "session",
		foreign: true},
	"authboss": {login: "/auth/login", validate: "/auth/2fa/totp/validate", pending: "session", session: "session",
		foreign: true},
}

func peerNames() string { return strings.Join(slices.Sorted(maps.Keys(peers)), ", ") }

// signIn signs a user in and returns the cookie of the session.
func (c *client) signIn(at peer, p person) (status int, session string, err error) {
	r, err := c.do("POST", at.login, "", fmt.Appendf(nil, `{"email":%q,"password":%q}`, p.email(), password))
	if err != nil || r.status != 200 {
		return r.status, "", err
	}
	pending := r.cookie(at.pending)
	if pending == "" {
		return 0, "", errors.New("no pending sign-in: was the database seeded with factors?")
	}
	code := totp.Code(totp.SHA1, p.secret(), totp.Step(time.Now()), totp.Size)
	r, err = c.do("POST", at.validate, pending, fmt.Appendf(nil, `{"code":%q}`, code))
	if err == nil && r.status == 200 && r.cookie(at.session) == "" {
		err = errors.New("no session")
	}
	return r.status, r.cookie(at.session), err
}
