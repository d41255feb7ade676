// Package leaky is a small site with a switch for every attack. With all switches off, it refuses
// every attack; each switch lets one attack succeed. It shows that an attack that another site
// refuses could have succeeded. Do not use it for anything else.
package leaky

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// Site is the site. Its zero value is not ready: use New.
type Site struct {
	all    bool
	leaks  map[string]bool
	fresh  time.Duration
	origin string
	mail   func(to, text string)

	mu       sync.Mutex
	users    map[string]*user
	sessions map[string]*session
	tokens   map[string]string // to the address of the user
	links    map[string]*link
	provider *door.Provider
	trips    map[string]*trip // by state
	sites    map[string]*user // by who they are at the provider

	passkeys  map[string]*passkey  // by id
	questions map[string]*question // by state
	newcomers map[string]newcomer  // by their cookie
	former    *door.Former

	trusts      map[string]*trust // by their cookie
	invitations map[*link]*invitation
}

type user struct {
	email, password, former string
	confirmed, waits        bool // waits: the former system has the password
	key                     *door.Clock
	secret                  string
	used                    map[string]bool // codes of the app
	codes                   map[string]bool
	mailFactor, byReset     bool
	wrongCodes, wrongWords  int
	lastMailed              string // all codes that were ever mailed
	planted                 bool   // the app was set up before the owner came
}

type session struct {
	user   *user
	full   bool
	magic  bool // the first factor was a mailed link
	proven time.Time
	begun  *door.Clock // a set-up
	secret string
	code   string // mailed
}

type link struct {
	verb  door.Verb
	email string // of the account
	next  string // the new address
}

// New returns a site with these leaks; "all" enables all of them. A proof is fresh for the given
// time.
func New(
	origin string, fresh time.Duration, mail func(to, text string), provider *door.Provider, former *door.Former,
	leaks ...string,
) *Site {
	s := &Site{
		origin: origin, fresh: fresh, mail: mail, provider: provider, trips: map[string]*trip{},
		sites:    map[string]*user{},
		passkeys: map[string]*passkey{}, questions: map[string]*question{},
		newcomers: map[string]newcomer{}, former: former,
		trusts: map[string]*trust{}, invitations: map[*link]*invitation{},
		leaks: map[string]bool{}, users: map[string]*user{},
		sessions: map[string]*session{}, tokens: map[string]string{}, links: map[string]*link{},
	}
	for _, email := range former.Waiting() {
		s.users[email] = &user{email: email, confirmed: true, waits: true, used: map[string]bool{},
			codes: map[string]bool{}}
	}
	for _, name := range leaks {
		s.leaks[name] = true
		s.all = s.all || name == "all"
	}
	return s
}

// leak reports whether any of these switches is on.
func (s *Site) leak(names ...string) bool {
	for _, name := range names {
		if s.all || s.leaks[name] {
			return true
		}
	}
	return false
}

// request is one request with the state of its browser.
type request struct {
	*Site
	w       http.ResponseWriter
	r       *http.Request
	in      door.In
	session *session
	sid     string
}

// ServeHTTP serves /do/VERB by POST with a form, /me, and links by GET and POST.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &request{Site: s, w: w, r: r}
	q.in = door.In{
		Email: r.PostFormValue("email"), Password: r.PostFormValue("password"), Code: r.PostFormValue("code"),
		New:  r.PostFormValue("new"),
		Link: r.PostFormValue("link"), Next: r.PostFormValue("next"), Token: r.Header.Get("Token"),
		Remember: r.PostFormValue("remember") == "true",
		State:    r.PostFormValue("state"), Credential: r.PostFormValue("credential"), Name: r.PostFormValue("name"),
	}
	if c, err := r.Cookie(s.cookie()); err == nil {
		q.sid, q.session = c.Value, s.sessions[c.Value]
	}
	if c, err := r.Cookie("remember"); err == nil && q.session == nil {
		q.session = s.sessions[c.Value]
	}
	if !s.leak("frame") {
		w.Header().Set("X-Frame-Options", "DENY")
	}
	if !s.leak("secret-cached") {
		w.Header().Set("Cache-Control", "no-store")
	}
	out, status := door.Out{}, http.StatusNotFound
	name := strings.TrimPrefix(r.URL.Path, "/do/")
	switch token, isLink := strings.CutPrefix(r.URL.Path, "/link/"); {
	case isLink && s.leak("link-scanner"):
		q.in.Link = s.origin + "/link/" + token
		out, status = q.useMagic()
	case isLink:
		status = http.StatusOK // a page with a button
	case q.forged(name):
		status = http.StatusForbidden
	default:
		if do := q.verbs()[door.Verb(name)]; do != nil {
			out, status = do()
		}
	}
	if out.Location != "" {
		w.Header().Set("Location", out.Location)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

// forged reports whether a request comes from another site and must be refused.
func (s *request) forged(name string) bool {
	if s.r.Header.Get("Sec-Fetch-Site") != "cross-site" {
		return false
	}
	switch door.Verb(name) {
	case door.ForgedLogin:
		return !s.leak("csrf-login")
	case door.ForgedDisable:
		return !s.leak("csrf-disable")
	}
	return !s.leak("csrf-logout")
}

// cookie returns the name of the session cookie.
func (s *Site) cookie() string {
	if s.leak("cookie-sibling", "cookie-plain") {
		return "sid"
	}
	return "__Host-sid"
}

// give stores a session and sets its cookie.
func (s *request) give(x *session, keep bool) {
	if !keep || s.sid == "" {
		s.sid = rand.Text()
	}
	s.sessions[s.sid], s.session = x, x
	c := &http.Cookie{Name: s.cookie(), Value: s.sid, Path: "/", SameSite: http.SameSiteLaxMode}
	c.HttpOnly, c.Secure = !s.leak("cookie-script"), !s.leak("cookie-plain")
	if s.leak("cookie-cross-site", "csrf-disable", "csrf-logout") {
		c.SameSite = 0
	}
	http.SetCookie(s.w, c)
}

// end removes all sessions and tokens of a user except one.
func (s *request) end(u *user, but *session) {
	maps.DeleteFunc(s.sessions, func(_ string, x *session) bool { return x.user == u && x != but })
}

func (s *request) endTokens(u *user) {
	maps.DeleteFunc(s.tokens, func(_, email string) bool { return email == u.email })
}

// post mails a link.
func (s *request) post(to string, l *link) {
	token := rand.Text()
	s.links[token] = l
	origin := s.origin
	if s.leak("host-header") {
		origin = "https://" + s.r.Host
	}
	s.mail(to, "Here is your link: "+origin+"/link/"+string(l.verb)+"/"+token)
}

// take returns a link and uses it up, unless a leak is on.
func (s *request) take(v door.Verb, leaks ...string) *link {
	token := s.in.Link[strings.LastIndexByte(s.in.Link, '/')+1:]
	l := s.links[token]
	if l == nil || l.verb != v {
		return nil
	}
	if !s.leak(leaks...) {
		delete(s.links, token)
	}
	return l
}

const (
	ok      = http.StatusOK
	refused = http.StatusUnauthorized
)
