package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// FirstProfile describes the first factors of a user.
type FirstProfile struct {
	Factors []storage.Factor // without the password
	Active  []string         // methods that are set up, including the password
	// Password is set if the account has a password that can start a sign-in.
	Password bool
	Methods  []string // methods that may be set up, without the password
	Last     bool     // without these Factors the user could not start a sign-in
}

// FirstSetup returns the first factors of the signed-in user, or ErrReauthenticate.
func (l Passwordless) FirstSetup(ctx context.Context, who Principal) (FirstProfile, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return FirstProfile{}, err
	}
	p, err := l.FirstFactors(ctx, who.User)
	if err != nil {
		return p, err
	}
	var ids []string
	for _, f := range p.Factors {
		ids = append(ids, f.ID)
	}
	if err = l.keepsWayIn(ctx, who.User, ids...); errors.Is(err, ErrLastWayIn) {
		p.Last, err = true, nil
	}
	return p, err
}

// FirstFactors returns the same without Last, for re-authentication.
func (l Passwordless) FirstFactors(ctx context.Context, u storage.User) (FirstProfile, error) {
	p := FirstProfile{Active: []string{}, Methods: []string{}}
	var err error
	if p.Factors, err = l.c.Factors.FirstFactorsOf(ctx, u.ID); err != nil {
		return p, err
	}
	for _, m := range l.FirstMethods() {
		if m != ByPassword {
			p.Methods = append(p.Methods, m)
		}
		_, has := firstOf(p.Factors, m)
		if has || m == ByPassword && u.PasswordHash != "" {
			p.Active = append(p.Active, m)
		}
	}
	p.Password = slices.Contains(p.Active, ByPassword)
	return p, nil
}

// firstOwner returns the owner of a draft of a first factor. The steps of second factors use other
// owners.
func firstOwner(who Principal) string { return "first:" + who.Session.ID }

// BeginFirst stores a draft of a first factor and sends its code. The factor is not active before
// ConfirmFirst. It returns the errors of BeginSetup.
func (l Passwordless) BeginFirst(ctx context.Context, who Principal, w EnrollRequest, b Client) (Enrollment, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Enrollment{}, err
	}
	if w.Method == ByPassword || !l.offersFirst(w.Method) {
		return Enrollment{}, ErrMethod
	}
	if w.Method != storage.Email { // a mailed code is the proof itself
		if err := l.Account.mayEnroll(who.User); err != nil {
			return Enrollment{}, err
		}
	}
	return l.Enroll.begin(ctx, firstOwner(who), who.User,
		EnrollRequest{Method: w.Method, Phone: w.Phone, within: l.c.Policy.Unified.SetupWithin}, b)
}

// SettingUpFirst returns the draft with this state to the session that started it. It includes the
// secret while the session is fresh. It returns ErrSetupToken or ErrSetupExpired.
func (l Passwordless) SettingUpFirst(ctx context.Context, who Principal, state string) (Enrollment, error) {
	d, err := l.Enroll.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Enrollment{}, err
	}
	started, err := l.Enroll.shownAgain(ctx, d, who.User, &who)
	started.StateToken = state
	return started, err
}

// ResendFirst sends another code for that draft and invalidates the previous one. It returns
// ErrSetupToken, ErrSetupExpired, ErrMethod or ErrSend.
func (l Passwordless) ResendFirst(ctx context.Context, who Principal, state string, b Client) (Enrollment, error) {
	d, err := l.Enroll.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Enrollment{}, err
	}
	started, err := l.Enroll.sendAgain(ctx, d, who.User, b)
	started.StateToken = state
	return started, err
}

// ConfirmFirst activates the draft as a first factor, which replaces an earlier one of its method.
// It returns ErrSetupToken, ErrSetupExpired, ErrCode or ErrState.
func (l Passwordless) ConfirmFirst(ctx context.Context, who Principal, state, code string, b Client) (Outcome, error) {
	at := func() (string, error) { return "", nil } // the caller's session is valid
	return l.Repeats.once(ctx, l.Repeats.repeat(stepSetup, b.Session, setupAnswer(state, code)), at,
		func() (Outcome, error) {
			return l.confirmFirst(ctx, who, state, code, b)
		})
}

func (l Passwordless) confirmFirst(ctx context.Context, who Principal, state, code string, b Client) (Outcome, error) {
	d, err := l.Enroll.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Outcome{}, err
	}
	m := l.c.Methods[d.Method]
	if !l.offersFirst(d.Method) {
		return Outcome{}, ErrMethod
	}
	f, err := l.Enroll.enroll(ctx, who.User, m, d, code, b)
	if err != nil {
		return Outcome{}, err
	}
	f.Usage, f.Primary = storage.UseFirst, false
	if f.Method == storage.Email {
		if who.User, err = l.Account.proves(ctx, who.User, l.Account.firstProof(who.Session), b); err != nil {
			return Outcome{}, err
		}
	}
	if err := l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID); err != nil {
		return Outcome{}, stateError(err)
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	c := storage.FactorChange{Add: &f}
	for _, former := range firsts {
		if former.Method == f.Method {
			c.Remove = append(c.Remove, former.ID)
		}
	}
	return l.changeFirst(ctx, who, c, event.USProfileChanged{Methods: []string{f.Method}},
		FirstFactorChanged, b)
}

// RemoveFirst removes first factors by method, but not the last way to sign in. It returns
// ErrMethod or ErrReauthenticate.
func (l Passwordless) RemoveFirst(ctx context.Context, who Principal, methods []string, b Client) (Outcome, error) {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	if len(methods) == 0 {
		return Outcome{}, ErrMethod
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	c := storage.FactorChange{}
	for _, m := range slices.Compact(slices.Sorted(slices.Values(methods))) {
		f, ok := firstOf(firsts, m)
		if !ok {
			return Outcome{}, ErrMethod
		}
		c.Remove = append(c.Remove, f.ID)
	}
	if err := l.keepsWayIn(ctx, who.User, c.Remove...); errors.Is(err, ErrLastWayIn) {
		return Outcome{}, ErrMethod
	} else if err != nil {
		return Outcome{}, err
	}
	return l.changeFirst(ctx, who, c, event.USProfileChanged{Methods: methods, Delete: true}, FirstFactorRemoved, b)
}

// changeFirst applies a change, ends everything issued before, and gives the acting browser a new
// session with the proofs of the old one.
func (l Passwordless) changeFirst(
	ctx context.Context, who Principal, c storage.FactorChange, e event.USProfileChanged, kind string, b Client,
) (Outcome, error) {
	return l.changeOwn(ctx, who, change{
		notices: []SecurityNotice{{Kind: kind, Method: e.Methods[len(e.Methods)-1]}},
		apply:   l.factorChange(who.User, c),
		event: func(u storage.User) event.Event {
			e.User, e.Context = subject(u), l.at(b)
			return e
		},
	}, b)
}

// VerifyPasscode is like Verify, with any first factor of the account. It returns ErrPassword or
// ErrSameFactor.
func (l Passwordless) VerifyPasscode(ctx context.Context, who Principal, text string, b Client) (Outcome, error) {
	b.within = who.Session.ID
	method, err := l.passcode(ctx, passcodeGuess{
		Attempt: Attempt{Password: text}, user: &who.User, purpose: factor.FirstAgain, of: who.Session.ID,
	}, b)
	if err != nil {
		return Outcome{}, err
	}
	return l.Reauth.reauthNext(ctx, who, l.proof(method), b)
}

// SendVerify sends the signed-in user a code for re-authentication. It returns ErrChoice if the
// method sends no codes, ErrMethod if it is not set up, and ErrSend.
func (l Passwordless) SendVerify(ctx context.Context, who Principal, method string, b Client) error {
	codes := l.c.FirstCodes[method]
	if codes == nil || !l.offersFirst(method) {
		return ErrChoice
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, who.User.ID)
	if err != nil {
		return err
	}
	f, found := firstOf(firsts, method)
	if !found {
		return ErrMethod
	}
	b.within = who.Session.ID
	t, to := firstTransaction(who.User, factor.FirstAgain, who.Session.ID, method, b), destination(who.User, f, true)
	if err := l.budgets.send(ctx, who.User,
		limit.Message{Class: limit.Again, Transaction: t.ID, Channel: method, Destination: to}, b); err != nil {
		return err
	}
	if err := codes.Send(ctx, t, to); err != nil {
		return l.SecondFactor.sendError(ctx, who.User, method, err)
	}
	return l.tell(ctx, event.USSecurityTokenSent{User: subject(who.User), Method: method,
		Destination: send.Mask(method, to), Context: l.at(b)})
}
