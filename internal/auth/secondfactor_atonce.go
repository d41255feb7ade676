package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A code of an app is compared in memory, so its guess need not be reserved first. The check of the
// budget, the use of the code and its result are one step of the store, and the answer is sent only
// after the commit. If the budget is closed, the answer is that guesses are paused, after the same
// statements and regardless of the code.
//
// This applies to a sign-in that ends in a session and changes nothing else. All others use
// validate. So does a sign-in whose step is refused because an item was used up or because the
// account has a request that a sign-in ends.

// appCode is a code and the result of its comparison.
type appCode struct {
	pendingSignIn
	factor   storage.Factor
	step     int64
	verdict  error // nil, factor.ErrWrong or factor.ErrReplayed
	answered repeat
}

// errUndecided means that nothing was done and validate must decide.
var errUndecided = errors.New("auth: not decided at once")

// validateAtOnce is like validate, for the code of an app.
func (l SecondFactor) validateAtOnce(
	ctx context.Context, cookie *PendingCookie, code string, b Client,
) (Outcome, error) {
	if cookie.Value() == "" || b.WantToken || b.RememberMe != "" || l.c.SignIns != nil ||
		l.c.Policy.Life.OnSignIn != nil {
		return Outcome{}, errUndecided
	}
	c, err := l.compared(ctx, cookie, code)
	if err != nil {
		return Outcome{}, err
	}
	if c.verdict == nil {
		return l.signInAtOnce(ctx, c, b)
	}
	failed := event.UserFailedAuthn{
		User: subject(c.user), AuthType: "code", SecondFactor: true, Method: c.factor.Method, Context: l.at(b),
	}
	if errors.Is(c.verdict, factor.ErrReplayed) {
		if err := l.takeAtOnce(ctx, c, storage.Step{}, ErrCodeUsed, b); err != nil {
			return Outcome{}, err
		}
		return Outcome{}, l.codeUsed(ctx, nil, c.user, c.factor.Method, b)
	}
	step := storage.Step{Events: []storage.Event{l.c.Trail.Row(failed)}}
	if err := l.takeAtOnce(ctx, c, step, ErrCode, b); err != nil {
		return Outcome{}, err
	}
	LogSignIns(l.c.Log)(ctx, failed)
	l.emit(ctx, failed)
	return Outcome{}, recordedOr(ErrCode, l.warnOwner(ctx, c.user, b))
}

// compared reads a sign-in and compares a code with its app. The data that it reads does not depend
// on whether the code is right.
func (l SecondFactor) compared(ctx context.Context, cookie *PendingCookie, code string) (c appCode, err error) {
	if c.pendingSignIn, err = l.loadPending(ctx, cookie, nil); errors.Is(err, ErrState) {
		return c, errUndecided // the first answer may have just used it up
	}
	if err != nil {
		return c, err
	}
	f, ok := c.pendingSignIn.factor()
	m := l.c.Methods[f.Method]
	comparer, compares := m.(factor.Comparer)
	if !ok || !compares || c.State != storage.Ready || c.Rescue || c.Remember || !factor.Reads(m, f, code) ||
		policy.After(l.rules, l.proofOf(f)) == policy.Enroll ||
		!l.rules.TwoFactors([]storage.Proof{c.First, l.proofOf(f)}) {
		return c, errUndecided
	}
	c.factor = f
	if c.step, c.verdict = comparer.Compare(f, code); c.verdict != nil &&
		!errors.Is(c.verdict, factor.ErrWrong) && !errors.Is(c.verdict, factor.ErrReplayed) {
		return c, errUndecided
	}
	c.answered = l.Repeats.ofPending(stepCode, cookie, factor.Bare(code))
	c.answered.at = where(c.Pending)
	return c, nil
}

// signInAtOnce issues the session for a correct code.
func (l SecondFactor) signInAtOnce(ctx context.Context, c appCode, b Client) (Outcome, error) {
	second := l.proofOf(c.factor)
	g := granted{
		user: c.user, level: storage.TwoFactors, proofs: []storage.Proof{c.First, second},
		few: c.sessions >= 0 && c.sessions < fewSessions,
	}
	g.spends = func(opened *Opened, row storage.Event) error {
		step := storage.Step{
			Factor: c.factor.ID, TOTPStep: c.step, Takes: c.Hash, Events: []storage.Event{row},
			Session: &opened.Session,
		}
		draft, err := c.answered.draft(Outcome{User: c.user, Session: opened}, nil)
		if err != nil {
			return err
		}
		step.Draft = &draft
		if err := l.takeAtOnce(ctx, c, step, nil, b); err != nil {
			return err
		}
		l.emit(ctx, event.TFCodeConfirmed{User: subject(c.user), Method: second.Method, Context: l.at(b)})
		return nil
	}
	return l.finish(ctx, g, b)
}

// takeAtOnce performs the step of a code within its budgets. The same answer is decided once; its outcome
// is stored for repetitions.
func (l SecondFactor) takeAtOnce(ctx context.Context, c appCode, step storage.Step, outcome error, b Client) error {
	step.Now = l.c.Now()
	again := repeatRight
	if errors.Is(c.verdict, factor.ErrWrong) {
		again = repeatWrong
	}
	if step.Draft == nil {
		draft, err := c.answered.draft(Outcome{}, outcome)
		if err != nil {
			return err
		}
		step.Draft = &draft
	}
	once := l.c.Limits.OnceClaim(c.answered.owner+":"+c.answered.name(), again)
	err := l.budgets.claim(ctx, c.user, b, func(from limit.From) error {
		place, claims := l.c.Limits.SecondFactorClaims(c.user.ID, c.factor.ID, from)
		step.Budgets = [][]storage.Claim{{once}, claims}
		switch {
		case c.verdict == nil:
			step.Budgets = append(step.Budgets, []storage.Claim{l.c.Limits.SessionClaim(c.user.ID)})
			step.Returns, step.Clears = place.Returns()
		case errors.Is(c.verdict, factor.ErrReplayed): // not a guess; see codeUsed
			step.Returns = limit.Keys(claims)
		}
		err := l.c.Steps.TakeStep(ctx, step)
		var closed *storage.Closed
		switch {
		case errors.As(err, &closed) && closed.Group > 0:
			return &limit.Paused{Until: closed.Opens}
		case errors.Is(err, storage.ErrUsed), errors.Is(err, storage.ErrNotFound):
			c.cookie.forget() // it may be used up
			return errUndecided
		}
		return err
	})
	return l.budgets.toldPaused(ctx, c.user, err, b)
}
