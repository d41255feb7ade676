package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// FirstProfile is what a user may begin a sign-in with.
type FirstProfile struct {
	Factors []store.Factor // without the password
	Active  []string       // methods that are set up, the password among them
	// Password: the account has one and may begin a sign-in with it.
	Password bool
	Methods  []string // may be set up, the password not among them
	Last     bool     // without these Factors nothing would begin a sign-in
}

// FirstSetup returns what the signed-in user begins a sign-in with.
// ErrReauthenticate.
func (l *Login) FirstSetup(ctx context.Context, who Who) (FirstProfile, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
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

// FirstFactors is the same, without Last, for who only proves who they are.
func (l *Login) FirstFactors(ctx context.Context, u store.User) (FirstProfile, error) {
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

// firstOwner names whose draft of a first factor it is: none of a second
// factor's steps finds it.
func firstOwner(who Who) string { return "first:" + who.Session.ID }

// BeginFirst stores a draft of a factor that begins sign-ins and sends its code.
// Nothing is active before ConfirmFirst. Errors as of BeginSetup.
func (l *Login) BeginFirst(ctx context.Context, who Who, w Wish, b Browser) (Begun, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Begun{}, err
	}
	if w.Method == ByPassword || !l.offersFirst(w.Method) {
		return Begun{}, ErrMethod
	}
	if w.Method != store.Email { // a code by mail is the proof
		if err := l.mayEnroll(who.User); err != nil {
			return Begun{}, err
		}
	}
	return l.begin(ctx, firstOwner(who), who.User, Wish{Method: w.Method, Phone: w.Phone, within: l.c.Policy.Unified.SetupWithin}, b)
}

// SettingUpFirst is the draft of this state, for the session that began it. What
// was shown to begin it is shown again while the session is fresh. ErrSetupToken,
// ErrSetupExpired.
func (l *Login) SettingUpFirst(ctx context.Context, who Who, state string) (Begun, error) {
	d, err := l.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Begun{}, err
	}
	begun, err := shownAgain(ctx, l, d, who.User, &who)
	begun.StateToken = state
	return begun, err
}

// ResendFirst sends another code for that draft; the former one is void.
// ErrSetupToken, ErrSetupExpired, ErrMethod, ErrSend.
func (l *Login) ResendFirst(ctx context.Context, who Who, state string, b Browser) (Begun, error) {
	d, err := l.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Begun{}, err
	}
	begun, err := sendAgain(ctx, l, d, who.User, b)
	begun.StateToken = state
	return begun, err
}

// ConfirmFirst makes the draft a factor that begins sign-ins, in place of a
// former one of its method. ErrSetupToken, ErrSetupExpired, ErrCode, ErrState.
func (l *Login) ConfirmFirst(ctx context.Context, who Who, state, code string, b Browser) (Outcome, error) {
	at := func() (string, error) { return "", nil } // the caller's session lives
	return l.once(ctx, l.repeat(stepSetup, b.Session, setupAnswer(state, code)), at, func() (Outcome, error) {
		return confirmFirst(ctx, l, who, state, code, b)
	})
}

func confirmFirst(ctx context.Context, l *Login, who Who, state, code string, b Browser) (Outcome, error) {
	d, err := l.draftOf(ctx, firstOwner(who), who.User, state)
	if err != nil {
		return Outcome{}, err
	}
	m := l.c.Methods[d.Method]
	if !l.offersFirst(d.Method) {
		return Outcome{}, ErrMethod
	}
	f, err := l.enrol(ctx, who.User, m, d, code, b)
	if err != nil {
		return Outcome{}, err
	}
	f.Usage, f.Primary = store.UseFirst, false
	if f.Method == store.Email {
		if who.User, err = l.proves(ctx, who.User, l.firstProof(who.Session), b); err != nil {
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
	c := store.FactorChange{Add: &f}
	for _, former := range firsts {
		if former.Method == f.Method {
			c.Remove = append(c.Remove, former.ID)
		}
	}
	return l.changeFirst(ctx, who, c, event.USProfileChanged{Methods: []string{f.Method}}, FirstFactorChanged, b)
}

// RemoveFirst removes factors that begin sign-ins, by method; not the last way
// in. ErrMethod, ErrReauthenticate.
func (l *Login) RemoveFirst(ctx context.Context, who Who, methods []string, b Browser) (Outcome, error) {
	if err := l.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return Outcome{}, err
	}
	if len(methods) == 0 {
		return Outcome{}, ErrMethod
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, who.User.ID)
	if err != nil {
		return Outcome{}, err
	}
	c := store.FactorChange{}
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

// changeFirst applies a change, ends everything issued before it, and gives the
// acting browser a session that has proven what the former one had.
func (l *Login) changeFirst(ctx context.Context, who Who, c store.FactorChange, e event.USProfileChanged, kind string, b Browser) (Outcome, error) {
	u := who.User
	c.UserID, c.From, c.To, c.Now = u.ID, u.Uniquifier, account.NewUniquifier(), l.c.Now()
	c.Messages = l.letters(ctx, u, kind, e.Methods[len(e.Methods)-1], b)
	u, err := l.change(ctx, u, c)
	if err != nil {
		return Outcome{}, err
	}
	e.User, e.Context = subject(u), l.at(b)
	if err := l.tell(ctx, e); err != nil {
		return Outcome{}, err
	}
	b.WantToken = false
	return l.carryOn(ctx, u, who, b)
}

// VerifyPasscode is Verify by whatever the account begins a sign-in with.
// ErrPassword, ErrSameFactor.
func (l *Login) VerifyPasscode(ctx context.Context, who Who, text string, b Browser) (Outcome, error) {
	b.within = who.Session.ID
	method, err := l.passcode(ctx, &who.User, Attempt{Password: text}, factor.FirstAgain, who.Session.ID, b)
	if err != nil {
		return Outcome{}, err
	}
	return l.again(ctx, who, l.proof(method), b)
}

// SendVerify sends the signed-in user a code to prove himself again. ErrChoice:
// no method that sends; ErrMethod: not set up; ErrSend.
func (l *Login) SendVerify(ctx context.Context, who Who, method string, b Browser) error {
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
	if err := l.send(ctx, who.User, limit.Message{Class: limit.Again, Transaction: t.ID, Channel: method, Destination: to}, b); err != nil {
		return err
	}
	if err := codes.Send(ctx, t, to); err != nil {
		return l.sendError(ctx, who.User, method, err)
	}
	return l.tell(ctx, event.USSecurityTokenSent{User: subject(who.User), Method: method, Destination: send.Mask(method, to), Context: l.at(b)})
}
