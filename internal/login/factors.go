package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// Every change here asks for a session that is fresh at the account's full
// level (R53), and finds the factor among the caller's own (R60).

// own finds one of the caller's second factors; others are the ones alongside it.
func (l *Login) own(ctx context.Context, who Who, id string) (f store.Factor, others []store.Factor, err error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return f, nil, err
	}
	all, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
	if err != nil {
		return f, nil, err
	}
	i := slices.IndexFunc(all, func(f store.Factor) bool { return f.ID == id })
	if i < 0 {
		return f, nil, ErrNoSuch
	}
	return all[i], slices.Delete(slices.Clone(all), i, i+1), nil
}

// NameFactor changes what a factor is called. Passkeys are told apart by name,
// so no two have one: ErrPasskeyName. ErrNoSuch, ErrReauthenticate.
func (l *Login) NameFactor(ctx context.Context, who Who, id, name string, b Browser) error {
	f, _, err := l.own(ctx, who, id)
	if err != nil {
		return err
	}
	if f.Method == store.Passkey {
		passkeys, err := l.c.Factors.PasskeysOf(ctx, who.User.ID)
		if err != nil {
			return err
		}
		for _, p := range passkeys {
			if name == "" || p.ID != id && p.Name == name {
				return ErrPasskeyName
			}
		}
	}
	if err := l.c.Factors.NameFactor(ctx, who.User.ID, id, name); err != nil {
		return gone(err)
	}
	return l.edited(ctx, who, f, "renamed", b)
}

// PreferFactor makes a factor the default: the one that POST /tf-setup replaces
// and that is meant by its method's name. ErrNoSuch, ErrReauthenticate.
func (l *Login) PreferFactor(ctx context.Context, who Who, id string, b Browser) error {
	f, _, err := l.own(ctx, who, id)
	if err != nil {
		return err
	}
	if err := l.c.Factors.PreferFactor(ctx, who.User.ID, id); err != nil {
		return gone(err)
	}
	return l.edited(ctx, who, f, "preferred", b)
}

func (l *Login) edited(ctx context.Context, who Who, f store.Factor, what string, b Browser) error {
	e := event.TFFactorEdited{User: subject(who.User), Method: f.Method, What: what, Context: l.at(b)}
	return errors.Join(l.tell(ctx, e), l.useFreshness(ctx, who))
}

// RemoveFactor removes one factor, and with it everything issued before; the
// caller stays signed in. The last one is only removed where none is required,
// and then two-factor authentication is off. ErrNoSuch, ErrLastFactor,
// ErrLastWayIn, ErrReauthenticate, ErrState.
func (l *Login) RemoveFactor(ctx context.Context, who Who, id string, b Browser) (Outcome, error) {
	f, others, err := l.own(ctx, who, id)
	if err != nil {
		return Outcome{}, err
	}
	works := slices.ContainsFunc(others, func(f store.Factor) bool {
		return l.enabled(f.Method) || f.Method == store.Passkey && l.c.Passkeys != nil
	})
	switch {
	case len(others) == 0 && !l.c.Policy.Require(who.User):
		return l.Disable(ctx, who, b)
	case !works: // what is left is nothing to sign in with
		return Outcome{}, ErrLastFactor
	}
	if err := l.keepsWayIn(ctx, who.User, id); err != nil { // what is left may follow nothing that begins a sign-in
		return Outcome{}, err
	}
	c := store.FactorChange{
		UserID: who.User.ID, From: who.User.Uniquifier, To: account.NewUniquifier(), Remove: []string{id}, KeepOne: true,
		Messages: l.letters(ctx, who.User, FactorRemoved, f.Method, b), Now: l.c.Now(),
	}
	if f.Primary {
		c.Prefer = others[0].ID
	}
	u, err := l.change(ctx, who.User, c)
	if errors.Is(err, store.ErrNoFactor) {
		err = ErrLastFactor
	}
	if err != nil {
		return Outcome{}, err
	}
	if err := l.tell(ctx, event.TFFactorRemoved{User: subject(u), Method: f.Method, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	b.WantToken = false
	return l.carryOn(ctx, u, who, b)
}

// gone: a factor that went while it was edited is like one that never was.
func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSuch
	}
	return err
}

// Disable removes all second factors of a signed-in user. ErrMethod when one is
// required of him; ErrReauthenticate.
func (l *Login) Disable(ctx context.Context, who Who, b Browser) (Outcome, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	if l.c.Policy.Require(who.User) {
		return Outcome{}, ErrMethod
	}
	u, err := l.change(ctx, who.User, store.FactorChange{
		UserID: who.User.ID, From: who.User.Uniquifier, To: account.NewUniquifier(), RemoveAll: true, Now: l.c.Now(),
		Messages: l.letters(ctx, who.User, FactorDisabled, "", b),
	})
	if err != nil {
		return Outcome{}, err
	}
	if err := l.tell(ctx, event.TFDisabled{User: subject(u), Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.renew(ctx, u, who.Session, store.OneFactor, firstProofs(who.Session), b)
}
