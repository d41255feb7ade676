package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/store"
)

// maxPasskeys bounds how many one account may have (R64).
const maxPasskeys = 10

// OwnPasskey is one of a user's passkeys.
type OwnPasskey struct {
	store.Factor
	factor.PasskeyDetail
}

// Passkeys lists a user's passkeys, by age.
func (l *Login) Passkeys(ctx context.Context, u store.User) ([]OwnPasskey, error) {
	if l.c.Passkeys == nil {
		return nil, nil
	}
	all, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	var out []OwnPasskey
	for _, f := range all {
		detail, err := l.c.Passkeys.Detail(f)
		if err != nil { // can still be removed
			l.c.Log.ErrorContext(ctx, "passkey cannot be read", "user", u.ID, "factor", f.ID, "cause", err)
		}
		out = append(out, OwnPasskey{f, detail})
	}
	return out, err
}

// ownPasskeys is the first half of every change: the caller is fresh, at the
// account's full level.
func (l *Login) ownPasskeys(ctx context.Context, who Who) ([]store.Factor, error) {
	if l.c.Passkeys == nil {
		return nil, ErrPasskeysOff
	}
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return nil, err
	}
	return l.c.Factors.PasskeysOf(ctx, who.User.ID)
}

// MayChangePasskeys says whether the caller may add and remove passkeys now.
// ErrReauthenticate, ErrPasskeysOff.
func (l *Login) MayChangePasskeys(ctx context.Context, who Who) error {
	_, err := l.ownPasskeys(ctx, who)
	return err
}

// NewPasskey begins a registration. Where passkeys are not a first factor, and
// where a second one must be set up first, usage is store.UseSecond whatever was
// asked. ErrPasskeyName, ErrMethod (too many),
// ErrReauthenticate.
func (l *Login) NewPasskey(ctx context.Context, who Who, name, usage string, b Browser) (PasskeyAsked, error) {
	present, err := l.ownPasskeys(ctx, who)
	if err != nil {
		return PasskeyAsked{}, err
	}
	if !l.c.Policy.Passkeys.First || who.Enrolls {
		usage = store.UseSecond
	}
	if err := free(present, name); err != nil {
		return PasskeyAsked{}, err
	}
	if err := l.mayEnroll(who.User); err != nil {
		return PasskeyAsked{}, err
	}
	if err := l.c.Limits.Setup(ctx, who.User.ID); err != nil {
		return PasskeyAsked{}, err
	}
	c, err := l.c.Passkeys.BeginCreate(factor.NewPasskey{
		User: who.User, Present: l.readable(ctx, present, store.UseFirst, store.UseSecond), Usage: usage,
		Discoverable: usage == store.UseFirst && !l.c.Policy.Passkeys.Hints,
	})
	if err != nil {
		return PasskeyAsked{}, err
	}
	return l.ask(ctx, store.Draft{
		Owner: createOwner(who.Session), UserID: who.User.ID, Uniquifier: who.User.Uniquifier, FactorID: store.NewID(),
		Name: name, Destination: usage,
	}, "", c, orLife(l.c.Policy.Passkeys.CreateWithin))
}

func free(present []store.Factor, name string) error {
	for _, p := range present {
		if p.Name == name {
			return ErrPasskeyName
		}
	}
	if len(present) >= maxPasskeys {
		return ErrMethod
	}
	return nil
}

// AddPasskey ends a registration. Everything issued before is dead then, but
// for this session, and the owner is told. It returns the passkey's name.
// ErrCeremony, ErrCeremonyExpired, ErrPasskeyName, ErrPasskeyTaken,
// factor.ErrAnswer, *factor.Refused, ErrReauthenticate.
func (l *Login) AddPasskey(ctx context.Context, who Who, state, answer string, b Browser) (Outcome, string, error) {
	present, err := l.ownPasskeys(ctx, who)
	if err != nil {
		return Outcome{}, "", err
	}
	d, err := l.question(ctx, createOwner(who.Session), state, who.User)
	if err != nil {
		return Outcome{}, "", err
	}
	if err := free(present, d.Name); err != nil {
		return Outcome{}, d.Name, err
	}
	if err := l.try(ctx, d, answer); err != nil {
		return Outcome{}, d.Name, err
	}
	f, err := l.c.Passkeys.FinishCreate(d.Secret, who.User.ID, d.FactorID, answer)
	if err == nil {
		err = l.spend(ctx, d)
	}
	if err != nil {
		return Outcome{}, d.Name, err
	}
	f.Name, f.Usage, f.CreatedAt = d.Name, d.Destination, l.c.Now()
	second := f.Usage == store.UseSecond
	if second {
		seconds, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
		if err != nil {
			return Outcome{}, d.Name, err
		}
		f.Primary = len(seconds) == 0
	}
	out, err := l.changePasskeys(ctx, who, store.FactorChange{Add: &f}, PasskeyAdded,
		event.PasskeyRegistered{User: subject(who.User), PasskeyName: f.Name, Usage: f.Usage, Context: l.at(b)}, second, b)
	if errors.Is(err, store.ErrExists) {
		err = ErrPasskeyTaken
	}
	out.FirstFactor = f.Primary
	return out, d.Name, err
}

// DropPasskey removes a passkey by its name: a second factor by the rules of
// all second factors, one in place of the password unless it is the only way
// in. ErrNoPasskey, ErrLastFactor, ErrLastWayIn, ErrReauthenticate.
func (l *Login) DropPasskey(ctx context.Context, who Who, name string, b Browser) (Outcome, error) {
	present, err := l.ownPasskeys(ctx, who)
	if err != nil {
		return Outcome{}, err
	}
	i := slices.IndexFunc(present, func(p store.Factor) bool { return p.Name == name && name != "" })
	if i < 0 {
		return Outcome{}, ErrNoPasskey
	}
	e := event.PasskeyDeleted{User: subject(who.User), PasskeyName: name, Context: l.at(b)}
	if present[i].Usage == store.UseSecond {
		out, err := l.RemoveFactor(ctx, who, present[i].ID, b)
		if err != nil {
			return Outcome{}, err
		}
		return out, l.tell(ctx, e)
	}
	if err := l.keepsWayIn(ctx, who.User, present[i].ID); err != nil {
		return Outcome{}, err
	}
	return l.changePasskeys(ctx, who, store.FactorChange{Remove: []string{present[i].ID}}, PasskeyRemoved, e, false, b)
}

// changePasskeys applies a change, tells of it and renews the session. A new
// second factor that has just been proven counts for the session.
func (l *Login) changePasskeys(ctx context.Context, who Who, c store.FactorChange, kind string, e event.Event, proven bool, b Browser) (Outcome, error) {
	c.UserID, c.From, c.To, c.Now = who.User.ID, who.User.Uniquifier, account.NewUniquifier(), l.c.Now()
	c.Messages = l.letters(ctx, who.User, kind, store.Passkey, b)
	u, err := l.change(ctx, who.User, c)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.tell(ctx, e); err != nil {
		return Outcome{}, err
	}
	if !proven {
		return l.carryOn(ctx, u, who, b)
	}
	proofs := append(firstProofs(who.Session), l.proofOf(*c.Add))
	return l.renew(ctx, u, who.Session, store.TwoFactors, proofs, b)
}
