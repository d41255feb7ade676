package login

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
	"github.com/twofold-auth/twofold/store"
)

// PasskeyPolicy says what passkeys may do besides being second factors.
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
	State   string // to be named with the answer; a right one is taken once
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
func createOwner(a actor) string            { return "passkey-create:" + a.owner() }
func verifyOwner(s store.Session) string    { return "passkey-verify:" + s.ID }
func secondAskOwner(p store.Pending) string { return "passkey-second:" + p.Hash }
func firstAskOwner(b Browser, state string) string {
	return "passkey-first:" + hash(b.Asked) + ":" + hash(state)
}

// ask keeps a ceremony that was started. draft says for whom and, of a creation,
// what; its state may be given, else it is new.
func (l *Login) ask(ctx context.Context, d store.Draft, state string, c factor.Ceremony, within time.Duration) (PasskeyAsked, error) {
	if state == "" {
		state = seal.Token()
	}
	now := l.c.Now()
	d.ID, d.Method, d.Secret, d.CreatedAt, d.ExpiresAt = hash(state), store.Passkey, c.State, now, now.Add(within)
	return PasskeyAsked{Options: c.Options, State: state}, l.c.Drafts.PutDraft(ctx, d)
}

// question finds a ceremony that waits for its answer. ErrCeremony,
// ErrCeremonyExpired.
func (l *Login) question(ctx context.Context, owner, state string, u store.User) (store.Draft, error) {
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
	if !l.c.Now().Before(d.ExpiresAt) {
		return store.Draft{}, ErrCeremonyExpired
	}
	return d, nil
}

// try counts an answer to a question before it is looked at, so that parallel
// answers cannot get more tries (R186). An answer that cannot be read is no
// try: nothing of it is compared. factor.ErrAnswer, ErrCeremony.
func (l *Login) try(ctx context.Context, d store.Draft, answer string) error {
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

// spend ends a question: of several callers one goes on (R86). ErrCeremony.
func (l *Login) spend(ctx context.Context, d store.Draft) error {
	err := l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID)
	if errors.Is(err, store.ErrUsed) {
		return ErrCeremony
	}
	return err
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

// ceremony is a question and who may answer it.
type ceremony struct {
	store.Draft
	user   store.User // zero: anyone who the passkey belongs to
	uses   []string
	second bool // it is about a second factor
}

// examine lets a passkey prove itself and spends the question, in this order:
// a wrong answer leaves the question open for another try, and a right one is
// granted something only after it has ended it. It is the one place where an
// answer is taken; every refusal leaves a row.
func (l *Login) examine(ctx context.Context, q ceremony, answer string, b Browser) (store.Factor, factor.Proven, error) {
	place, err := l.claimPlace(ctx, q.user, b, func(from limit.From) (*limit.Place, error) {
		return l.c.Limits.Passkey(ctx, q.UserID, from)
	})
	if err != nil {
		return store.Factor{}, factor.Proven{}, err
	}
	u := q.user
	f, proven, err := l.holds(ctx, q, answer)
	if err == nil {
		if err := l.spend(ctx, q.Draft); err != nil {
			return store.Factor{}, factor.Proven{}, err
		}
		return f, proven, place.Right(ctx)
	}
	if u.ID == "" {
		u.ID = f.UserID
	}
	return store.Factor{}, factor.Proven{}, l.refused(ctx, q, u, err, b)
}

// holds reports whether an answer is one to this question, by a passkey of the
// right user and use. The passkey it claims to be of is returned in any case.
func (l *Login) holds(ctx context.Context, q ceremony, answer string) (store.Factor, factor.Proven, error) {
	if err := l.try(ctx, q.Draft, answer); err != nil {
		return store.Factor{}, factor.Proven{}, err
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
	return f, factor.Proven{}, err
}

// refused writes a refusal down and returns it. Only an answer that does not
// hold is a failed authentication; one that cannot be read, or of a passkey
// that could not answer, says nothing of anyone's credentials.
func (l *Login) refused(ctx context.Context, q ceremony, u store.User, err error, b Browser) error {
	var r *factor.Refused
	if errors.Is(err, factor.ErrSecret) {
		l.c.Log.ErrorContext(ctx, "passkey cannot be verified", "user", u.ID, "cause", err)
		err = &factor.Refused{Cause: "it cannot be verified"}
	}
	if errors.As(err, &r) {
		if owner, err := l.c.Accounts.ByID(ctx, u.ID); err == nil {
			u = owner
		}
		if r.Copied { // its holder has the key: there is nothing to try again
			l.notify(ctx, u, PasskeyCopied, store.Passkey, b)
			if err := l.spend(ctx, q.Draft); err != nil && !errors.Is(err, ErrCeremony) {
				return err
			}
		}
		return told(err, l.tell(ctx, event.UserFailedAuthn{
			User: subject(u), AuthType: "passkey", SecondFactor: q.second, Method: store.Passkey, Reason: r.Cause, Context: l.at(b),
		}))
	}
	for cause, reason := range map[error]string{
		factor.ErrAnswer: "no answer", ErrPasskeyUnknown: "unknown passkey", ErrPasskeyOwner: "passkey of another user",
		ErrPasskeyUsage: "passkey for another use",
	} {
		if errors.Is(err, cause) {
			return told(err, l.tell(ctx, event.PasskeyRefused{User: subject(u), Reason: reason, Context: l.at(b)}))
		}
	}
	return err
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
