package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// PasskeyPolicy configures uses of passkeys other than as second factors.
type PasskeyPolicy struct {
	// FirstFactor allows passkeys that were registered for it to replace the password.
	FirstFactor bool
	// If UserVerified is set, a passkey that verified its user (by fingerprint, face or PIN) counts as both
	// factors.
	UserVerified bool
	// Verify lists the uses (storage.UseFirst, storage.UseSecond) of passkeys that may re-authenticate
	// a signed-in user. If it is empty, no passkey may.
	Verify []string
	// If Hints is set, a user who enters an identity gets the list of the account's passkeys, or an
	// invented list if there is no account. Otherwise the browser finds the passkeys.
	Hints bool
	// CreateWithin and GetWithin are the lifetimes of challenges.
	CreateWithin, GetWithin time.Duration
}

// PasskeyAsked is a challenge that the browser passes to an authenticator.
type PasskeyAsked struct {
	Options json.RawMessage
	State   string // must be sent with the answer; a correct answer is accepted once
	Second  bool   // it is for the second factor of a pending sign-in
}

// A ceremony is stored as a draft. The name of its owner contains its purpose and its user, so that
// an answer in another place finds nothing (R87).
func createOwner(a actor) string              { return "passkey-create:" + a.owner() }
func verifyOwner(s storage.Session) string    { return "passkey-verify:" + s.ID }
func secondAskOwner(p storage.Pending) string { return "passkey-second:" + p.Hash }
func firstAskOwner(b Client, state string) string {
	return "passkey-first:" + hash(b.Asked) + ":" + hash(state)
}

// ask stores a ceremony. The draft contains its owner and, for a registration, the passkey's data.
// If state is empty, a new one is created.
func (l WebAuthn) ask(
	ctx context.Context, d storage.Draft, state string, c factor.Ceremony, within time.Duration,
) (PasskeyAsked, error) {
	if state == "" {
		state = seal.Token()
	}
	now := l.c.Now()
	d.ID, d.Method, d.Secret, d.CreatedAt, d.ExpiresAt = hash(state), storage.Passkey, c.State, now, now.Add(within)
	return PasskeyAsked{Options: c.Options, State: state}, l.c.Drafts.PutDraft(ctx, d)
}

// question returns a ceremony that waits for its answer. It returns ErrCeremony or
// ErrCeremonyExpired.
func (l WebAuthn) question(ctx context.Context, owner, state string, u storage.User) (storage.Draft, error) {
	d, err := l.c.Drafts.Draft(ctx, owner)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Draft{}, ErrCeremony
	}
	if err != nil {
		return storage.Draft{}, err
	}
	if d.ID != hash(state) || d.UserID != u.ID || d.CredentialVersion != u.CredentialVersion {
		return storage.Draft{}, ErrCeremony
	}
	if !l.c.Now().Before(d.ExpiresAt) {
		return storage.Draft{}, ErrCeremonyExpired
	}
	return d, nil
}

// try counts an answer before it is checked, so that concurrent answers cannot get more attempts
// (R186). An answer that cannot be decoded does not count as an attempt. It returns
// factor.ErrAnswer or ErrCeremony.
func (l WebAuthn) try(ctx context.Context, d storage.Draft, answer string) error {
	if _, err := l.c.Passkeys.Key(answer); err != nil {
		return err
	}
	err := l.c.Limits.Answer(ctx, d.ID)
	var over *limit.Paused
	if errors.As(err, &over) {
		return ErrCeremony
	}
	return err
}

// spend uses up a challenge. One of several callers continues; the others get ErrCeremony (R86).
func (l WebAuthn) spend(ctx context.Context, d storage.Draft) error {
	err := l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID)
	if errors.Is(err, storage.ErrUsed) {
		return ErrCeremony
	}
	return err
}

// claimed returns the passkey that an answer claims to come from, or ErrPasskeyUnknown.
func (l WebAuthn) claimed(ctx context.Context, answer string) (storage.Factor, error) {
	key, err := l.c.Passkeys.Key(answer)
	if err != nil {
		return storage.Factor{}, err
	}
	f, err := l.c.Factors.PasskeyByKey(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Factor{}, ErrPasskeyUnknown
	}
	return f, err
}

// ceremony is a challenge and the user who may answer it.
type ceremony struct {
	storage.Draft
	user   storage.User // zero means the owner of the passkey
	uses   []string
	second bool // it is for a second factor
}

// examine verifies an answer and then uses up the challenge. A wrong answer leaves the challenge
// open for another attempt; after a correct answer, access is granted only when the challenge has
// been used up. All answers are checked here, and every refusal is recorded.
func (l WebAuthn) examine(
	ctx context.Context, q ceremony, answer string, b Client,
) (storage.Factor, factor.Assertion, error) {
	place, err := l.budgets.claimPlace(ctx, q.user, b, func(from limit.From) (*limit.Reservation, error) {
		return l.c.Limits.Passkey(ctx, q.UserID, from)
	})
	if err != nil {
		return storage.Factor{}, factor.Assertion{}, err
	}
	u := q.user
	f, proven, err := l.holds(ctx, q, answer)
	if err == nil {
		if err := l.spend(ctx, q.Draft); err != nil {
			return storage.Factor{}, factor.Assertion{}, err
		}
		return f, proven, place.Succeed(ctx)
	}
	if u.ID == "" {
		u.ID = f.UserID
	}
	return storage.Factor{}, factor.Assertion{}, l.refused(ctx, q, u, err, b)
}

// holds verifies that an answer belongs to this challenge and comes from a passkey of the right
// user and use. It always returns the passkey that the answer claims to come from.
func (l WebAuthn) holds(ctx context.Context, q ceremony, answer string) (storage.Factor, factor.Assertion, error) {
	if err := l.try(ctx, q.Draft, answer); err != nil {
		return storage.Factor{}, factor.Assertion{}, err
	}
	f, err := l.claimed(ctx, answer)
	switch {
	case err != nil:
	case q.user.ID != "" && f.UserID != q.user.ID:
		err = ErrPasskeyOwner
	case !slices.Contains(q.uses, f.Usage):
		err = ErrPasskeyUsage
	default:
		proven, err := l.c.Passkeys.Verify(ctx, q.Secret, f, answer)
		return f, proven, err
	}
	return f, factor.Assertion{}, err
}

// refused records a refusal and returns it. Only a wrong answer is a failed authentication. An
// answer that cannot be decoded, or of a passkey that must not answer, is not.
func (l WebAuthn) refused(ctx context.Context, q ceremony, u storage.User, err error, b Client) error {
	var r *factor.Refused
	if errors.Is(err, factor.ErrSecret) {
		l.c.Log.ErrorContext(ctx, "passkey cannot be verified", "user", u.ID, "cause", err)
		err = &factor.Refused{Cause: "it cannot be verified"}
	}
	if errors.As(err, &r) {
		if owner, err := l.c.Accounts.ByID(ctx, u.ID); err == nil {
			u = owner
		}
		if r.Copied { // its holder has the key, so another attempt is useless
			l.mail.notify(ctx, u, PasskeyCopied, storage.Passkey, b)
			if err := l.spend(ctx, q.Draft); err != nil && !errors.Is(err, ErrCeremony) {
				return err
			}
		}
		return recordedOr(err, l.tell(ctx, event.UserFailedAuthn{
			User: subject(u), AuthType: "passkey", SecondFactor: q.second, Method: storage.Passkey, Reason: r.Cause,
			Context: l.at(b),
		}))
	}
	for cause, reason := range map[error]string{
		factor.ErrMalformedAssertion: "no answer", ErrPasskeyUnknown: "unknown passkey",
		ErrPasskeyOwner: "passkey of another user",
		ErrPasskeyUsage: "passkey for another use",
	} {
		if errors.Is(err, cause) {
			return recordedOr(err, l.tell(ctx,
				event.PasskeyRefused{User: subject(u), Reason: reason, Context: l.at(b)}))
		}
	}
	return err
}

// readable omits passkeys whose record cannot be decrypted, so that the others can still be
// offered.
func (l WebAuthn) readable(ctx context.Context, in []storage.Factor, uses ...string) []storage.Factor {
	var out []storage.Factor
	for _, f := range in {
		if !slices.Contains(uses, f.Usage) {
			continue
		}
		if _, err := l.c.Passkeys.Detail(f); err != nil {
			l.c.Log.ErrorContext(ctx, "passkey cannot be read", "user", f.UserID, "factor", f.ID, "cause", err)
			continue
		}
		out = append(out, f)
	}
	return out
}
