package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// rememberMeLife returns the time for which a browser may stay signed in, or zero, if its user has asked
// for it and has just proven the given level. After two factors it also replaces the second one, so
// it is allowed only if browsers may be trusted, and for no longer.
func (l Sessions) rememberMeLife(asked bool, u storage.User, proven storage.Level) time.Duration {
	switch {
	case !asked || l.c.RememberMe == nil:
		return 0
	case proven < storage.TwoFactors:
		return l.c.RememberMe.Life()
	case l.SecondFactor.trusts(u):
		return min(l.c.RememberMe.Life(), l.c.Devices.Life())
	}
	return 0
}

// stay makes the browser stay signed in if that was granted, and ends this for the previous user of
// the browser. Every step that signs in calls it after the last factor, and not before (R23).
func (l Sessions) stay(ctx context.Context, out *Outcome, g granted, b Client) error {
	if g.renews != nil || g.family != nil || g.stays != nil {
		return nil // the session continues
	}
	if out.Forget = b.RememberMe != ""; out.Forget {
		if err := l.forget(ctx, b); err != nil {
			return err
		}
	}
	if g.rememberMe <= 0 {
		return nil
	}
	d := storage.Device{
		Name: device.Name(b.Agent), Address: b.Address, Level: g.level, Proofs: g.proofs, SessionID: out.Session.ID,
	}
	if g.trusted {
		d.Level = storage.TwoFactors // one factor now, the other when the device was trusted
		d.TrustedBy = g.trustedBy
	}
	at := l.at(b)
	at.Session = out.Session.ID
	if err := l.tell(ctx, event.BrowserStays{User: subject(g.user), Context: at}); err != nil {
		return err
	}
	notices := l.mail.notices(ctx, g.user, BrowserStays, "", b)
	cookie, err := l.c.RememberMe.Keep(ctx, g.user, d, g.rememberMe, notices...)
	if err != nil {
		return err
	}
	if err := l.boundDevices(ctx, g.user, b); err != nil {
		return err
	}
	l.mail.kickOutbox()
	out.RememberMeCookie, out.RememberMeLife, out.Forget = cookie, g.rememberMe, false
	return nil
}

// forget ends "remember me" of the browser, for any user, and the sessions that came from it. The
// cookie may be an older one, because this gives no access.
func (l Sessions) forget(ctx context.Context, b Client) error {
	if l.c.RememberMe == nil || b.RememberMe == "" {
		return nil
	}
	made, ok := l.c.RememberMe.Made(b.RememberMe)
	if !ok {
		return nil
	}
	return ended(l.end(ctx, made.UserID, made.SessionID))
}

// Stay signs in a browser that stays signed in. Its cookie counts as one factor, proven when the
// cookie was set. An account with a second factor can be opened only if that factor was proven too
// and the policy allows trusted browsers; the session is then like that of a trusted device. The
// session is never fresh. The cookie is exchanged first. A cookie that was exchanged before has
// been copied, and everything that came from it is ended. It returns ErrNotRemembered, or ErrLocked if
// the application refuses now.
func (l Sessions) Stay(ctx context.Context, b Client) (Outcome, error) {
	if l.c.RememberMe == nil {
		return Outcome{}, ErrNotRemembered
	}
	made, ok := l.c.RememberMe.Made(b.RememberMe)
	if !ok {
		return Outcome{}, ErrNotRemembered
	}
	u, err := l.c.Accounts.ByID(ctx, made.UserID)
	if err == nil {
		err = l.mayStay(ctx, u, b)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, ErrDisabled), errors.Is(err, ErrUnconfirmed):
		return Outcome{}, ErrNotRemembered
	case err != nil:
		return Outcome{}, err
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	next := policy.Next(l.rules, l.facts(u, factors), policy.By(policy.RememberMe))
	second := next.Do == policy.Prove
	if next.Do != policy.SignIn && !next.BrowserDoes {
		return Outcome{}, ErrNotRemembered
	}
	copied := func() []storage.Message { return l.mail.notices(ctx, u, StayingCopied, "", b) }
	known, ok, err := l.c.RememberMe.Recognize(ctx, u, b.RememberMe, b.Address, copied)
	if errors.Is(err, device.ErrCopied) {
		return Outcome{}, recordedOr(ErrNotRemembered, l.rememberMeCopied(ctx, u, made, b))
	}
	if err != nil {
		return Outcome{}, err
	}
	if !ok || second && known.Level < storage.TwoFactors {
		return Outcome{}, ErrNotRemembered
	}
	// It ends with the trusted browser from which it was created. It also ends if it counts as a
	// second factor and its proofs are no longer sufficient.
	enough := func(d storage.Device) bool { return !second || l.vouches(d) }
	if stands, err := l.c.Devices.StillProves(ctx, u.ID, known.ID, enough); err != nil {
		return Outcome{}, err
	} else if !stands {
		return Outcome{}, recordedOr(ErrNotRemembered, ended(l.end(ctx, u.ID, known.SessionID)))
	}
	return l.stayed(ctx, u, known, second, b)
}

// stayed issues the session of a browser whose cookie has just been exchanged.
func (l Sessions) stayed(
	ctx context.Context, u storage.User, known device.Known, trusted bool, b Client,
) (Outcome, error) {
	b.WantToken = false // a cookie cannot request a token
	trustedBy := ""
	if trusted {
		trustedBy = known.ID
	}
	out, err := l.finish(ctx, granted{
		user: u, level: storage.OneFactor, trusted: trusted, trustedBy: trustedBy, stays: &known.Device,
		proofs: []storage.Proof{
			{Method: policy.RememberMe, At: known.CreatedAt, Rests: storage.RestsOn(policy.RememberMe)},
		},
	}, b)
	if err != nil {
		return Outcome{}, err
	}
	// If the user has just signed out, the new session must end, too.
	all, err := l.c.RememberMe.List(ctx, u.ID)
	if err != nil || !slices.ContainsFunc(all, func(d storage.Device) bool { return d.ID == known.ID }) {
		_, _ = l.c.Sessions.Take(ctx, out.Session.Hash)
		return Outcome{}, recordedOr(ErrNotRemembered, err)
	}
	out.RememberMeCookie, out.RememberMeLife = known.Next, known.Left
	return out, nil
}

// rememberMeCopied ends the sessions of a browser whose old cookie was presented. The removal of the
// record has stored a notice to the owner. Neither holder of the cookie need know anything else, so
// the rest of the account is not changed.
func (l Sessions) rememberMeCopied(ctx context.Context, u storage.User, made storage.Device, b Client) error {
	l.mail.kickOutbox()
	if err := ended(l.end(ctx, u.ID, made.SessionID)); err != nil {
		return err
	}
	at := l.at(b)
	at.Session = made.SessionID
	return l.tell(ctx, event.StayingCopied{User: subject(u), Context: at})
}
