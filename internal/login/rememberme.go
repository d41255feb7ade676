package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// staying is how long a browser may stay signed in whose user asked for it and
// has just proven this much; zero: it may not. Where two factors were proven it
// also stands for the second, so it may only where browsers may be trusted, and
// for as long.
func (l *Login) staying(asked bool, u store.User, proven store.Level) time.Duration {
	switch {
	case !asked || l.c.Staying == nil:
		return 0
	case proven < store.TwoFactors:
		return l.c.Staying.Life()
	case l.trusts(u):
		return min(l.c.Staying.Life(), l.c.Devices.Life())
	}
	return 0
}

// stay ends a sign-in: the browser stays signed in if that was granted, and no
// longer as anyone who it was before. Every step that signs in comes through here
// after its last factor, and none before (R23).
func (l *Login) stay(ctx context.Context, out *Outcome, g granted, b Browser) error {
	if g.renews != nil || g.family != nil || g.stays != nil {
		return nil // carries on
	}
	if out.Forget = b.Stays != ""; out.Forget {
		if err := l.forget(ctx, b); err != nil {
			return err
		}
	}
	if g.stay <= 0 {
		return nil
	}
	d := store.Device{
		Name: device.Name(b.Agent), Address: b.Address, Level: g.level, Proofs: g.proofs, SessionID: out.Session.ID,
	}
	if g.trusted {
		d.Level = store.TwoFactors // one here, one when the device was trusted
		d.TrustedBy = g.trustedBy
	}
	at := l.at(b)
	at.Session = out.Session.ID
	if err := l.tell(ctx, event.BrowserStays{User: subject(g.user), Context: at}); err != nil {
		return err
	}
	cookie, err := l.c.Staying.Keep(ctx, g.user, d, g.stay, l.letters(ctx, g.user, BrowserStays, "", b)...)
	if err != nil {
		return err
	}
	if err := l.boundDevices(ctx, g.user, b); err != nil {
		return err
	}
	l.wake()
	out.StayCookie, out.StayLife, out.Forget = cookie, g.stay, false
	return nil
}

// forget ends that the browser stays signed in, anyone who it was, and the
// sessions that it opened. The cookie need not be the newest one: it takes
// access away and gives none.
func (l *Login) forget(ctx context.Context, b Browser) error {
	if l.c.Staying == nil || b.Stays == "" {
		return nil
	}
	made, ok := l.c.Staying.Made(b.Stays)
	if !ok {
		return nil
	}
	return ended(l.end(ctx, made.UserID, made.SessionID))
}

// Stay lets a browser in that stays signed in. Its cookie is worth one factor,
// proven when it was made, so it opens what the account asks no more for: an
// account with a second factor only where that was proven too and the policy
// lets browsers be trusted, and then as a trusted device does. It proves nothing
// again: the session is never fresh. The cookie is exchanged first; one that was
// exchanged before was copied, and ends what came of it. ErrNotStaying; ErrLocked:
// not now.
func (l *Login) Stay(ctx context.Context, b Browser) (Outcome, error) {
	if l.c.Staying == nil {
		return Outcome{}, ErrNotStaying
	}
	made, ok := l.c.Staying.Made(b.Stays)
	if !ok {
		return Outcome{}, ErrNotStaying
	}
	u, err := l.c.Accounts.ByID(ctx, made.UserID)
	if err == nil {
		err = mayStay(ctx, l, u, b)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, ErrDisabled), errors.Is(err, ErrUnconfirmed):
		return Outcome{}, ErrNotStaying
	case err != nil:
		return Outcome{}, err
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	next := policy.Next(l.rules, l.facts(u, factors), policy.By(policy.Stayed))
	second := next.Do == policy.Prove
	if next.Do != policy.SignIn && !next.BrowserDoes {
		return Outcome{}, ErrNotStaying
	}
	known, ok, err := l.c.Staying.Recognise(ctx, u, b.Stays, b.Address, l.letters(ctx, u, StayingCopied, "", b)...)
	if errors.Is(err, device.ErrCopied) {
		return Outcome{}, told(ErrNotStaying, l.stayingCopied(ctx, u, made, b))
	}
	if err != nil {
		return Outcome{}, err
	}
	if !ok || second && known.Level < store.TwoFactors {
		return Outcome{}, ErrNotStaying
	}
	// Without the trusted browser that it was made by, it is over. So is one that
	// counts as a second factor with proofs that are not enough today.
	enough := func(d store.Device) bool { return !second || l.vouches(d) }
	if stands, err := l.c.Devices.StillProves(ctx, u.ID, known.ID, enough); err != nil {
		return Outcome{}, err
	} else if !stands {
		return Outcome{}, told(ErrNotStaying, ended(l.end(ctx, u.ID, known.SessionID)))
	}
	return l.stayed(ctx, u, known, second, b)
}

// stayed issues the session of a browser whose cookie has just been exchanged.
func (l *Login) stayed(ctx context.Context, u store.User, known device.Known, trusted bool, b Browser) (Outcome, error) {
	b.WantToken = false // a cookie begets no token
	trustedBy := ""
	if trusted {
		trustedBy = known.ID
	}
	out, err := l.finish(ctx, granted{
		user: u, level: store.OneFactor, trusted: trusted, trustedBy: trustedBy, stays: &known.Device, proofs: []store.Proof{{Method: policy.Stayed, At: known.CreatedAt, Rests: store.RestsOn(policy.Stayed)}},
	}, b)
	if err != nil {
		return Outcome{}, err
	}
	// Signed out at this very moment: what was issued goes too.
	all, err := l.c.Staying.List(ctx, u.ID)
	if err != nil || !slices.ContainsFunc(all, func(d store.Device) bool { return d.ID == known.ID }) {
		_, _ = l.c.Sessions.Take(ctx, out.Session.Hash)
		return Outcome{}, told(ErrNotStaying, err)
	}
	out.StayCookie, out.StayLife = known.Next, known.Left
	return out, nil
}

// stayingCopied ends the sessions of a browser whose cookie came back; the owner
// is told by what was stored with the record's end. Of the two who hold it neither need know more than the
// cookie, so nothing else of the account is touched.
func (l *Login) stayingCopied(ctx context.Context, u store.User, made store.Device, b Browser) error {
	l.wake()
	if err := ended(l.end(ctx, u.ID, made.SessionID)); err != nil {
		return err
	}
	at := l.at(b)
	at.Session = made.SessionID
	return l.tell(ctx, event.StayingCopied{User: subject(u), Context: at})
}
