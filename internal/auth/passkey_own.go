package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
)

// maxPasskeys is the maximum number of passkeys of an account (R64).
const maxPasskeys = 10

// OwnPasskey is one of a user's passkeys.
type OwnPasskey struct {
	storage.Factor
	factor.PasskeyDetail
}

// Passkeys lists a user's passkeys, by age.
func (l WebAuthn) Passkeys(ctx context.Context, u storage.User) ([]OwnPasskey, error) {
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

// ownPasskeys is the first part of every change. The caller must have a fresh session at the
// account's full level, or a sign-in that must set up a second factor.
func (l WebAuthn) ownPasskeys(
	ctx context.Context, cookie *PendingCookie, who *Principal,
) (actor, []storage.Factor, error) {
	if l.c.Passkeys == nil {
		return actor{}, nil, ErrPasskeysOff
	}
	a, err := l.Enroll.actor(ctx, cookie, who)
	if err != nil {
		return actor{}, nil, err
	}
	present, err := l.c.Factors.PasskeysOf(ctx, a.user().ID)
	return a, present, err
}

// Enrolling reports whether the pending sign-in with a cookie is at the step that sets up a second
// factor.
func (l Enroll) Enrolling(ctx context.Context, cookie *PendingCookie) (bool, error) {
	_, err := l.actor(ctx, cookie, nil)
	if errors.Is(err, ErrState) {
		return false, nil
	}
	return err == nil, err
}

// MayChangePasskeys returns nil if the caller may add and remove passkeys now, and otherwise
// ErrReauthenticate or ErrPasskeysOff.
func (l WebAuthn) MayChangePasskeys(ctx context.Context, who Principal) error {
	_, _, err := l.ownPasskeys(ctx, nil, &who)
	return err
}

// NewPasskey starts the registration of a passkey for a signed-in user, or for the sign-in of
// cookie that must set up a second factor. If name is empty, the name is derived from the
// authenticator. If passkeys are not first factors, or a second factor must be set up first, usage
// is always storage.UseSecond. It returns ErrPasskeyName, ErrMethod (too many passkeys),
// ErrReauthenticate, ErrUnproven or ErrState.
func (l WebAuthn) NewPasskey(
	ctx context.Context, cookie *PendingCookie, who *Principal, name, usage string, b Client,
) (PasskeyAsked, error) {
	a, present, err := l.ownPasskeys(ctx, cookie, who)
	if err != nil {
		return PasskeyAsked{}, err
	}
	u := a.user()
	if !l.c.Policy.Passkeys.FirstFactor || who == nil || who.Enrolls {
		usage = storage.UseSecond
	}
	if err := free(present, name); err != nil {
		return PasskeyAsked{}, err
	}
	if a.lost() == "" { // otherwise it replaces a factor
		if err := l.Account.mayEnroll(u); err != nil {
			return PasskeyAsked{}, err
		}
	}
	if err := l.c.Limits.Setup(ctx, u.ID); err != nil {
		return PasskeyAsked{}, err
	}
	c, err := l.c.Passkeys.BeginCreate(factor.NewPasskey{
		User: u, Present: l.readable(ctx, present, storage.UseFirst, storage.UseSecond), Usage: usage,
		Discoverable: usage == storage.UseFirst && !l.c.Policy.Passkeys.Hints,
	})
	if err != nil {
		return PasskeyAsked{}, err
	}
	return l.ask(ctx, storage.Draft{
		Owner: createOwner(a), UserID: u.ID, CredentialVersion: u.CredentialVersion, FactorID: storage.NewID(),
		Name: name, Destination: usage,
	}, "", c, l.c.Policy.Passkeys.CreateWithin)
}

func free(present []storage.Factor, name string) error {
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

// ownName returns the name of a passkey that its user did not name: that of its authenticator.
func (l WebAuthn) ownName(f storage.Factor, present []storage.Factor) string {
	detail, _ := l.c.Passkeys.Detail(f)
	base := or(detail.Model, "Passkey")
	for n, name := 2, base; ; n++ {
		if !slices.ContainsFunc(present, func(p storage.Factor) bool { return p.Name == name }) {
			return name
		}
		name = base + " " + strconv.Itoa(n)
	}
}

// AddPasskey completes a registration and returns the passkey's name. Everything issued before
// becomes invalid except this session, and the owner is notified. If a sign-in had to set up a
// second factor, it ends here and its session is issued. AddPasskey returns ErrCeremony,
// ErrCeremonyExpired, ErrPasskeyName, ErrPasskeyTaken, factor.ErrAnswer, *factor.Refused,
// ErrReauthenticate or ErrState.
func (l WebAuthn) AddPasskey(
	ctx context.Context, cookie *PendingCookie, who *Principal, state, answer string, b Client,
) (Outcome, string, error) {
	a, present, err := l.ownPasskeys(ctx, cookie, who)
	if err != nil {
		return Outcome{}, "", err
	}
	d, err := l.question(ctx, createOwner(a), state, a.user())
	if err != nil {
		return Outcome{}, "", err
	}
	if err := free(present, d.Name); err != nil {
		return Outcome{}, d.Name, err
	}
	if err := l.try(ctx, d, answer); err != nil {
		return Outcome{}, d.Name, err
	}
	f, err := l.c.Passkeys.FinishCreate(d.Secret, a.user().ID, d.FactorID, answer)
	if err == nil {
		err = l.spend(ctx, d)
	}
	if err != nil {
		return Outcome{}, d.Name, err
	}
	if d.Name == "" {
		d.Name = l.ownName(f, present)
	}
	f.Name, f.Usage, f.CreatedAt = d.Name, d.Destination, l.c.Now()
	var out Outcome
	if who == nil {
		out, err = l.enrollPasskey(ctx, a, f, b)
	} else {
		out, err = l.addPasskey(ctx, *who, f, b)
	}
	if errors.Is(err, storage.ErrExists) {
		err = ErrPasskeyTaken
	}
	return out, d.Name, err
}

// addPasskey adds a newly created passkey to a signed-in user. A second factor counts for the
// session, because it has just been proven.
func (l WebAuthn) addPasskey(ctx context.Context, who Principal, f storage.Factor, b Client) (Outcome, error) {
	c := change{notices: []SecurityNotice{{Kind: PasskeyAdded, Method: storage.Passkey}}, token: true}
	changes := storage.FactorChange{}
	if f.Usage == storage.UseSecond {
		seconds, err := l.c.Factors.FactorsOf(ctx, who.User.ID)
		if err != nil {
			return Outcome{}, err
		}
		f.Primary = len(seconds) == 0
		if byRescue(who.Session) {
			more, err := l.Recovery.endCodes(ctx, who.User, &changes)
			if err != nil {
				return Outcome{}, err
			}
			c.notices = append(c.notices, more...)
		}
		c.level, c.proofs, c.token = storage.TwoFactors, append(firstProofs(who.Session), l.proofOf(f)), false
	}
	changes.Add = &f
	c.apply = l.factorChange(who.User, changes)
	c.event = func(u storage.User) event.Event { return l.passkeyRegistered(u, f, b) }
	out, err := l.changeOwn(ctx, who, c, b)
	out.FirstFactor = f.Primary
	return out, err
}

// enrollPasskey completes a sign-in that had to set up a second factor, with a newly created
// passkey. The challenge has been used up. The remaining order is that of confirm: the pending
// sign-in, the change, the session.
func (l WebAuthn) enrollPasskey(ctx context.Context, a actor, f storage.Factor, b Client) (Outcome, error) {
	if _, err := l.c.Pendings.TakePending(ctx, a.pending.Hash); err != nil {
		return Outcome{}, stateError(err)
	}
	n := activation{actor: a, user: a.user(), factor: f, add: true}
	n.event = func(u storage.User) event.Event { return l.passkeyRegistered(u, f, b) }
	changed, first, err := l.Enroll.activate(ctx, n, b)
	if err != nil {
		return Outcome{}, err
	}
	enrolled := event.TFEnrolled{User: subject(changed), Method: storage.Passkey, Context: l.at(b)}
	if err := l.tell(ctx, enrolled); err != nil {
		return Outcome{}, err
	}
	out, err := l.Enroll.enrolled(ctx, a, changed, l.proofOf(f), b)
	out.FirstFactor = first
	return out, err
}

func (l WebAuthn) passkeyRegistered(u storage.User, f storage.Factor, b Client) event.PasskeyRegistered {
	return event.PasskeyRegistered{User: subject(u), PasskeyName: f.Name, Usage: f.Usage, Context: l.at(b)}
}

// DropPasskey removes a passkey by its name. For a second factor the rules of all second factors
// apply. A passkey that replaces the password can be removed only if the user can still sign in. It
// returns ErrNoPasskey, ErrLastFactor, ErrLastWayIn or ErrReauthenticate.
func (l WebAuthn) DropPasskey(ctx context.Context, who Principal, name string, b Client) (Outcome, error) {
	_, present, err := l.ownPasskeys(ctx, nil, &who)
	if err != nil {
		return Outcome{}, err
	}
	i := slices.IndexFunc(present, func(p storage.Factor) bool { return p.Name == name && name != "" })
	if i < 0 {
		return Outcome{}, ErrNoPasskey
	}
	deleted := func(u storage.User) event.Event {
		return event.PasskeyDeleted{User: subject(u), PasskeyName: name, Context: l.at(b)}
	}
	if present[i].Usage == storage.UseSecond {
		out, err := l.SecondFactor.RemoveFactor(ctx, who, present[i].ID, b)
		if err != nil {
			return Outcome{}, err
		}
		return out, l.tell(ctx, deleted(who.User))
	}
	if err := l.Passwordless.keepsWayIn(ctx, who.User, present[i].ID); err != nil {
		return Outcome{}, err
	}
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: PasskeyRemoved, Method: storage.Passkey}},
		apply:   l.factorChange(who.User, storage.FactorChange{Remove: []string{present[i].ID}}),
		event:   deleted, token: true,
	}, b)
}
