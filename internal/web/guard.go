package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/store"
)

// whoKey is under what a guard puts the caller into the request's context. A
// site believes only its own guards: the user of another site in the same
// program may have the same roles and is a stranger here.
type whoKey struct{ site *Site }

// WhoOf returns the signed-in caller that the innermost guard let through,
// whichever site it belongs to; nil without one.
func WhoOf(r *http.Request) *login.Who { return whoOf(r, nil) }

func whoOf(r *http.Request, site *Site) *login.Who {
	who, _ := r.Context().Value(whoKey{site}).(*login.Who)
	return who
}

// guarded adds the caller that a guard of this site let through.
func (s *Site) guarded(r *http.Request, who *login.Who) *http.Request {
	ctx := r.Context()
	if whoOf(r, nil) != who {
		ctx = context.WithValue(ctx, whoKey{}, who)
	}
	if whoOf(r, s) != who {
		ctx = context.WithValue(ctx, whoKey{s}, who)
	}
	if ctx == r.Context() {
		return r
	}
	return r.WithContext(ctx)
}

// rule of a guard: nil lets the caller through.
type check func(ctx context.Context, who login.Who) error

var (
	errNeedsFactor = errors.New("web: a second factor is needed")
	errNeedsStrong = errors.New("web: a strong factor is needed, and the account has none")
	errProveStrong = errors.New("web: a strong factor is to be proven")
	errRole        = errors.New("web: a role is missing")
	errScope       = errors.New("web: the token lacks a scope")
)

// RequireUser lets signed-in callers through.
func (s *Site) RequireUser(next http.Handler) http.Handler {
	return s.guard(next, func(context.Context, login.Who) error { return nil })
}

// RequireTwoFactor lets callers through whose session rests on two factors, or
// on one and a trusted device.
func (s *Site) RequireTwoFactor(next http.Handler) http.Handler {
	return s.guard(next, func(_ context.Context, who login.Who) error {
		if who.Session.Level >= store.TwoFactors || who.Session.Trusted {
			return nil
		}
		return errNeedsFactor
	})
}

// RequireStrong lets callers through whose session rests on two factors of
// which one is not a text, no mail and no trusted browser.
func (s *Site) RequireStrong(next http.Handler) http.Handler {
	return s.guard(next, func(ctx context.Context, who login.Who) error {
		if login.Strong(who.Session) {
			return nil
		}
		return needsStrong(ctx, s.c.Login, who.User)
	})
}

// needsStrong is the refusal of a user who must prove a strong factor or, without
// one, set one up.
func needsStrong(ctx context.Context, l *login.Login, u store.User) error {
	has, err := l.HasStrong(ctx, u)
	switch {
	case err != nil:
		return err
	case has:
		return errProveStrong
	}
	return errNeedsStrong
}

// RequireFresh lets callers through who proved all that their account asks for
// no longer than d ago.
func (s *Site) RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(ctx context.Context, who login.Who) error {
			return s.c.Login.RequireFresh(ctx, who, d)
		})
	}
}

// RequireRole lets callers through who have all the roles.
func (s *Site) RequireRole(names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(_ context.Context, who login.Who) error {
			for _, n := range names {
				if !slices.Contains(who.User.Roles, n) {
					return errRole
				}
			}
			return nil
		})
	}
}

// RequireAnyRole lets callers through who have at least one of the roles. Without a
// name it lets no one through.
func RequireAnyRole(s *Site, names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(_ context.Context, who login.Who) error {
			if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(who.User.Roles, n) }) {
				return nil
			}
			return errRole
		})
	}
}

// RequirePermission lets callers through whose roles permit all the names. It
// asks the store each time: what was taken away is gone at the next request.
func (s *Site) RequirePermission(names ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.guard(next, func(ctx context.Context, who login.Who) error {
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

func (s *Site) guard(next http.Handler, ok check) http.Handler {
	return s.guardBy(s.Who, next, ok)
}

// guardBy is a guard for callers that who recognises.
func (s *Site) guardBy(recognise func(*http.Request) (*login.Who, error), next http.Handler, ok check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := whoOf(r, s) // an outer guard of this site has looked already
		var err error
		if who == nil {
			if who, err = recognise(r); errors.Is(err, store.ErrNotFound) {
				who, err = s.stay(w, r)
			}
		}
		if err == nil && !who.Session.Token {
			// A cookie goes along with what another site makes a browser send.
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
		// Pages behind a guard are for one person: no cache may keep them, and
		// the handler may say otherwise.
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Add("Vary", "Cookie")
		next.ServeHTTP(w, r)
	})
}

// Identify lets every request through, and puts the signed-in caller, if there
// is one, into the request's context as a guard does.
func (s *Site) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		if who := whoOf(r, s); who != nil {
			next.ServeHTTP(w, s.guarded(r, who))
			return
		}
		if WhoOf(r) != nil { // the user of another site is a stranger here
			r = s.guarded(r, nil)
		}
		who, err := s.Who(r)
		if errors.Is(err, store.ErrNotFound) {
			who, err = s.stay(w, r)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			s.c.Log.ErrorContext(r.Context(), "the user of a request could not be read", "path", r.URL.Path, "cause", err)
		case who.Enrolls: // a sign-in of today would not be over
		case who.Session.Token || s.checkOrigin(r) == nil:
			r = s.guarded(r, who)
			w.Header().Set("Cache-Control", "private, no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// turnAway says what is missing: 401 or 403 as JSON, else a redirect to where
// it can be had, with the way back.
func (s *Site) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	s.headers(w)
	s.share(w, r)
	c := &call{w: w, r: r, json: wantsJSON(r), words: s.words(r), looked: true}
	if errors.Is(err, login.ErrReauthenticate) {
		c.who, _ = s.Who(r) // only to say how he may prove himself
	}
	s.refuse(c, nil, s.whyNot(c, err))
}

func (s *Site) whyNot(c *call, err error) *failure {
	back := ""
	if safeMethod(c.r.Method) {
		back = c.r.URL.RequestURI()
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		f := fail(http.StatusUnauthorized, "", "UNAUTHENTICATED").flat().goTo(withNext(s.paths.Login, back))
		if c.json || !c.looked || s.jar.get(c.r, s.jar.session()) == "" {
			return f.silent() // a first visit: the page says what to do
		}
		s.jar.clear(c.w, c.r, s.jar.session())
		return f.says("AWAY")
	case errors.Is(err, login.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.verifyPath(), back))
	case errors.Is(err, errNeedsFactor):
		f := fail(http.StatusForbidden, "", "TWO_FACTOR_NEEDED").flat().goTo(withNext(s.paths.Setup, back))
		f.extras = map[string]any{"tf_required": true, "tf_setup_url": s.paths.Setup}
		return f
	case errors.Is(err, errProveStrong):
		return fail(http.StatusForbidden, "", "TWO_FACTOR_STRONG").flat().goTo(withNext(s.verifyPath(), back))
	case errors.Is(err, errNeedsStrong):
		f := fail(http.StatusForbidden, "", "TWO_FACTOR_STRONG").flat().goTo(withNext(s.paths.Setup, back))
		f.extras = map[string]any{"tf_required": true, "tf_setup_url": s.paths.Setup}
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
