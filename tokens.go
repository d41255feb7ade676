package twofold

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/web"
)

// Tokens configures the tokens of programs. A header token (include_auth_token)
// is always available; Sessions.TokenLife is its lifetime.
type Tokens struct {
	// Refresh issues a refresh token with each header token. A program exchanges it at
	// /refresh-token. Each refresh token is single-use; reuse revokes the whole token family. A
	// session from a refresh token is never fresh. A change of the password or the factors revokes
	// the token.
	Refresh bool
	// RefreshLife is the lifetime of a token family; the default is 90 days. RefreshIdle is the
	// time without use after which a family is revoked; the default is 7 days. Both must be between
	// 1 minute and 366 days, and RefreshIdle no more than RefreshLife. Trade-off: a stolen refresh
	// token that its owner no longer uses works for that long.
	RefreshLife, RefreshIdle time.Duration
	// RefreshInBody returns the refresh token in the answer. If it is not set,
	// the token is in a cookie that scripts cannot read.
	RefreshInBody bool
	// RefreshCookie is the name of that cookie. The default is "fs_refresh".
	RefreshCookie string
	// Scopes are the scopes that personal access tokens may have, such as "read". If it is empty,
	// personal access tokens are off. RequireScope allows requests with such tokens.
	Scopes []string
	// PersonalLife is the maximum lifetime of a personal access token: between 24 hours and 366 days.
	// The default is 90 days.
	PersonalLife time.Duration
}

var scopeName = regexp.MustCompile(`^[a-z][a-z0-9._:-]{0,31}$`)

func (t Tokens) check(bad func(field, text string)) {
	for _, s := range t.Scopes {
		if !scopeName.MatchString(s) {
			bad("Tokens.Scopes", `a scope is a word such as "read" or "orders:write"`)
			break
		}
	}
	if strings.ContainsAny(t.RefreshCookie, " ;,=\"\\\t\r\n") {
		bad("Tokens.RefreshCookie", "is not a name of a cookie")
	}
}

func (t Tokens) policy() auth.TokenPolicy {
	p := auth.TokenPolicy{RefreshIdle: t.RefreshIdle, Scopes: t.Scopes, PersonalLife: t.PersonalLife}
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

// MintToken creates a personal access token for an account, for example that of a program, and
// returns its text, which cannot be retrieved later. The scopes must be in Tokens.Scopes, and life
// is at most Tokens.PersonalLife. The audit trail and a mail to the owner report the new token and
// the actor (see By). The token appears in the owner's list and counts toward the limit of 50
// tokens for each account. It becomes invalid with any change of the account's credentials, with
// EndSessions, or when its owner revokes it. It is created even if the account has or must have a
// second factor, but counts as one factor, so RequireTwoFactor, RequireStrong and RequireFresh
// refuse it.
func (a *Auth) MintToken(ctx context.Context, id, name string, scopes []string, life time.Duration) (string, error) {
	if name = web.TidyName(name); name == "" {
		return "", errors.New("twofold: a token must have a name, by which its owner recognizes it")
	}
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return "", publicError(err)
	}
	text, _, err := a.login.Tokens.Grant(ctx, u, auth.PersonalTokenRequest{Name: name, Scopes: scopes, Life: life})
	return text, tokenError(err)
}

// tokenError converts the error of a token that was not created.
func tokenError(err error) error {
	for cause, problem := range map[error]string{
		auth.ErrChoice:      "choose at least one of the scopes in Tokens.Scopes, and no other",
		auth.ErrTooLong:     "its life must be positive and at most Tokens.PersonalLife",
		auth.ErrTooMany:     "the account has as many tokens as it may have: its owner can revoke one",
		auth.ErrDisabled:    "the account is not active",
		auth.ErrLocked:      "Accounts.Locked refuses the account",
		auth.ErrUnconfirmed: "the address of the account is not confirmed",
		auth.ErrUnproven:    "the address of the account is not confirmed",
	} {
		if errors.Is(err, cause) {
			return errors.New("twofold: no token created:  " + problem)
		}
	}
	return publicError(err)
}

// RequireScope allows requests with a personal access token that has all the
// scopes, and requests of signed-in users. It must be the outermost guard,
// because every other guard refuses such tokens.
//
//	mux.Handle("/api/orders", auth.RequireScope("orders")(auth.RequireTwoFactor(orders)))
func (a *Auth) RequireScope(names ...string) func(http.Handler) http.Handler {
	return a.site.Guards.RequireScope(names...)
}
