package twofold

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
)

// Tokens configures the tokens of programs. A header token (include_auth_token)
// is always available; Session.TokenLife is its lifetime.
type Tokens struct {
	// Refresh issues a refresh token with each header token. A program
	// exchanges it at /refresh-token. Each refresh token is single-use; reuse
	// revokes the whole token family. It is never fresh, and a change of the
	// password or the factors revokes it.
	Refresh bool
	// RefreshLife is the lifetime of a token family; the default is 90 days.
	// RefreshIdle revokes a family that is not used for so long; the default is
	// 7 days. Trade-off: a stolen refresh token that its owner no longer uses
	// works for that long.
	RefreshLife, RefreshIdle time.Duration
	// RefreshInBody returns the refresh token in the answer. If it is not set,
	// the token is in a cookie that scripts cannot read.
	RefreshInBody bool
	// RefreshCookie is the name of that cookie. The default is "fs_refresh".
	RefreshCookie string
	// Scopes are the scopes that personal access tokens may have, such as
	// "read". If it is empty, there are no such tokens. RequireScope allows
	// them.
	Scopes []string
	// PersonalLife is the maximum lifetime of a personal access token. The
	// default is 90 days and the maximum 366.
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

// RequireScope allows requests with a personal access token that has all the
// scopes, and requests of signed-in users. It must be the outermost guard,
// because every other guard refuses such tokens.
//
//	mux.Handle("/api/orders", auth.RequireScope("orders")(auth.RequireTwoFactor(orders)))
func (a *Auth) RequireScope(names ...string) func(http.Handler) http.Handler {
	return a.site.RequireScope(names...)
}
