package twofold

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
)

// Tokens says what programs may hold. A header token (include_auth_token) is
// always to be had: it lives as Session.TokenLife says.
type Tokens struct {
	// Refresh hands out a refresh token beside a header token: a program goes on
	// with it at /refresh-token, each works once, and one that comes back ends
	// all that was minted beside it. It is never fresh, and dies with any change
	// of password or factors.
	Refresh bool
	// RefreshLife is how long a program can go on so: 90 days if zero.
	// RefreshIdle ends it earlier if it does not: 7 days if zero. A stolen
	// program works as long.
	RefreshLife, RefreshIdle time.Duration
	// RefreshInBody puts the refresh token into answers, not into a cookie that
	// no script can read.
	RefreshInBody bool
	// RefreshCookie is that cookie's name; "fs_refresh" if empty.
	RefreshCookie string
	// Scopes may be given to personal access tokens, e.g. "read". None if empty,
	// and then there are no such tokens. RequireScope lets them through.
	Scopes []string
	// PersonalLife is the longest life of one: 90 days if zero, at most 366.
	PersonalLife time.Duration
}

var scopeName = regexp.MustCompile(`^[a-z][a-z0-9._:-]{0,31}$`)

func (t Tokens) withDefaults() Tokens {
	setDefault(&t.RefreshLife, 90*24*time.Hour)
	setDefault(&t.RefreshIdle, 7*24*time.Hour)
	setDefault(&t.PersonalLife, 90*24*time.Hour)
	if t.RefreshCookie == "" {
		t.RefreshCookie = "fs_refresh"
	}
	return t
}

func (t Tokens) check(bad func(field, text string)) {
	d := t.withDefaults()
	if d.RefreshIdle < time.Minute || d.RefreshLife < d.RefreshIdle || d.RefreshLife > 366*24*time.Hour {
		bad("Tokens.RefreshLife", "must be at most 366 days and not below RefreshIdle, which is at least a minute")
	}
	if d.PersonalLife < 24*time.Hour || d.PersonalLife > 366*24*time.Hour {
		bad("Tokens.PersonalLife", "must be between 1 and 366 days")
	}
	for _, s := range t.Scopes {
		if !scopeName.MatchString(s) {
			bad("Tokens.Scopes", `a scope is a word such as "read" or "orders:write"`)
			break
		}
	}
	if strings.ContainsAny(d.RefreshCookie, " ;,=\"\\\t\r\n") {
		bad("Tokens.RefreshCookie", "is no name of a cookie")
	}
}

func (t Tokens) policy() login.Tokens {
	p := login.Tokens{RefreshIdle: t.RefreshIdle, Scopes: t.Scopes, PersonalLife: t.PersonalLife}
	if t.Refresh {
		p.RefreshLife = t.RefreshLife
	}
	return p
}

func (t Tokens) paths() web.TokenConfig {
	c := web.TokenConfig{Refresh: t.Refresh, Scopes: t.Scopes, MaxLife: t.PersonalLife}
	if t.Refresh && !t.RefreshInBody {
		c.RefreshCookie = t.RefreshCookie
	}
	return c
}

// RequireScope lets personal access tokens through that have all the scopes,
// and people, who have them all. It must be the outermost guard: no other lets
// such a token in.
//
//	mux.Handle("/api/orders", auth.RequireScope("orders")(auth.RequireTwoFactor(orders)))
func (a *Auth) RequireScope(names ...string) func(http.Handler) http.Handler {
	return a.site.RequireScope(names...)
}
