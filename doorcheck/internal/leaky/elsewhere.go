package leaky

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// trip is a browser that was redirected to the provider.
type trip struct {
	browser, nonce string
	connects       *user // who asked for it; nil: a sign-in
}

func (s *request) goAway() (door.Out, int) { return s.depart(nil) }

func (s *request) connect() (door.Out, int) {
	if s.session == nil || !s.session.full {
		return door.Out{}, refused
	}
	return s.depart(s.session.user)
}

func (s *request) depart(of *user) (door.Out, int) {
	state, t := rand.Text(), &trip{browser: rand.Text(), nonce: rand.Text(), connects: of}
	s.trips[state] = t
	http.SetCookie(s.w, &http.Cookie{Name: "trip", Value: t.browser, Path: "/", MaxAge: 600, HttpOnly: true,
		Secure:   true,
		SameSite: http.SameSiteLaxMode})
	q := url.Values{
		"client_id": {s.provider.ClientID}, "redirect_uri": {s.origin + "/back"}, "response_type": {"code"},
		"scope": {"openid email"}, "state": {state}, "nonce": {t.nonce},
	}
	return door.Out{Location: s.provider.URL + "/authorize?" + q.Encode()}, http.StatusSeeOther
}

// arrival returns the data of a callback, if it is valid.
func (s *request) arrival() (*trip, door.Claims, bool) {
	u, err := url.Parse(s.in.Link)
	if err != nil {
		return nil, door.Claims{}, false
	}
	state := u.Query().Get("state")
	t := s.trips[state]
	if t == nil {
		return nil, door.Claims{}, false
	}
	c, err := s.r.Cookie("trip")
	if (err != nil || c.Value != t.browser) && !s.leak("site-csrf") {
		return nil, door.Claims{}, false
	}
	if !s.leak("site-replay") {
		delete(s.trips, state)
	}
	claims, ok := s.provider.Exchange(u.Query().Get("code"), "")
	ok = ok && (claims.Nonce == t.nonce || s.leak("site-injection"))
	return t, claims, ok && (claims.Client == s.provider.ClientID || s.leak("site-other-client"))
}

// newcomer is a user of the provider whose address must be proven with a mailed code.
type newcomer struct {
	claims door.Claims
	code   string
}

// comesAs mails the code.
func (s *request) comesAs(claims door.Claims) {
	name, code := rand.Text(), strconv.Itoa(100000+int(rand.Text()[0])*1000+int(rand.Text()[1]))
	s.newcomers[name] = newcomer{claims, code}
	http.SetCookie(s.w, &http.Cookie{Name: "newcomer", Value: name, Path: "/", MaxAge: 600, HttpOnly: true,
		Secure:   true,
		SameSite: http.SameSiteStrictMode})
	s.mail(claims.Email, "Your code is "+code)
}

func (s *request) finishSignUp() (door.Out, int) {
	c, err := s.r.Cookie("newcomer")
	if err != nil {
		return door.Out{}, refused
	}
	n, there := s.newcomers[c.Value]
	if !there || n.code != s.in.Code || s.users[n.claims.Email] != nil {
		return door.Out{}, refused
	}
	delete(s.newcomers, c.Value)
	s.give(&session{user: s.joins(n.claims), full: true, proven: time.Now()}, false)
	return door.Out{}, ok
}

// joins creates an account for a user of the provider.
func (s *Site) joins(claims door.Claims) *user {
	u := &user{email: claims.Email, confirmed: true, used: map[string]bool{}, codes: map[string]bool{}}
	s.users[claims.Email], s.sites[claims.Subject] = u, u
	return u
}

func (s *request) comeBack() (door.Out, int) {
	t, claims, ok := s.arrival()
	if !ok {
		return door.Out{}, refused
	}
	if t.connects != nil {
		s.sites[claims.Subject] = t.connects
		return door.Out{}, http.StatusOK
	}
	u, present := s.sites[claims.Subject], s.users[claims.Email]
	switch {
	case u != nil:
	case present != nil && s.leak("site-unverified"):
		u = present
	case present == nil && claims.Verified && !s.leak("site-no-code"):
		s.comesAs(claims)
		return door.Out{}, http.StatusOK
	case present == nil && (claims.Verified || s.leak("site-planted")):
		u = s.joins(claims)
	default:
		return door.Out{}, refused
	}
	full := u.key == nil && !u.mailFactor || s.leak("after-site")
	s.give(&session{user: u, full: full, proven: time.Now()}, false)
	return door.Out{}, http.StatusOK
}
