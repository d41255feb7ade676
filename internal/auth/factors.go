package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Every change here requires a session that is fresh at the account's full level (R53), and looks
// up the factor among the caller's own (R60).

// own returns one of the caller's second factors, and the others.
func (l SecondFactor) own(ctx context.Context, who Principal,
	id string) (f storage.Factor, others []storage.Factor, err error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return f, nil, err
	}
	all, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
	if err != nil {
		return f, nil, err
	}
	i := slices.IndexFunc(all, func(f storage.Factor) bool { return f.ID == id })
	if i < 0 {
		return f, nil, ErrNoSuch
	}
	return all[i], slices.Delete(slices.Clone(all), i, i+1), nil
}

// NameFactor changes the name of a factor. The names of passkeys must be unique, because they
// identify them; otherwise it returns ErrPasskeyName. It also returns ErrNoSuch and
// ErrReauthenticate.
func (l SecondFactor) NameFactor(ctx context.Context, who Principal, id, name string, b Client) error {
	f, _, err := l.own(ctx, who, id)
	if err != nil {
		return err
	}
	if f.Method == storage.Passkey {
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

// PreferFactor makes a factor the default one, which POST /tf-setup replaces and to which the name
// of its method refers. It returns ErrNoSuch or ErrReauthenticate.
func (l SecondFactor) PreferFactor(ctx context.Context, who Principal, id string, b Client) error {
	f, _, err := l.own(ctx, who, id)
	if err != nil {
		return err
	}
	if err := l.c.Factors.PreferFactor(ctx, who.User.ID, id); err != nil {
		return gone(err)
	}
	return l.edited(ctx, who, f, "preferred", b)
}

func (l SecondFactor) edited(ctx context.Context, who Principal, f storage.Factor, what string, b Client) error {
	e := event.TFFactorEdited{User: subject(who.User), Method: f.Method, What: what, Context: l.at(b)}
	return errors.Join(l.tell(ctx, e), l.useFreshness(ctx, who))
}

// RemoveFactor removes one factor and ends everything issued before; the caller stays signed in.
// The last factor can be removed only if none is required, which turns two-factor authentication
// off. It returns ErrNoSuch, ErrLastFactor, ErrLastWayIn, ErrReauthenticate or ErrState.
func (l SecondFactor) RemoveFactor(ctx context.Context, who Principal, id string, b Client) (Outcome, error) {
	f, others, err := l.own(ctx, who, id)
	if err != nil {
		return Outcome{}, err
	}
	works := slices.ContainsFunc(others, func(f storage.Factor) bool {
		return l.enabled(f.Method) || f.Method == storage.Passkey && l.c.Passkeys != nil
	})
	switch {
	case len(others) == 0 && !l.c.Policy.Require(who.User):
		return l.Disable(ctx, who, b)
	case !works: // the remaining factors cannot be used
		return Outcome{}, ErrLastFactor
	}
	// the remaining factors may not be usable after any first factor
	if err := l.Passwordless.keepsWayIn(ctx, who.User, id); err != nil {
		return Outcome{}, err
	}
	c, notices := storage.FactorChange{Remove: []string{id}, KeepOne: true}, []SecurityNotice(nil)
	if f.Primary {
		c.Prefer = others[0].ID
	}
	if byRescue(who.Session) {
		if notices, err = l.Recovery.endCodes(ctx, who.User, &c); err != nil {
			return Outcome{}, err
		}
	}
	out, err := l.changeOwn(ctx, who, change{
		notices: append([]SecurityNotice{{Kind: FactorRemoved, Method: f.Method}}, notices...),
		apply:   l.factorChange(who.User, c),
		event: func(u storage.User) event.Event {
			return event.TFFactorRemoved{User: subject(u), Method: f.Method, Context: l.at(b)}
		},
	}, b)
	if errors.Is(err, storage.ErrNoFactor) {
		err = ErrLastFactor
	}
	return out, err
}

// gone converts storage.ErrNotFound to ErrNoSuch: a factor that was removed during the edit counts as
// unknown.
func gone(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return ErrNoSuch
	}
	return err
}

// Disable removes all second factors of a signed-in user. It returns ErrMethod if a second factor
// is required, or ErrReauthenticate.
func (l SecondFactor) Disable(ctx context.Context, who Principal, b Client) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	if l.c.Policy.Require(who.User) {
		return Outcome{}, ErrMethod
	}
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: FactorDisabled}},
		apply:   l.factorChange(who.User, storage.FactorChange{RemoveAll: true}),
		event: func(u storage.User) event.Event {
			return event.TFDisabled{User: subject(u), Context: l.at(b)}
		},
		level: storage.OneFactor, proofs: firstProofs(who.Session),
	}, b)
}
