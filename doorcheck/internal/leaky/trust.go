package leaky

import (
	"crypto/rand"
	"maps"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// trust is a trusted browser, which needs no second factor.
type trust struct {
	user *user
	ends time.Time
}

// trustName is part of the name of its cookie.
const trustName = "__Host-trust"

// longest is the lifetime of trust, as a multiple of the freshness.
const longest = 4

// trust is a complete sign-in after which the browser is trusted.
func (s *request) trust() (door.Out, int) {
	out, status := s.login()
	x := s.session
	if status != http.StatusSeeOther || x == nil {
		return out, refused
	}
	passed := x.full
	if !passed {
		_, status = s.code()
		passed = status == http.StatusSeeOther
	}
	if passed || s.leak("trust-before-code") {
		token := rand.Text()
		s.trusts[token] = &trust{x.user, time.Now().Add(longest * s.fresh)}
		http.SetCookie(s.w, &http.Cookie{Name: trustName, Value: token, Path: "/", MaxAge: 3600, HttpOnly: true,
			Secure: true, SameSite: http.SameSiteLaxMode})
	}
	return out, status
}

// trusted returns the user of the trust cookie, or nil.
func (s *request) trusted() *user {
	c, err := s.r.Cookie(trustName)
	if err != nil {
		return nil
	}
	found := s.trusts[c.Value]
	for token, x := range s.trusts {
		if found == nil && s.leak("trust-forged") && len(c.Value) > 8 && token[:8] == c.Value[:8] {
			found = x
		}
	}
	if found == nil || time.Now().After(found.ends) && !s.leak("trust-expired") {
		return nil
	}
	return found.user
}

// vouches reports whether the browser is trusted for a user.
func (s *request) vouches(u *user) bool {
	of := s.trusted()
	return of == u || of != nil && s.leak("trust-other-account")
}

// endTrusts ends all trust of a user, unless a leak is on.
func (s *request) endTrusts(u *user, leak string) {
	if !s.leak(leak) {
		maps.DeleteFunc(s.trusts, func(_ string, x *trust) bool { return x.user == u })
	}
}

func (s *request) endTrust() (door.Out, int) {
	x := s.may("", "")
	if x == nil {
		return door.Out{}, refused
	}
	s.endTrusts(x.user, "trust-after-end-all")
	return door.Out{}, ok
}
