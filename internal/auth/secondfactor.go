package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Choose selects the factor to prove, by method or by ID, and sends its code. It may be called
// again to select another factor. It returns ErrChoice or ErrSend.
func (l SecondFactor) Choose(ctx context.Context, cookie *PendingCookie, who *Principal, which string,
	b Client) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return Outcome{}, err
	}
	b.within = w.SessionID
	if w.State.Enrolls() || len(w.factors) < 2 {
		return Outcome{}, ErrState
	}
	var chosen *storage.Factor
	for i, f := range w.factors {
		if which != "" && (f.ID == which || f.Method == which && chosen == nil) {
			chosen = &w.factors[i]
		}
	}
	if chosen == nil {
		return Outcome{}, ErrChoice
	}
	w.State, w.Factor = storage.Ready, chosen.ID
	if err := l.advance(ctx, w); err != nil {
		return Outcome{}, err
	}
	out := Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}
	return out, l.sendCode(ctx, w.Pending, w.user, *chosen, b)
}

// Resend sends another code for the selected factor and invalidates the previous one. It returns
// ErrMethod if the factor needs no message.
func (l SecondFactor) Resend(ctx context.Context, cookie *PendingCookie, who *Principal, b Client) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return Outcome{}, err
	}
	b.within = w.SessionID
	if w.State == storage.Owner {
		return Outcome{User: w.user, Pending: l.view(w.Pending, nil)}, l.sendOwner(ctx, w.Pending, w.user, b)
	}
	f, ok := w.factor()
	if w.State != storage.Ready || !ok {
		return Outcome{}, ErrState
	}
	if m := l.c.Methods[f.Method]; m == nil || m.Channel() == "" {
		return Outcome{}, ErrMethod
	}
	out := Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}
	return out, l.sendCode(ctx, w.Pending, w.user, f, b)
}

// PausedUntil returns the time until which codes of the awaited second factor are paused, or zero
// if they are not. It returns ErrState if there is no such step.
func (l SecondFactor) PausedUntil(
	ctx context.Context, cookie *PendingCookie, who *Principal, b Client,
) (time.Time, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return time.Time{}, err
	}
	b.within = w.SessionID
	var paused *limit.Paused
	err = l.budgets.claim(ctx, w.user, b,
		func(from limit.From) error { return l.c.Limits.Pausing(ctx, w.user.ID, from) })
	if errors.As(err, &paused) {
		return paused.Until, nil
	} else if err != nil {
		return time.Time{}, err
	}
	return time.Time{}, nil
}

// Validate is the step of the second factor. The same answer, repeated within a few seconds, gets
// the same outcome. It returns ErrCode, ErrState or *limit.Paused.
func (l SecondFactor) Validate(ctx context.Context, cookie *PendingCookie, who *Principal, code string,
	b Client) (Outcome, error) {
	if cookie.Value() == "" && who == nil { // a set-up may have replaced the session of this browser
		return l.Repeats.SetupAgain(ctx, "", code, b)
	}
	if !factor.Readable(code) { // not a guess, so there is no outcome to store
		return l.validate(ctx, cookie, who, code, b)
	}
	if who == nil {
		if out, err := l.validateAtOnce(ctx, cookie, code, b); !errors.Is(err, errUndecided) {
			return out, err
		}
	}
	at := func() (string, error) { return l.Repeats.standing(ctx, cookie, who) }
	return l.Repeats.once(ctx, l.Repeats.ofPending(stepCode, cookie, factor.Bare(code)), at, func() (Outcome, error) {
		return l.validate(ctx, cookie, who, code, b)
	})
}

func (l SecondFactor) validate(ctx context.Context, cookie *PendingCookie, who *Principal, code string,
	b Client) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return Outcome{}, err
	}
	b.within = w.SessionID
	switch w.State {
	case storage.Setup, storage.Repair:
		return l.Enroll.confirm(ctx, actor{pending: &w}, "", code, b)
	case storage.Owner:
		return l.proveOwner(ctx, w, who, code, b)
	}
	f, ok := w.factor()
	if w.State != storage.Ready || !ok {
		return Outcome{}, ErrState
	}
	rescued, err := l.prove(ctx, w, f, code, b)
	if err != nil {
		return Outcome{}, err
	}
	if rescued || f.Method == storage.Email { // the mailbox was proven, too
		if w.user, err = l.Account.proves(ctx, w.user, w.First, b); err != nil {
			return Outcome{}, err
		}
	}
	proof := l.proofOf(f)
	if rescued {
		proof = l.proof(policy.Rescued)
	}
	if policy.After(l.rules, proof) == policy.Enroll {
		if rescued {
			return l.Recovery.repair(ctx, w, b)
		}
		return l.replaceWeakFactor(ctx, w, f.Method, b)
	}
	return l.complete(ctx, w, who, proof, b)
}

// proveOwner records that a user who is signing in or signed in has also proven the mailbox. A
// sign-in that must set up a factor continues with the set-up only then (R19), because a stolen
// password alone must not be enough to choose the second factor. A session continues unchanged.
func (l SecondFactor) proveOwner(
	ctx context.Context, w pendingSignIn, who *Principal, code string, b Client,
) (Outcome, error) {
	if _, err := factor.Digits(code, factor.Size); err != nil {
		return Outcome{}, l.noCode(ctx, w, storage.Email, b)
	}
	place, err := l.budgets.mailedPlace(ctx, w.user, b)
	if err != nil {
		return Outcome{}, err
	}
	t := transaction(w.Pending, w.user, b)
	err = l.c.MailedCodes.Try(ctx, t, w.user.Email, code)
	if errors.Is(err, factor.ErrWrong) {
		failed := event.UserFailedAuthn{User: subject(w.user), AuthType: "code", SecondFactor: true,
			Method: storage.Email, Context: l.at(b)}
		return Outcome{}, recordedOr(ErrCode, l.tell(ctx, failed))
	}
	if err != nil {
		return Outcome{}, err
	}
	if err := place.Answered(l.budgets.sent(w.user, limit.Proven, storage.Email, w.user.Email,
		b)).Succeed(ctx); err != nil {
		return Outcome{}, err
	}
	if w.user, err = l.Account.proves(ctx, w.user, w.First, b); err != nil {
		return Outcome{}, err
	}
	if w.SessionID != "" {
		if err := l.takePending(ctx, w); err != nil {
			return Outcome{}, stateError(err)
		}
		return l.renewUnchanged(ctx, w.user, *who, b)
	}
	w.State = storage.Setup
	if err := l.advance(ctx, w); err != nil {
		return Outcome{}, err
	}
	return Outcome{User: w.user, Pending: l.view(w.Pending, nil)}, nil
}

// prove uses up a code of the factor or, if one was mailed, of the rescue. The guess is reserved
// first. Every wrong code is ErrCode.
func (l SecondFactor) prove(
	ctx context.Context, w pendingSignIn, f storage.Factor, code string, b Client,
) (rescued bool, err error) {
	rescue := w.Rescue && l.c.MailedCodes != nil && !l.c.Policy.StrongOnly
	_, short := factor.Digits(code, factor.Size)
	if !factor.Reads(l.c.Methods[f.Method], f, code) && (!rescue || short != nil) {
		return false, l.noCode(ctx, w, f.Method, b)
	}
	if rescue {
		return l.proveRescue(ctx, w, f, code, b)
	}
	place, err := l.budgets.secondFactorPlace(ctx, w.user, f.ID, b)
	if err != nil {
		return false, err
	}
	err = l.verifyFactor(ctx, w, f, code, b)
	if errors.Is(err, factor.ErrSecret) {
		// A missing key is the operator's problem: do not report a wrong code to the user, and do
		// not count a guess.
		place := place.Answered(l.budgets.sent(w.user, limit.Proven, f.Method, f.Destination, b))
		return false, errors.Join(fmt.Errorf("%w: %w", storage.ErrUnavailable, err), place.Release(ctx))
	}
	if err == nil {
		err = place.Answered(l.budgets.sent(w.user, limit.Proven, f.Method, f.Destination, b)).Succeed(ctx)
	}
	return false, l.wrongCode(ctx, place, w, f, err, b)
}

// proveRescue is like prove, after a rescue was requested. Rescue codes have their own guesses, so
// that a factor that was disabled by too many wrong codes can be rescued, and wrong codes do not
// count against the factor. A code of the factor itself is also accepted while the rescue code is
// valid; both share the few guesses of the rescue.
func (l SecondFactor) proveRescue(
	ctx context.Context, w pendingSignIn, f storage.Factor, code string, b Client,
) (rescued bool, err error) {
	place, err := l.budgets.claimPlace(ctx, w.user, b, func(from limit.From) (*limit.Reservation, error) {
		return l.c.Limits.Rescued(ctx, w.user.ID, from)
	})
	if err = l.budgets.toldPaused(ctx, w.user, err, b); err != nil {
		return false, err
	}
	t := transaction(w.Pending, w.user, b)
	t.Purpose = factor.Rescue
	err = l.c.MailedCodes.Try(ctx, t, w.user.Email, code)
	if err == nil {
		return true, place.Answered(l.budgets.sent(w.user, limit.Rescued, storage.Email, w.user.Email, b)).Succeed(ctx)
	}
	if errors.Is(err, factor.ErrWrong) {
		lives := l.budgets.claim(ctx, w.user, b,
			func(from limit.From) error { return l.c.Limits.FactorLives(ctx, f.ID, from) })
		switch {
		case lives == nil:
			if err = l.verifyFactor(ctx, w, f, code, b); errors.Is(err, factor.ErrSecret) {
				err = factor.ErrWrong // try the mailed code
			}
		case !paused(lives):
			err = lives
		}
	}
	if err == nil {
		err = place.Answered(l.budgets.sent(w.user, limit.Proven, f.Method, f.Destination, b)).Proves(f.ID).Succeed(ctx)
	}
	return false, l.wrongCode(ctx, place, w, f, err, b)
}

// verifyFactor uses up a code of a factor. It returns factor.ErrWrong or factor.ErrSecret.
func (l SecondFactor) verifyFactor(ctx context.Context, w pendingSignIn, f storage.Factor, code string,
	b Client) error {
	m := l.c.Methods[f.Method]
	if m == nil {
		return factor.ErrWrong
	}
	err := m.Verify(ctx, transaction(w.Pending, w.user, b), f, code)
	if errors.Is(err, factor.ErrSecret) {
		l.c.Log.ErrorContext(ctx, "factor cannot be verified", "user", w.user.ID, "factor", f.ID, "cause", err)
	}
	return err
}

// wrongCode records a wrong code. It returns ErrCode, or ErrCodeUsed for a code that was already
// used.
func (l SecondFactor) wrongCode(
	ctx context.Context, place *limit.Reservation, w pendingSignIn, f storage.Factor, err error, b Client,
) error {
	switch {
	case errors.Is(err, factor.ErrReplayed):
		return l.codeUsed(ctx, place, w.user, f.Method, b)
	case errors.Is(err, factor.ErrWrong):
		failed := event.UserFailedAuthn{User: subject(w.user), AuthType: "code", SecondFactor: true, Method: f.Method,
			Context: l.at(b)}
		return recordedOr(ErrCode, errors.Join(l.tell(ctx, failed), l.warnOwner(ctx, w.user, b)))
	}
	return err
}

// codeUsed refuses a correct code that was already used. The owner has probably entered it twice, and
// it does not help an attacker, so it does not count as a guess or cause an alert. It is recorded
// at most once a minute.
func (l SecondFactor) codeUsed(
	ctx context.Context, place *limit.Reservation, u storage.User, method string, b Client,
) error {
	failed := event.UserFailedAuthn{
		User: subject(u), AuthType: "code", SecondFactor: true, Method: method, Reason: "replayed", Context: l.at(b),
	}
	return recordedOr(ErrCodeUsed, errors.Join(l.tellOnce(ctx, "replayed:"+u.ID, failed), place.Undo(ctx)))
}

// noCode refuses a text that is not a code. It does not count as a guess, and is reported at most
// once a minute.
func (l SecondFactor) noCode(ctx context.Context, w pendingSignIn, method string, b Client) error {
	return recordedOr(ErrCode, l.tellOnce(ctx, "no-code:"+w.Hash, event.UserFailedAuthn{
		User: subject(w.user), AuthType: "code", SecondFactor: true, Method: method, Reason: "no code",
		Context: l.at(b),
	}))
}

// warnOwner notifies the owner that codes are being guessed by someone who knows the password.
func (l SecondFactor) warnOwner(ctx context.Context, u storage.User, b Client) error {
	warn, err := l.c.Limits.Warn(ctx, u.ID)
	if warn {
		l.mail.notify(ctx, u, CodesTried, "", b)
	}
	return err
}

// complete takes the pending whose second factor has just been proven and issues the session. Only
// one of several callers gets the pending.
func (l SecondFactor) complete(
	ctx context.Context, w pendingSignIn, who *Principal, second storage.Proof, b Client,
) (Outcome, error) {
	if err := l.takePending(ctx, w); errors.Is(err, storage.ErrUsed) {
		return Outcome{}, ErrState
	} else if err != nil {
		return Outcome{}, err
	}
	if second.Method == policy.Rescued { // the user may have lost their browsers (R83)
		if err := l.endTrust(ctx, w.user.ID, l.mail.notices(ctx, w.user, Rescued, "", b)...); err != nil {
			return Outcome{}, err
		}
		l.mail.kickOutbox()
	}
	g := granted{user: w.user, level: storage.TwoFactors, proofs: []storage.Proof{w.First, second}}
	if w.SessionID != "" {
		g.renews, g.verified = &who.Session, true
	} else {
		l.emit(ctx, event.TFCodeConfirmed{User: subject(w.user), Method: second.Method, Context: l.at(b)})
		g.rememberMe = l.Sessions.rememberMeLife(w.Remember && second.Method != policy.Rescued, w.user, g.level)
	}
	out, err := l.finish(ctx, g, b)
	if errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, ErrState // the session to renew has ended meanwhile
	}
	if err != nil {
		return Outcome{}, err
	}
	if second.Method != policy.Rescued && w.SessionID == "" {
		err = l.trust(ctx, &out, w.Remember, b)
	}
	return out, err
}

// trust makes this browser a trusted device if its user asked for it and the policy allows it. It
// is called only after a second factor was proven (R79).
func (l SecondFactor) trust(ctx context.Context, out *Outcome, remember bool, b Client) error {
	if !remember || !l.trusts(out.User) {
		return nil
	}
	var notices []storage.Message
	if out.RememberMeCookie == "" { // otherwise the owner has got a notice that covers this
		notices = l.mail.notices(ctx, out.User, DeviceTrusted, "", b)
	}
	d := storage.Device{Name: device.Name(b.Agent), Address: b.Address, Proofs: out.Session.Proofs}
	cookie, err := l.c.Devices.Trust(ctx, out.User, d, notices...)
	if err != nil {
		return err
	}
	if err := l.Sessions.boundDevices(ctx, out.User, b); err != nil {
		return err
	}
	l.mail.kickOutbox()
	if err := l.tell(ctx, event.DeviceTrusted{User: subject(out.User), Context: l.at(b)}); err != nil {
		return err
	}
	out.DeviceCookie, out.DeviceLife = cookie, l.c.Devices.Life()
	return nil
}
