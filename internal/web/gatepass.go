package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/login"
)

// The headers that say to an application who was let through.
const (
	headerUser      = "Remote-User"
	headerEmail     = "Remote-Email"
	headerGroups    = "Remote-Groups"
	headerLevel     = "Twofold-Level"
	headerFresh     = "Twofold-Fresh"
	headerAssertion = "Twofold-Assertion"
)

// passed are the headers that a proxy hands to the application.
func passed() [8]string {
	return [...]string{
		headerUser, headerEmail, headerGroups, headerLevel, headerFresh, headerAssertion, "Cookie", "Authorization",
	}
}

// stripIdentity removes what a client may have written in place of the gate. Many
// servers take an underscore in the name of a header for a hyphen.
func stripIdentity(h http.Header) {
	for name := range h {
		plain := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if strings.HasPrefix(plain, "remote-") || strings.HasPrefix(plain, "twofold-") {
			delete(h, name)
		}
	}
}

// stripConnection leaves of Connection only what upgrades a connection. A proxy behind
// the gate removes the headers that Connection names (RFC 9110 section 7.6.1), so a
// client could have it remove those that say who the client is.
func stripConnection(h http.Header) {
	upgrades := false
	for _, line := range h.Values("Connection") {
		for option := range strings.SplitSeq(line, ",") {
			upgrades = upgrades || strings.EqualFold(strings.TrimSpace(option), "upgrade")
		}
	}
	if h.Del("Connection"); upgrades {
		h.Set("Connection", "Upgrade")
	}
}

// pass writes the headers that go to the application: who it is, the cookies and
// the authorization of the client without ours. A stranger on a public page has no
// identity.
func (g *Gate) pass(to http.Header, r *http.Request, d decision) {
	if cookies := g.foreignCookies(r.Header["Cookie"]); cookies != "" {
		to["Cookie"] = []string{cookies}
	}
	if v := r.Header["Authorization"]; len(v) == 1 && personalToken(r) == "" {
		to["Authorization"] = v
	}
	if d.who != nil {
		maps.Copy(to, g.identity(d.who, d.Address.Host))
	}
}

// foreignCookies are the cookies that are not ours.
func (g *Gate) foreignCookies(lines []string) string {
	var kept strings.Builder
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")
			if pair == "" || g.ours(strings.TrimSpace(name)) {
				continue
			}
			if kept.Len() > 0 {
				kept.WriteString("; ")
			}
			kept.WriteString(pair)
		}
	}
	return kept.String()
}

// identities remembers what was said of callers, so that not every request costs a
// signature.
type identities struct {
	mu   sync.RWMutex
	said map[string]identity
}

// identity is what was said of a caller, and of which facts it was made.
type identity struct {
	headers http.Header // never written after it was made
	until   time.Time
	email   string
	roles   []string
	level   int
	fresh   time.Time
}

const (
	// identityFor is how long an assertion is used again: what an application gets is
	// good for the rest of its life.
	identityFor = inner.Life / 3
	// maxIdentities bounds the memory.
	maxIdentities = 20_000
)

// identity returns the headers about a caller for a host.
func (g *Gate) identity(who *login.Who, host string) http.Header {
	now := g.s.c.Now()
	key := who.Session.Hash + " " + who.Session.ID + " " + host
	g.known.mu.RLock()
	id, ok := g.known.said[key]
	g.known.mu.RUnlock()
	if ok && now.Before(id.until) && id.until.Sub(now) <= identityFor && id.email == who.User.Email &&
		id.level == int(who.Session.Level) &&
		id.fresh.Equal(who.Session.FreshAt) && slices.Equal(id.roles, who.User.Roles) {
		return id.headers
	}
	id = identity{
		headers: g.introduce(who, host, now), until: now.Add(identityFor), email: who.User.Email,
		level: int(who.Session.Level),
		fresh: who.Session.FreshAt, roles: who.User.Roles,
	}
	g.known.mu.Lock()
	defer g.known.mu.Unlock()
	if g.known.said == nil || len(g.known.said) >= maxIdentities {
		g.known.said = map[string]identity{}
	}
	g.known.said[key] = id
	return id.headers
}

// introduce makes the headers about a caller.
func (g *Gate) introduce(who *login.Who, host string, now time.Time) http.Header {
	c := inner.Claims{Audience: host, Subject: who.User.ID, Email: who.User.Email, Groups: who.User.Roles}
	level := strconv.Itoa(int(who.Session.Level))
	if who.Program != nil { // a program has proven nothing
		level, c.Scope = "0", strings.Join(who.Program.Scopes, " ")
	} else {
		c.Describe(who.Session)
	}
	h := http.Header{
		headerUser: {who.User.ID}, headerEmail: {who.User.Email}, headerLevel: {level},
		headerAssertion: {g.signer.Sign(c, now)},
	}
	if groups := apart(who.User.Roles); len(groups) > 0 {
		h[headerGroups] = []string{strings.Join(groups, ",")}
	}
	if c.AuthTime > 0 {
		h[headerFresh] = []string{strconv.FormatInt(c.AuthTime, 10)}
	}
	return h
}

// apart are the roles that a header can say. One with a comma would be taken for two
// of other names; the assertion says it.
func apart(roles []string) []string {
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool {
		return strings.ContainsFunc(role, func(c rune) bool { return c == ',' || unicode.IsControl(c) })
	})
}
