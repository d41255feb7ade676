package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Codes creates and uses recovery codes; see package factor/recovery.
type Codes interface {
	Make(userID string) (shown []string, macs [][]byte)
	Looks(typed string) bool
	Reads(ctx context.Context, userID, typed string) (bool, error)
	Holds(ctx context.Context, userID, typed string) error
	Spend(ctx context.Context, userID, typed string, messages ...storage.Message) (left int, err error)
	Left(ctx context.Context, userID string) (int, error)
}

// OffersCodes reports whether recovery codes are configured.
func (l Recovery) OffersCodes() bool { return l.c.RecoveryCodes != nil }

// CodesLeft counts the caller's recovery codes.
func (l Recovery) CodesLeft(ctx context.Context, who Principal) (int, error) {
	if l.c.RecoveryCodes == nil {
		return 0, nil
	}
	return l.c.RecoveryCodes.Left(ctx, who.User.ID)
}

// NewCodes replaces the set of recovery codes, in one transaction, and ends everything issued
// before; the caller stays signed in. The returned codes are shown once and not stored. It returns
// ErrNoFactor if the account has no second factor, ErrReauthenticate or ErrState.
func (l Recovery) NewCodes(ctx context.Context, who Principal, b Client) ([]string, Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return nil, Outcome{}, err
	}
	codes, macs := l.c.RecoveryCodes.Make(who.User.ID)
	out, err := l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: CodesMade}},
		apply:   l.factorChange(who.User, storage.FactorChange{Codes: macs}),
		event: func(u storage.User) event.Event {
			return event.RecoveryCodesMade{User: subject(u), Number: len(codes), Context: l.at(b)}
		},
	}, b)
	if errors.Is(err, storage.ErrNoFactor) {
		err = ErrNoFactor
	}
	if err != nil {
		return nil, Outcome{}, err
	}
	return codes, out, nil
}

// endCodes makes a change also remove the user's recovery codes, and returns a notice if there are
// any.
func (l Recovery) endCodes(ctx context.Context, u storage.User, c *storage.FactorChange) ([]SecurityNotice, error) {
	c.Codes = [][]byte{}
	if l.c.RecoveryCodes == nil {
		return nil, nil
	}
	left, err := l.c.RecoveryCodes.Left(ctx, u.ID)
	if err != nil || left == 0 {
		return nil, err
	}
	return []SecurityNotice{{Kind: CodesEnded}}, nil
}

// UseCode completes a sign-in with a recovery code instead of the second factor. The browser does
// not become trusted. It returns ErrRecoveryCode, ErrState or *limit.Paused.
func (l Recovery) UseCode(
	ctx context.Context, cookie *PendingCookie, typed string, b Client,
) (out Outcome, left int, err error) {
	if l.c.RecoveryCodes == nil || !l.c.RecoveryCodes.Looks(typed) {
		return l.useCode(ctx, cookie, typed, b)
	}
	at := func() (string, error) { return l.Repeats.standing(ctx, cookie, nil) }
	out, err = l.Repeats.once(ctx, l.Repeats.ofPending(stepRecoveryCode, cookie, factor.Bare(typed)), at,
		func() (Outcome, error) {
			out, left, err := l.useCode(ctx, cookie, typed, b)
			out.Left = left
			return out, err
		})
	return out, out.Left, err
}

func (l Recovery) useCode(
	ctx context.Context, cookie *PendingCookie, typed string, b Client,
) (out Outcome, left int, err error) {
	w, err := l.loadPending(ctx, cookie, nil)
	if err != nil {
		return Outcome{}, 0, err
	}
	if !l.codeTakable(w) {
		return Outcome{}, 0, ErrState
	}
	if ok, err := l.c.RecoveryCodes.Reads(ctx, w.user.ID, typed); err != nil || !ok {
		return Outcome{}, 0, orElse(err, ErrRecoveryCode) // a text that is not a code does not count as a guess
	}
	place, err := l.budgets.claimPlace(ctx, w.user, b, func(from limit.From) (*limit.Reservation, error) {
		return l.c.Limits.RecoveryCode(ctx, w.user.ID, from)
	})
	if err = l.budgets.toldPaused(ctx, w.user, err, b); err != nil {
		return Outcome{}, 0, err
	}
	err = l.c.RecoveryCodes.Holds(ctx, w.user.ID, typed)
	if errors.Is(err, factor.ErrWrong) {
		failed := event.UserFailedAuthn{User: subject(w.user), AuthType: "code", SecondFactor: true,
			Method: storage.RecoveryCode, Context: l.at(b)}
		return Outcome{}, 0, recordedOr(ErrRecoveryCode,
			errors.Join(l.tell(ctx, failed), l.SecondFactor.warnOwner(ctx, w.user, b)))
	}
	if err == nil {
		err = place.Release(ctx)
	}
	if err != nil {
		return Outcome{}, 0, err
	}
	// If two codes are used at the same moment, both notices may contain the same number.
	left, err = l.c.RecoveryCodes.Left(ctx, w.user.ID)
	if err != nil {
		return Outcome{}, 0, err
	}
	notices := l.mail.noticesOf(ctx, SecurityNotice{User: w.user, Kind: CodeUsed, Left: max(0, left-1), Browser: b})
	// The sign-in is taken before the code, so that one sign-in never uses two codes (R70). The
	// code is used up before anything is granted, so that one code never completes two sign-ins.
	if err := l.takePending(ctx, w); err != nil {
		return Outcome{}, 0, stateError(err)
	}
	left, err = l.c.RecoveryCodes.Spend(ctx, w.user.ID, typed, notices...)
	if errors.Is(err, factor.ErrWrong) {
		return Outcome{}, 0, ErrState // another request has used it meanwhile
	}
	if err != nil {
		return Outcome{}, 0, err
	}
	l.mail.kickOutbox()
	proof := l.proof(storage.RecoveryCode)
	out, err = l.finish(ctx,
		granted{user: w.user, level: storage.TwoFactors, proofs: []storage.Proof{w.First, proof}}, b)
	if err != nil {
		return Outcome{}, 0, err
	}
	return out, left, nil
}

// CodeTakable returns the pending sign-in if a recovery code may be entered for it.
func (l Recovery) CodeTakable(ctx context.Context, cookie *PendingCookie) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, nil)
	if err == nil && !l.codeTakable(w) {
		err = ErrState
	}
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}, nil
}

// codeTakable reports whether a sign-in waits for its second factor. It returns false for a set-up
// and for a re-authentication.
func (l Recovery) codeTakable(w pendingSignIn) bool {
	return l.c.RecoveryCodes != nil && w.SessionID == "" && (w.State == storage.Ready || w.State == storage.Select)
}

// hasCodes reports whether the user has a recovery code that may complete this sign-in.
func (l Recovery) hasCodes(ctx context.Context, w pendingSignIn) (bool, error) {
	if !l.codeTakable(w) {
		return false, nil
	}
	n, err := l.c.RecoveryCodes.Left(ctx, w.user.ID)
	return n > 0, err
}

// orElse returns err if it is not nil, and otherwise other.
func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
