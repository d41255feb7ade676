package login

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/store"
)

// PasskeyPolicy says what passkeys may do beside being second factors.
type PasskeyPolicy struct {
	// First: one that was registered for it stands in the password's place.
	First bool
	// Both: one that verified its user (finger, face, PIN) is both factors.
	Both bool
	// Verify are the uses (store.UseFirst, store.UseSecond) that re-authenticate
	// a signed-in user; none: passkeys do not.
	Verify []string
	// Hints: who says his identity is told which of his passkeys to use; who does
	// not exist is told of some that do not. Otherwise the browser finds them.
	Hints bool
	// CreateWithin and GetWithin are how long a question stands, 5 minutes if zero
	// (WebAuthn level 3 section 15.1).
	CreateWithin, GetWithin time.Duration
}

// PasskeyAsked is a question for the browser to put to an authenticator.
type PasskeyAsked struct {
	Options json.RawMessage
	State   string // to be named with the answer; taken once
	Second  bool   // it is about the second factor of a sign-in under way
}

const ceremonyLife = 5 * time.Minute

func orLife(d time.Duration) time.Duration {
	if d <= 0 {
		return ceremonyLife
	}
	return d
}

// A ceremony is kept as a draft. Its owner's name holds what it is for and to
// whom it belongs, so an answer that comes elsewhere finds nothing (R87).
func createOwner(s store.Session) string    { return "passkey-create:" + s.ID }
func verifyOwner(s store.Session) string    { return "passkey-verify:" + s.ID }
func secondAskOwner(p store.Pending) string { return "passkey-second:" + p.Hash }
func firstAskOwner(b Browser, state string) string {
	return "passkey-first:" + hash(b.Asked) + ":" + hash(state)
}

// ask keeps a ceremony that was begun. draft says for whom and, of a creation,
// what; its state may be given, else it is new.
func (l *Login) ask(ctx context.Context, d store.Draft, state string, c factor.Ceremony, within time.Duration) (PasskeyAsked, error) {
	if state == "" {
		state = seal.Token()
	}
	now := l.c.Now()
	d.ID, d.Method, d.Secret, d.CreatedAt, d.ExpiresAt = hash(state), store.Passkey, c.State, now, now.Add(within)
	return PasskeyAsked{Options: c.Options, State: state}, l.c.Drafts.PutDraft(ctx, d)
}

// answered takes a ceremony: whatever comes of the answer, it was the only one
// (R86). ErrCeremony, ErrCeremonyExpired.
func (l *Login) answered(ctx context.Context, owner, state string, u store.User) (store.Draft, error) {
	d, err := l.c.Drafts.Draft(ctx, owner)
	if errors.Is(err, store.ErrNotFound) {
		return store.Draft{}, ErrCeremony
	}
	if err != nil {
		return store.Draft{}, err
	}
	if d.ID != hash(state) || d.UserID != u.ID || d.Uniquifier != u.Uniquifier {
		return store.Draft{}, ErrCeremony
	}
	if err := l.c.Drafts.TakeDraft(ctx, owner, d.ID); errors.Is(err, store.ErrUsed) {
		return store.Draft{}, ErrCeremony
	} else if err != nil {
		return store.Draft{}, err
	}
	if !l.c.Now().Before(d.ExpiresAt) {
		return store.Draft{}, ErrCeremonyExpired
	}
	return d, nil
}

// claimed finds the passkey that an answer claims to be of. ErrPasskeyUnknown.
func (l *Login) claimed(ctx context.Context, answer string) (store.Factor, error) {
	key, err := l.c.Passkeys.Key(answer)
	if err != nil {
		return store.Factor{}, err
	}
	f, err := l.c.Factors.PasskeyByKey(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return store.Factor{}, ErrPasskeyUnknown
	}
	return f, err
}

// examine lets a passkey of this user and for one of these uses prove itself.
// It is the one place that does; every refusal leaves a row.
func (l *Login) examine(ctx context.Context, d store.Draft, u store.User, uses []string, answer string, second bool, b Browser) (store.Factor, factor.Proven, error) {
	place, err := l.c.Limits.Passkey(ctx, d.UserID, b.Address)
	if err != nil {
		return store.Factor{}, factor.Proven{}, err
	}
	f, err := l.claimed(ctx, answer)
	var proven factor.Proven
	switch {
	case err != nil:
	case u.ID != "" && f.UserID != u.ID:
		err = ErrPasskeyOwner
	case !slices.Contains(uses, f.Usage):
		err = ErrPasskeyUsage
	default:
		proven, err = l.c.Passkeys.Verify(ctx, d.Secret, f, answer)
	}
	if err == nil {
		return f, proven, place.Right(ctx)
	}
	if u.ID == "" && f.UserID != "" {
		u.ID = f.UserID
	}
	return store.Factor{}, factor.Proven{}, l.refused(ctx, u, err, second, b)
}

// refused writes a refusal down and returns it.
func (l *Login) refused(ctx context.Context, u store.User, err error, second bool, b Browser) error {
	failed := event.UserFailedAuthn{User: subject(u), AuthType: "passkey", SecondFactor: second, Method: store.Passkey, Context: l.at(b)}
	var r *factor.Refused
	switch {
	case errors.As(err, &r):
		failed.Reason = r.Cause
		if r.Copied {
			if owner, err := l.c.Accounts.ByID(ctx, u.ID); err == nil {
				l.notify(ctx, owner, PasskeyCopied, store.Passkey, b)
			}
		}
	case errors.Is(err, factor.ErrAnswer):
		failed.Reason = "no answer"
	case errors.Is(err, ErrPasskeyUnknown):
		failed.Reason = "unknown passkey"
	case errors.Is(err, ErrPasskeyOwner):
		failed.Reason = "passkey of another user"
	case errors.Is(err, ErrPasskeyUsage):
		failed.Reason = "passkey for another use"
	case errors.Is(err, factor.ErrSecret):
		l.c.Log.ErrorContext(ctx, "passkey cannot be verified", "user", u.ID, "cause", err)
		err = &factor.Refused{Cause: "it cannot be verified"}
	default:
		return err
	}
	return told(err, l.tell(ctx, failed))
}

// readable leaves out passkeys whose record cannot be opened: they cannot be
// offered, and must not take the others with them.
func (l *Login) readable(ctx context.Context, in []store.Factor, uses ...string) []store.Factor {
	var out []store.Factor
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
