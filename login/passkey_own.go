package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/account"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/factor"
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

// NewPasskey begins a registration. Where passkeys are no first factor, usage
// is store.UseSecond whatever was asked. ErrPasskeyName, ErrMethod (too many),
// ErrReauthenticate.
func (l *Login) NewPasskey(ctx context.Context, who Who, name, usage string, b Browser) (PasskeyAsked, error) {
	present, err := l.ownPasskeys(ctx, who)
	if err != nil {
		return PasskeyAsked{}, err
	}
	if !l.c.Policy.Passkeys.First {
		usage = store.UseSecond
	}
	if err := free(present, name); err != nil {
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
	d, err := l.answered(ctx, createOwner(who.Session), state, who.User)
	if err != nil {
		return Outcome{}, "", err
	}
	if err := free(present, d.Name); err != nil {
		return Outcome{}, d.Name, err
	}
	f, err := l.c.Passkeys.FinishCreate(d.Secret, who.User.ID, d.FactorID, answer)
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
	return out, d.Name, err
}

// DropPasskey removes a passkey by its name. ErrNoPasskey, ErrLastFactor,
// ErrReauthenticate.
func (l *Login) DropPasskey(ctx context.Context, who Who, name string, b Browser) (Outcome, error) {
	present, err := l.ownPasskeys(ctx, who)
	if err != nil {
		return Outcome{}, err
	}
	for _, p := range present {
		if p.Name != name || name == "" {
			continue
		}
		if err := l.keepsOne(ctx, who.User, p.ID); err != nil {
			return Outcome{}, err
		}
		return l.changePasskeys(ctx, who, store.FactorChange{Remove: []string{p.ID}}, PasskeyRemoved,
			event.PasskeyDeleted{User: subject(who.User), PasskeyName: name, Context: l.at(b)}, false, b)
	}
	return Outcome{}, ErrNoPasskey
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
	level, proofs := who.Session.Level, who.Session.Proofs
	if proven {
		level, proofs = store.TwoFactors, append(firstProofs(who.Session), store.Proof{Method: store.Passkey, At: l.c.Now()})
	}
	return l.renew(ctx, u, who.Session, level, proofs, b)
}

// keepsOne refuses to take the last second factor away from a user who must
// have one. ErrLastFactor.
func (l *Login) keepsOne(ctx context.Context, u store.User, without string) error {
	if !l.c.Policy.Require(u) {
		return nil
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	left, concerned := 0, false
	for _, f := range factors {
		if concerned = concerned || f.ID == without; f.ID != without {
			left++
		}
	}
	if concerned && left == 0 {
		return ErrLastFactor
	}
	return nil
}
