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

	"github.com/twofold-auth/twofold/internal/auth"
	inner "github.com/twofold-auth/twofold/internal/gate"
)

// The headers that identify the user to an application.
const (
	headerUser      = "Remote-User"
	headerEmail     = "Remote-Email"
	headerGroups    = "Remote-Groups"
	headerLevel     = "Twofold-Level"
	headerFresh     = "Twofold-Fresh"
	headerAssertion = "Twofold-Assertion"
)

// passed returns the headers that a proxy passes to the application.
func passed() [8]string {
	return [...]string{
		headerUser, headerEmail, headerGroups, headerLevel, headerFresh, headerAssertion, "Cookie", "Authorization",
	}
}

// stripIdentity removes identity headers that a client may have sent. Many servers treat an
// underscore in a header name as a hyphen.
func stripIdentity(h http.Header) {
	for name := range h {
		plain := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if strings.HasPrefix(plain, "remote-") || strings.HasPrefix(plain, "twofold-") {
			delete(h, name)
		}
	}
}

// stripConnection keeps in Connection only the option that upgrades a connection. A proxy behind
// the gate removes the headers that Connection names (RFC 9110 section 7.6.1), so a client could
// make it remove the identity headers.
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

// pass sets the headers for the application: the identity headers, and the client's cookies and
// authorization without ours. A stranger on a public page has no identity.
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

// foreignCookies returns the cookies that are not ours.
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

// identities caches the headers about callers, so that not every request needs a signature.
type identities struct {
	mu   sync.RWMutex
	said map[string]identity
}

// identity contains the headers about a caller and the facts from which they were created.
type identity struct {
	headers http.Header // never changed after creation
	until   time.Time
	email   string
	roles   []string
	level   int
	fresh   time.Time
}

const (
	// identityFor is the time for which an assertion is reused. It stays valid for the rest of its
	// lifetime.
	identityFor = inner.Life / 3
	// maxIdentities bounds the size of the cache.
	maxIdentities = 20_000
)

// identity returns the headers about a caller for a host.
func (g *Gate) identity(who *auth.Principal, host string) http.Header {
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

// introduce creates the headers about a caller.
func (g *Gate) introduce(who *auth.Principal, host string, now time.Time) http.Header {
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

// apart returns the roles that a header can contain. A role with a comma would look like two roles;
// it is only in the assertion.
func apart(roles []string) []string {
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool {
		return strings.ContainsFunc(role, func(c rune) bool { return c == ',' || unicode.IsControl(c) })
	})
}
