package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// whoKey is the context key under which a guard stores the caller. A site accepts only its own
// guards, because the user of another site in the same program may have the same roles but no
// account here.
type whoKey struct{ site *Site }

// WhoOf returns the signed-in caller stored by the innermost guard of any site, or nil.
func WhoOf(r *http.Request) *auth.Principal { return whoOf(r, nil) }

func whoOf(r *http.Request, site *Site) *auth.Principal {
	who, _ := r.Context().Value(whoKey{site}).(*auth.Principal)
	return who
}

// guarded stores the caller that a guard of this site has allowed.
func (s Guards) guarded(r *http.Request, who *auth.Principal) *http.Request {
	ctx := r.Context()
	if whoOf(r, nil) != who {
		ctx = context.WithValue(ctx, whoKey{}, who)
	}
	if whoOf(r, s.Site) != who {
		ctx = context.WithValue(ctx, whoKey{s.Site}, who)
	}
	if ctx == r.Context() {
		return r
	}
	return r.WithContext(ctx)
}

// check is the rule of a guard. It returns nil if the caller is allowed.
type check func(ctx context.Context, who auth.Principal) error

var (
	errNeedsFactor = errors.New("web: a second factor is needed")
	errNeedsStrong = errors.New("web: a strong factor is needed, and the account has none")
	errProveStrong = errors.New("web: a strong factor is to be proven")
	errRole        = errors.New("web: a role is missing")
	errScope       = errors.New("web: the token lacks a scope")
)

// RequireUser allows signed-in callers.
func (s Guards) RequireUser(next http.Handler) http.Handler {
	return s.guard(next, func(context.Context, auth.Principal) error { return nil })
}

// RequireTwoFactor allows callers whose session has two factors, or one factor and a trusted
// device.
func (s Guards) RequireTwoFactor(next http.Handler) http.Handler {
	return s.guard(next, func(_ context.Context, who auth.Principal) error {
		if who.Session.Level >= storage.TwoFactors || who.Session.Trusted {
			return nil
		}
		return errNeedsFactor
	})
}

// RequireStrong allows callers whose session has two factors, one of which is not SMS, e-mail or a
// trusted browser.
func (s Guards) RequireStrong(next http.Handler) http.Handler {
	return s.guard(next, func(ctx context.Context, who auth.Principal) error {
		if auth.Strong(who.Session) {
			return nil
		}
		return needsStrong(ctx, s.c.Login, who.User)
	})
}

// needsStrong returns the refusal of a user who must prove a strong factor or, without one, set one
// up.
func needsStrong(ctx context.Context, l *auth.Login, u storage.User) error {
	has, err := l.SecondFactor.HasStrong(ctx, u)
	switch {
	case err != nil:
		return err
	case has:
		return errProveStrong
	}
	return errNeedsStrong
}

// RequireFresh allows callers who have proven all required factors at most d ago.
func (s Guards) RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(ctx context.Context, who auth.Principal) error {
			return s.c.Login.Reauth.RequireFresh(ctx, who, d)
		})
	}
}

// RequireRole allows callers who have all the roles.
func (s Guards) RequireRole(names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(_ context.Context, who auth.Principal) error {
			for _, n := range names {
				if !slices.Contains(who.User.Roles, n) {
					return errRole
				}
			}
			return nil
		})
	}
}

// RequireAnyRole allows callers who have at least one of the roles. Without names it allows no one.
func RequireAnyRole(s *Site, names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.Guards.guard(next, func(_ context.Context, who auth.Principal) error {
			if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(who.User.Roles, n) }) {
				return nil
			}
			return errRole
		})
	}
}

// RequirePermission allows callers whose roles grant all the permissions. It reads the store each
// time, so a removal applies to the next request.
func (s Guards) RequirePermission(names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(ctx context.Context, who auth.Principal) error {
			have, err := s.c.Permissions(ctx, who.User.Roles)
			if err != nil {
				return err
			}
			for _, n := range names {
				if !slices.Contains(have, n) {
					return errRole
				}
			}
			return nil
		})
	}
}

func (s Guards) guard(next http.Handler, ok check) http.Handler {
	return s.guardBy(s.Principal, next, ok)
}

// guardBy is a guard for callers that recognize identifies.
func (s Guards) guardBy(recognize func(*http.Request) (*auth.Principal, error), next http.Handler,
	ok check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := whoOf(r, s.Site) // an outer guard of this site may have identified the caller
		var err error
		if who == nil {
			if who, err = recognize(r); errors.Is(err, storage.ErrNotFound) {
				who, err = s.session.stay(w, r)
			}
		}
		if err == nil && !who.Session.Token {
			// Browsers send cookies even with requests that another site initiates.
			if f := s.checkOrigin(r); f != nil {
				err = f
			}
		}
		if err == nil && who.Enrolls {
			err = errNeedsFactor
		}
		if err == nil {
			err = ok(r.Context(), *who)
		}
		if err != nil {
			s.turnAway(w, r, err)
			return
		}
		r = s.guarded(r, who)
		// Pages behind a guard are for one user, so they must not be cached. The handler may
		// override this.
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Add("Vary", "Cookie")
		next.ServeHTTP(w, r)
	})
}

// Identify passes every request on and stores the signed-in caller, if there is one, in the
// request's context like a guard.
func (s Guards) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		if who := whoOf(r, s.Site); who != nil {
			next.ServeHTTP(w, s.guarded(r, who))
			return
		}
		if WhoOf(r) != nil { // the user of another site has no account here
			r = s.guarded(r, nil)
		}
		who, err := s.Principal(r)
		if errors.Is(err, storage.ErrNotFound) {
			who, err = s.session.stay(w, r)
		}
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			s.c.Log.ErrorContext(r.Context(), "the user of a request could not be read", "path", r.URL.Path, "cause",
				err)
		case who.Enrolls: // the session lacks a required factor
		case who.Session.Token || s.checkOrigin(r) == nil:
			r = s.guarded(r, who)
			w.Header().Set("Cache-Control", "private, no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// turnAway reports the missing requirement: with 401 or 403 as JSON, or with a redirect to the page
// that meets it, which leads back.
func (s Guards) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	s.headers(w)
	s.spa.share(w, r)
	c := &call{w: w, r: r, json: wantsJSON(r), words: s.words(r), looked: true}
	if errors.Is(err, auth.ErrReauthenticate) {
		c.who, _ = s.Principal(r) // only to find the page for re-authentication
	}
	s.refuse(c, nil, s.whyNot(c, err))
}

func (s Guards) whyNot(c *call, err error) *failure {
	back := ""
	if safeMethod(c.r.Method) {
		back = c.r.URL.RequestURI()
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		f := fail(http.StatusUnauthorized, "", "UNAUTHENTICATED").flat().goTo(withNext(s.paths.Login, back))
		if c.json || !c.looked || s.jar.get(c.r, s.jar.session()) == "" {
			return f.silent() // first visit: the page explains what to do
		}
		s.jar.clear(c.w, c.r, s.jar.session())
		return f.says("AWAY")
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), back))
	case errors.Is(err, errNeedsFactor):
		f := fail(http.StatusForbidden, "", "TWO_FACTOR_NEEDED").flat().goTo(withNext(s.paths.Setup, back))
		f.extras = refusedBody{stepBody: &stepBody{Required: true}, SetupURL: s.paths.Setup}
		return f
	case errors.Is(err, errProveStrong):
		return fail(http.StatusForbidden, "",
			"TWO_FACTOR_STRONG").flat().goTo(withNext(s.passwordless.verifyPath(), back))
	case errors.Is(err, errNeedsStrong):
		f := fail(http.StatusForbidden, "", "TWO_FACTOR_STRONG").flat().goTo(withNext(s.paths.Setup, back))
		f.extras = refusedBody{stepBody: &stepBody{Required: true}, SetupURL: s.paths.Setup}
		return f
	case errors.Is(err, errScope):
		return fail(http.StatusForbidden, "", "UNAUTHORIZED").flat()
	case errors.Is(err, errRole):
		f := fail(http.StatusForbidden, "", "UNAUTHORIZED").flat()
		if s.views.Unauthorized != "" {
			f = f.goTo(s.views.Unauthorized)
		}
		return f
	}
	return s.toFailure(err)
}
