package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

func (l Enroll) confirm(ctx context.Context, a actor, state, code string, b Client) (Outcome, error) {
	d, err := l.draft(ctx, a, state)
	if errors.Is(err, ErrSetupToken) && a.pending != nil {
		err = ErrState
	}
	if err != nil {
		return Outcome{}, err
	}
	u, m := a.user(), l.c.Methods[d.Method]
	if m == nil || !l.enabled(d.Method) {
		return Outcome{}, ErrMethod
	}
	if l.proved(a, d.Method) { // by a proof newer than the set-up
		return Outcome{}, ErrSameFactor
	}
	f, err := l.enroll(ctx, u, m, d, code, b)
	if err != nil {
		return Outcome{}, err
	}
	if d.Method == storage.Email {
		first, _ := a.first()
		if u, err = l.Account.proves(ctx, u, first, b); err != nil {
			return Outcome{}, err
		}
	}
	// Consume first: draft, then pending, then the change, then the session.
	if err := l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID); err != nil {
		return Outcome{}, stateError(err)
	}
	if a.pending != nil {
		if err := l.takePending(ctx, *a.pending); err != nil {
			return Outcome{}, stateError(err)
		}
	}
	changed, first, err := l.activate(ctx, activation{
		actor: a, user: u, factor: f, add: d.Add,
		event: func(u storage.User) event.Event {
			if a.pending != nil {
				return event.TFEnrolled{User: subject(u), Method: d.Method, Context: l.at(b)}
			}
			return event.TFProfileChanged{User: subject(u), Method: d.Method, Context: l.at(b)}
		},
	}, b)
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.enrolled(ctx, a, changed, l.proof(d.Method), b)
	out.FirstFactor = first
	return out, err
}

// enroll checks the first code of a draft.
func (l Enroll) enroll(
	ctx context.Context, u storage.User, m factor.Method, d storage.Draft, code string, b Client,
) (storage.Factor, error) {
	if _, err := factor.Digits(code, factor.Size); err != nil {
		return storage.Factor{}, ErrCode
	}
	place, err := l.draftPlace(ctx, u, d, b)
	if err != nil {
		return storage.Factor{}, err
	}
	f, err := m.FinishEnroll(ctx, draftTransaction(d, u, b), d, code)
	if errors.Is(err, factor.ErrWrong) {
		return storage.Factor{}, ErrCode
	}
	if err != nil {
		return storage.Factor{}, err
	}
	f.CreatedAt = l.c.Now()
	return f, place.Answered(l.budgets.sent(u, limit.Claimed, d.Method, d.Destination, b)).Succeed(ctx)
}

// draftPlace reserves a guess at the code of a draft. Drafts have their own budget, so that wrong
// codes during a set-up do not use up the account's guesses. A code that proves the account's
// address counts with all such codes, because otherwise set-ups would allow unlimited guesses.
func (l Enroll) draftPlace(ctx context.Context, u storage.User, d storage.Draft, b Client) (*limit.Reservation, error) {
	if d.Method == storage.Email && !u.Proven() {
		return l.budgets.mailedPlace(ctx, u, b)
	}
	return l.c.Limits.SecondFactor(ctx, "draft:"+d.Owner, "", limit.From{})
}

// activation is a second factor whose set-up was completed.
type activation struct {
	actor
	user   storage.User // with what the set-up has proven
	factor storage.Factor
	add    bool // it does not replace another one
	event  func(u storage.User) event.Event
}

// activate activates the factor, invalidates everything issued before, and stores the notices, in
// one transaction. first reports whether the user had no factor before. A user who was rescued has
// neither the lost factor nor the recovery codes, so someone else may have the codes. They end when
// the user changes second factors.
func (l Enroll) activate(ctx context.Context, n activation, b Client) (changed storage.User, first bool, err error) {
	u, f := n.user, n.factor
	present, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return storage.User{}, false, err
	}
	notice := SecurityNotice{Kind: FactorChanged, Method: f.Method}
	if f.Method == storage.Passkey {
		notice.Kind = PasskeyAdded
	}
	notices := []SecurityNotice{notice}
	if len(present) == 0 {
		f.Primary = true
	}
	c, former := storage.FactorChange{Add: &f}, replaced(present, n.lost(), n.add)
	if n.rescued() {
		more, err := l.Recovery.endCodes(ctx, u, &c)
		if err != nil {
			return storage.User{}, false, err
		}
		notices = append(notices, more...)
	}
	for _, p := range present {
		// The same phone or mailbox replaces itself.
		same := f.Destination != "" && p.Method == f.Method && p.Destination == f.Destination
		if same || p.ID == former {
			c.Remove = append(c.Remove, p.ID)
			f.Primary = f.Primary || p.Primary
		}
	}
	if len(present)-len(c.Remove) >= maxFactors {
		return storage.User{}, false, ErrMethod
	}
	changed, err = l.change(ctx, change{
		user: u, notices: notices, apply: l.factorChange(u, c), event: n.event,
	}, b)
	return changed, len(present) == 0, err
}

// replaced returns the ID of the factor that a new one replaces, or an empty string.
func replaced(present []storage.Factor, lost string, add bool) string {
	if lost == "" && !add { // passkeys are added and removed separately
		if i := slices.IndexFunc(present, func(p storage.Factor) bool { return p.Method != storage.Passkey }); i >= 0 {
			return present[i].ID
		}
	}
	return lost
}

// stateError converts storage.ErrUsed to ErrState: another request has used the one-time item.
func stateError(err error) error {
	if errors.Is(err, storage.ErrUsed) || errors.Is(err, storage.ErrNotFound) {
		return ErrState
	}
	return err
}

// enrolled gives the acting browser its new session. All others are invalid.
func (l Enroll) enrolled(ctx context.Context, a actor, u storage.User, second storage.Proof,
	b Client) (Outcome, error) {
	if a.who != nil {
		g := granted{user: u, level: storage.TwoFactors, proofs: append(firstProofs(a.who.Session), second)}
		b.WantToken = false
		return l.renewSession(ctx, g, a.who.Session, b)
	}
	l.emit(ctx, event.TFCodeConfirmed{User: subject(u), Method: second.Method, Context: l.at(b)})
	remember := a.pending.Remember && a.pending.State != storage.Repair // no trust after a rescue (R79)
	out, err := l.finish(ctx, granted{
		user: u, level: storage.TwoFactors, proofs: []storage.Proof{a.pending.First, second},
		rememberMe: l.Sessions.rememberMeLife(remember, u, storage.TwoFactors),
	}, b)
	if err != nil {
		return Outcome{}, err
	}
	err = l.SecondFactor.trust(ctx, &out, remember, b)
	return out, err
}

// firstProofs returns the proofs of a session's first factor.
func firstProofs(s storage.Session) []storage.Proof {
	if len(s.Proofs) == 0 {
		return nil
	}
	return s.Proofs[:1:1]
}
