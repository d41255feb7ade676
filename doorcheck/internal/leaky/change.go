package leaky

import (
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// may returns the session if it may change what protects the account: a full one with a fresh
// proof, or another one if a leak allows it.
func (s *request) may(pendingLeak, staleLeak string) *session {
	x := s.session
	switch {
	case x == nil:
		return nil
	case !x.full && !s.leak(pendingLeak):
		return nil
	case x.full && time.Since(x.proven) > s.fresh && !s.leak(staleLeak):
		return nil
	}
	return x
}

func (s *request) setUp() (door.Out, int) {
	x := s.may("set-up-before-code", "replace-stale")
	if x == nil {
		return door.Out{}, refused
	}
	x.secret = door.NewSecret()
	x.begun = door.NewClock(x.secret)
	return door.Out{Secret: x.secret}, ok
}

func (s *request) setUpEnd() (door.Out, int) {
	x := s.may("set-up-before-code", "replace-stale")
	if x == nil || x.begun == nil || !x.begun.Takes(s.in.Code) {
		return door.Out{}, refused
	}
	u := x.user
	u.key, u.secret, u.used = x.begun, x.secret, map[string]bool{s.in.Code: true}
	u.planted = !u.confirmed
	s.endTrusts(u, "trust-after-factor-change")
	x.full = true
	return door.Out{}, ok
}

// show writes the pages that may show the secret.
func (s *request) show() (door.Out, int) {
	x := s.session
	if x == nil {
		return door.Out{}, refused
	}
	if x.full && s.leak("secret-again") || !x.full && s.leak("secret-before-code") {
		return door.Out{Text: "Your key: " + x.user.secret}, ok
	}
	return door.Out{Text: "An app is set up."}, ok
}

func (s *request) disable() (door.Out, int) {
	x := s.may("disable-before-code", "disable-stale")
	if x == nil {
		return door.Out{}, refused
	}
	x.user.key, x.user.mailFactor = nil, false
	return door.Out{}, ok
}

func (s *request) deleteAccount() (door.Out, int) {
	x := s.may("", "delete-stale")
	if x == nil {
		return door.Out{}, refused
	}
	s.end(x.user, nil)
	s.endTokens(x.user)
	delete(s.users, x.user.email)
	return door.Out{}, ok
}

func (s *request) makeCodes() (door.Out, int) {
	x := s.may("codes-before-code", "codes-stale")
	if x == nil {
		return door.Out{}, refused
	}
	if !s.leak("recovery-old-set") {
		x.user.codes = map[string]bool{}
	}
	var out door.Out
	for range 5 {
		c := strings.ToLower(rand.Text()[:10])
		x.user.codes[c] = true
		out.Codes = append(out.Codes, c)
	}
	return out, ok
}

func (s *request) askReset() (door.Out, int) {
	u := s.users[s.in.Email]
	if u == nil {
		return door.Out{}, ok
	}
	if s.leak("time-reset") {
		time.Sleep(25 * time.Millisecond)
	}
	s.post(u.email, &link{verb: door.Reset, email: u.email})
	if s.leak("tell-reset") {
		return door.Out{Text: "sent"}, ok
	}
	return door.Out{}, ok
}

func (s *request) reset() (door.Out, int) {
	l := s.take(door.Reset, "reset-replay", "reset-race")
	if l == nil || s.users[l.email] == nil {
		return door.Out{}, refused
	}
	u := s.users[l.email]
	if !u.confirmed { // the owner has come: what was there before goes
		s.firstProof(u)
	}
	u.password, u.byReset, u.confirmed = s.in.Password, true, true
	s.endTrusts(u, "trust-after-reset")
	if !s.leak("session-after-reset", "planted-session", "planted-address") {
		s.end(u, nil)
		s.endTokens(u)
	}
	if s.leak("after-reset") && !u.planted {
		s.give(&session{user: u, full: true, proven: time.Now()}, false)
	}
	return door.Out{}, ok
}

// firstProof removes what was there before the owner of the mailbox came.
func (s *request) firstProof(u *user) {
	if s.leak("planted-password") {
		u.former = u.password
	}
	if !s.leak("planted-factor") {
		u.key, u.planted = nil, false
	}
	if !s.leak("passkey-planted") {
		maps.DeleteFunc(s.passkeys, func(_ string, k *passkey) bool { return k.user == u })
	}
	if !s.leak("planted-address") {
		for token, l := range s.links {
			if l.email == u.email {
				delete(s.links, token)
			}
		}
	}
}

func (s *request) askMagic() (door.Out, int) {
	if u := s.users[s.in.Email]; u != nil {
		s.post(u.email, &link{verb: door.UseMagic, email: u.email})
	}
	return door.Out{}, ok
}

func (s *request) useMagic() (door.Out, int) {
	l := s.take(door.UseMagic, "magic-replay", "magic-race")
	if l == nil || s.users[l.email] == nil {
		return door.Out{}, refused
	}
	u := s.users[l.email]
	full := u.key == nil && !u.mailFactor || u.key != nil && s.leak("after-magic-link")
	s.give(&session{user: u, full: full, magic: true, proven: time.Now()}, false)
	return door.Out{}, ok
}

func (s *request) setUpMail() (door.Out, int) {
	x := s.may("", "")
	if x == nil {
		return door.Out{}, refused
	}
	x.user.mailFactor = true
	return door.Out{}, ok
}

func (s *request) logout() (door.Out, int) {
	if !s.leak("session-after-logout") {
		delete(s.sessions, s.sid)
	}
	http.SetCookie(s.w, &http.Cookie{Name: s.cookie(), Value: "", Path: "/", MaxAge: -1, Secure: true})
	return door.Out{}, ok
}

func (s *request) logoutAll() (door.Out, int) {
	if s.session == nil {
		return door.Out{}, refused
	}
	if !s.leak("session-after-logout-all") {
		s.end(s.session.user, nil)
	}
	if !s.leak("token-after-logout-all") {
		s.endTokens(s.session.user)
	}
	return door.Out{}, ok
}

func (s *request) changePassword() (door.Out, int) {
	x := s.session
	if x == nil || !x.full || x.user.password != s.in.Password {
		return door.Out{}, refused
	}
	x.user.password = s.in.New
	s.endTrusts(x.user, "trust-after-password-change")
	if !s.leak("session-after-password-change") {
		s.end(x.user, x)
	}
	if !s.leak("token-after-password-change") {
		s.endTokens(x.user)
	}
	return door.Out{}, ok
}

func (s *request) changeEmail() (door.Out, int) {
	x := s.may("", "address-stale")
	if x == nil {
		return door.Out{}, refused
	}
	s.post(s.in.New, &link{verb: door.ChangeEmailEnd, email: x.user.email, next: s.in.New})
	return door.Out{}, ok
}

func (s *request) changeEmailEnd() (door.Out, int) {
	l := s.take(door.ChangeEmailEnd)
	if l == nil || s.users[l.email] == nil {
		return door.Out{}, refused
	}
	u := s.users[l.email]
	delete(s.users, u.email)
	u.email = l.next
	s.users[u.email] = u
	return door.Out{}, ok
}
