package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// passed is a first factor that was just proven.
type passed struct {
	first    storage.Proof
	remember bool
	place    *limit.Reservation // place of the guess; nil if its budgets have been updated
}

// afterFirstFactor is like pass, for a first factor whose budgets have been updated.
func (l *Login) afterFirstFactor(ctx context.Context, u storage.User, first storage.Proof, remember bool,
	b Client) (Outcome, error) {
	return l.continueSignIn(ctx, u, passed{first, remember, nil}, b)
}

// continueSignIn continues a sign-in after any first factor. The account's factors and the policy decide the
// next step, not the way of signing in.
func (l *Login) continueSignIn(ctx context.Context, u storage.User, p passed, b Client) (Outcome, error) {
	if err := l.checkAllowed(u); err != nil {
		return Outcome{}, recordedOr(err, p.place.Succeed(ctx))
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	first, remember := p.first, p.remember
	next := policy.Next(l.rules, l.facts(u, factors), first)
	begin := func(state storage.PendingState, factors []storage.Factor) (Outcome, error) {
		waits := storage.Pending{State: state, First: first, Remember: remember}
		return l.beginPending(ctx, entry{u, factors, waits, p.place}, b)
	}
	switch {
	case next.Do == policy.ProveMailbox:
		return begin(storage.Owner, nil)
	case next.Do == policy.Enroll:
		return begin(storage.Setup, nil)
	case next.Do != policy.SignIn && len(next.Factors) > 0 && !(next.BrowserDoes && b.Device != ""):
		return begin("", next.Factors)
	}
	if err := p.place.Succeed(ctx); err != nil {
		return Outcome{}, err
	}
	g := granted{user: u, level: storage.OneFactor, proofs: []storage.Proof{first}}
	if next.Do == policy.SignIn {
		g.rememberMe = l.Sessions.rememberMeLife(remember, u, g.level)
		return l.finish(ctx, g, b)
	}
	if next.BrowserDoes && b.Device != "" {
		known, ok, err := l.c.Devices.Recognize(ctx, u, b.Device, b.Address, nil)
		if errors.Is(err, device.ErrCopied) {
			if u, err = l.copied(ctx, u, b); err != nil {
				return Outcome{}, err
			}
		}
		if err != nil {
			return Outcome{}, err
		}
		switch {
		case ok && !l.Sessions.vouches(known.Device): // its secret was replaced, so the cookie is invalid
			if err := ended(l.c.Devices.Revoke(ctx, u.ID, known.ID)); err != nil {
				return Outcome{}, err
			}
		case ok:
			// Do not stay longer than the device that replaces the second factor.
			g.trusted, g.trustedBy, g.rememberMe = true, known.ID,
				min(known.Left, l.Sessions.rememberMeLife(remember, u, storage.TwoFactors))
			out, err := l.finish(ctx, g, b)
			out.DeviceCookie, out.DeviceLife = known.Next, known.Left
			return out, err
		}
	}
	if len(next.Factors) == 0 {
		return Outcome{}, ErrSameFactor
	}
	return begin("", next.Factors)
}

// copied ends all sessions and tokens of an account whose trusted device was copied, because one of
// the two holders knows the password and is not the owner.
func (l *Login) copied(ctx context.Context, u storage.User, b Client) (storage.User, error) {
	return l.change(ctx, change{
		user: u, notices: []SecurityNotice{{Kind: DeviceCopied}},
		apply: l.factorChange(u, storage.FactorChange{}),
		event: func(u storage.User) event.Event {
			return event.DeviceCopied{User: subject(u), Context: l.at(b)}
		},
	}, b)
}

// finish issues the session and returns the outcome.
func (l *Login) finish(ctx context.Context, g granted, b Client) (Outcome, error) {
	opened, err := l.issue(ctx, g, b)
	if err != nil {
		return Outcome{}, err
	}
	out := l.Account.withNews(ctx, Outcome{User: g.user, Session: opened}, g)
	if !g.quiet && !g.verified && g.stays == nil {
		l.Sessions.arrived(ctx, g.user, b)
	}
	if opened.Token != "" { // a program that renews its header token has no cookies
		if out.KnownCookie, err = l.Sessions.notes().add(g.user, b); err != nil {
			return Outcome{}, err
		}
	}
	return out, l.Sessions.stay(ctx, &out, g, b)
}
