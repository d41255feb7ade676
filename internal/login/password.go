package login

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// Attempt is a sign-in with a password.
type Attempt struct {
	Identity string // e-mail address or username, as typed
	Password string
	Remember bool
}

// Password is the step of the first factor. Errors: ErrUnknownUser,
// ErrPassword, ErrDisabled, *limit.Paused; ErrSend together with an Outcome
// whose Pending stands although its code did not go out.
func (l *Login) Password(ctx context.Context, a Attempt, b Browser) (Outcome, error) {
	u, err := l.c.Accounts.Find(ctx, a.Identity)
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return Outcome{}, err
	}
	place, err := guessPassword(ctx, l, &u, a.Identity, a.Password, b)
	if err != nil {
		if unknown && errors.Is(err, ErrPassword) {
			return Outcome{}, ErrUnknownUser
		}
		return Outcome{}, err
	}
	return pass(ctx, l, u, passed{l.proof("password"), a.Remember, place}, b)
}

// password checks a password against an account (a zero User: no one's) within
// the account's budget. Sign-in and re-authentication share it (R117).
func (l *Login) password(ctx context.Context, u *store.User, identity, plain string, b Browser) error {
	place, err := guessPassword(ctx, l, u, identity, plain, b)
	if err != nil {
		return err
	}
	return right(ctx, l, *u, place)
}

// guessPassword is password for a caller who tells the budgets itself that the guess
// was right.
func guessPassword(ctx context.Context, l *Login, u *store.User, identity, plain string, b Browser) (*limit.Place, error) {
	_, place, err := guessFirst(ctx, l, guessed{u, identity, "password"}, b, func(ctx context.Context) (string, error) {
		ok, err := checkPassword(ctx, l, u, identity, plain, b)
		if !ok {
			return "", err
		}
		return "password", err
	})
	return place, err
}

// checkPassword asks the accounts. One that has come from the former system is told of
// as one that registered.
func checkPassword(ctx context.Context, l *Login, u *store.User, identity, plain string, b Browser) (bool, error) {
	if identity == "" {
		identity = u.Email // they are signed in
	}
	checked, err := l.c.Accounts.CheckPassword(ctx, u, identity, plain)
	if err == nil && checked.Created {
		err = l.tell(ctx, event.UserRegistered{User: subject(*u), Context: l.at(b)})
	}
	return checked.OK, err
}

// typed names what was typed in a budget, whether or not it is an account's: one
// that is full does not show that an address and a username are of one account.
func typed(identity string) string { return "key:" + account.Key(identity) }

// budgetOf names whose budget an identity's guesses count in.
func budgetOf(u store.User, identity string) string {
	if u.ID == "" {
		return typed(identity)
	}
	return "id:" + u.ID
}

// passed is a first factor that was just proven.
type passed struct {
	first    store.Proof
	remember bool
	place    *limit.Place // of the guess, if its budgets are to be told; nil: they were
}

// gate is pass for a first factor of which no budget waits to be told.
func (l *Login) gate(ctx context.Context, u store.User, first store.Proof, remember bool, b Browser) (Outcome, error) {
	return pass(ctx, l, u, passed{first, remember, nil}, b)
}

// pass is where every first factor arrives. What is asked next comes from the
// account's real factors and the policy, never from the way in.
func pass(ctx context.Context, l *Login, u store.User, p passed, b Browser) (Outcome, error) {
	if err := l.admit(u); err != nil {
		return Outcome{}, told(err, p.place.Right(ctx))
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	first, remember := p.first, p.remember
	next := policy.Next(l.rules, l.facts(u, factors), first)
	begin := func(state store.PendingState, factors []store.Factor) (Outcome, error) {
		waits := store.Pending{State: state, First: first, Remember: remember}
		return startPending(ctx, l, entry{u, factors, waits, p.place}, b)
	}
	switch {
	case next.Do == policy.ProveMailbox:
		return begin(store.Owner, nil)
	case next.Do == policy.Enroll:
		return begin(store.Setup, nil)
	case next.Do != policy.SignIn && len(next.Factors) > 0 && !(next.BrowserDoes && b.Device != ""):
		return begin("", next.Factors)
	}
	if err := p.place.Right(ctx); err != nil {
		return Outcome{}, err
	}
	g := granted{user: u, level: store.OneFactor, proofs: []store.Proof{first}}
	if next.Do == policy.SignIn {
		g.stay = l.staying(remember, u, g.level)
		return l.finish(ctx, g, b)
	}
	if next.BrowserDoes && b.Device != "" {
		known, ok, err := l.c.Devices.Recognise(ctx, u, b.Device, b.Address)
		if errors.Is(err, device.ErrCopied) {
			if u, err = l.copied(ctx, u, b); err != nil {
				return Outcome{}, err
			}
		}
		if err != nil {
			return Outcome{}, err
		}
		switch {
		case ok && !l.vouches(known.Device): // it had its next secret, so the cookie is void
			if err := ended(l.c.Devices.Revoke(ctx, u.ID, known.ID)); err != nil {
				return Outcome{}, err
			}
		case ok:
			// No longer than the device that stands for the second factor.
			g.trusted, g.trustedBy, g.stay = true, known.ID, min(known.Left, l.staying(remember, u, store.TwoFactors))
			out, err := l.finish(ctx, g, b)
			out.DeviceCookie, out.DeviceLife = known.Next, known.Left
			return out, err
		}
	}
	if len(next.Factors) == 0 {
		return Outcome{}, ErrSameFactor
	}
	return begin("", next.Factors)
}

// copied ends everything of an account whose trusted device was copied: one of
// the two who hold it knows the password and is not the owner.
func (l *Login) copied(ctx context.Context, u store.User, b Browser) (store.User, error) {
	u, err := l.change(ctx, u, store.FactorChange{
		UserID: u.ID, From: u.Uniquifier, To: account.NewUniquifier(), Messages: l.letters(ctx, u, DeviceCopied, "", b), Now: l.c.Now(),
	})
	if err != nil {
		return u, err
	}
	return u, l.tell(ctx, event.DeviceCopied{User: subject(u), Context: l.at(b)})
}

// finish issues and wraps.
func (l *Login) finish(ctx context.Context, g granted, b Browser) (Outcome, error) {
	opened, err := l.issue(ctx, g, b)
	if err != nil {
		return Outcome{}, err
	}
	out := l.withNews(ctx, Outcome{User: g.user, Session: opened}, g)
	if !g.quiet && !g.verified && g.stays == nil {
		l.arrived(ctx, g.user, b)
	}
	if opened.Token != "" { // a program that renews its header token holds no cookies
		if out.KnownCookie, err = l.notes().remember(g.user, b); err != nil {
			return Outcome{}, err
		}
	}
	return out, l.stay(ctx, &out, g, b)
}

// entry is a sign-in whose first factor was proven, and how it goes on.
type entry struct {
	user    store.User
	factors []store.Factor // those that can be proven next
	pending store.Pending
	place   *limit.Place // as in passed
}

func (l *Login) startPending(ctx context.Context, u store.User, factors []store.Factor, p store.Pending, b Browser) (Outcome, error) {
	return startPending(ctx, l, entry{u, factors, p, nil}, b)
}

// startPending stores a pending sign-in and, where there is one factor that
// needs a message, sends its code. The budgets of the guess are told in the same
// step, so it leads to a pending or counts as a failure.
func startPending(ctx context.Context, l *Login, e entry, b Browser) (Outcome, error) {
	u, factors, p, token, now := e.user, e.factors, e.pending, seal.Token(), l.c.Now()
	p.Hash, p.UserID, p.Uniquifier = hash(token), u.ID, u.Uniquifier
	p.Address, p.CreatedAt, p.ExpiresAt = b.Address, now, now.Add(PendingLife)
	p.Known = p.SessionID != "" || l.from(u, b).Own()
	switch {
	case p.State.Enrols(), p.State == store.Owner:
	case len(factors) == 1:
		p.State, p.Factor = store.Ready, factors[0].ID
	default:
		p.State = store.Select
	}
	proven := event.FirstFactorProven{User: subject(u), Method: p.First.Method, Context: l.at(b)}
	step := store.Step{Now: now, Pending: &p, Events: []store.Event{l.c.Trail.Row(proven)}}
	step.Returns, step.Clears = e.place.Returns()
	if b.Pending != "" {
		step.Drops = hash(b.Pending)
	}
	if err := l.c.Steps.TakeStep(ctx, step); err != nil {
		return Outcome{}, err
	}
	Outcomes(l.c.Log)(ctx, proven)
	l.emit(ctx, proven)
	view := view(l, p, factors)
	view.Token = token
	out := Outcome{User: u, Pending: view}
	switch p.State {
	case store.Ready:
		return out, l.sendCode(ctx, p, u, factors[0], b)
	case store.Owner:
		return out, l.sendOwner(ctx, p, u, b)
	}
	return out, nil
}

// sendOwner mails the code that proves the mailbox, within the budgets.
func (l *Login) sendOwner(ctx context.Context, p store.Pending, u store.User, b Browser) error {
	m := limit.Message{Class: limit.Proven, Transaction: p.Hash, Channel: store.Email, Destination: u.Email}
	if err := l.send(ctx, u, m, b); err != nil {
		return err
	}
	if err := l.c.RescueCodes.Send(ctx, transaction(p, u, b), u.Email); err != nil {
		return l.sendError(ctx, u, "owner", err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(u), Method: store.Email, Destination: send.Mask(store.Email, u.Email), Context: l.at(b)})
}

// sendCode sends the code of a pending's factor, within the budgets.
func (l *Login) sendCode(ctx context.Context, p store.Pending, u store.User, f store.Factor, b Browser) error {
	if f.Method == store.Passkey { // asked for in the browser, whether it works here or not
		return nil
	}
	m := l.c.Methods[f.Method]
	if m == nil {
		return ErrSend
	}
	if m.Channel() == "" {
		return nil
	}
	if err := l.send(ctx, u, limit.Message{
		Class: limit.Proven, Transaction: p.Hash, Channel: m.Channel(), Destination: f.Destination,
	}, b); err != nil {
		return err
	}
	if err := m.Send(ctx, transaction(p, u, b), f.Destination); err != nil {
		return l.sendError(ctx, u, f.Method, err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(u), Method: f.Method, Destination: send.Mask(f.Method, f.Destination), Context: l.at(b)})
}

// sendError keeps the cause for the operator and tells the person one thing.
func (l *Login) sendError(ctx context.Context, u store.User, method string, err error) error {
	if !errors.Is(err, factor.ErrSend) {
		return err
	}
	if errors.Is(err, send.ErrRefused) {
		l.c.Log.InfoContext(ctx, "destination takes no messages", "user", u.ID, "method", method, "cause", err)
		return ErrUndeliverable
	}
	l.c.Log.ErrorContext(ctx, "code could not be sent", "user", u.ID, "method", method, "cause", err)
	return ErrSend
}

func transaction(p store.Pending, u store.User, b Browser) factor.Transaction {
	purpose := factor.SignIn
	if p.State == store.Owner {
		purpose = factor.Owner
	}
	if p.SessionID != "" {
		purpose = factor.Verify
	}
	return factor.Transaction{ID: p.Hash, Purpose: purpose, User: u, Locale: language(u, b)}
}

// view is a pending as its browser may see it.
func view(l *Login, p store.Pending, factors []store.Factor) *Pending {
	v := &Pending{State: p.State, Expires: p.ExpiresAt, Verify: p.SessionID != "", Rescue: p.Rescue}
	if len(factors) > 0 { // the primary is listed first
		v.Primary = factors[0].Method
	}
	// The one used last comes first: it is the one at hand.
	factors = slices.SortedStableFunc(slices.Values(factors), func(a, b store.Factor) int {
		return b.LastUsedAt.Compare(a.LastUsedAt)
	})
	seen := map[string]bool{}
	for _, f := range factors {
		if f.ID == p.Factor {
			v.Method, v.Factor = f.Method, f.ID
		}
		if !seen[f.Method] {
			seen[f.Method] = true
			v.Methods = append(v.Methods, f.Method)
		}
		v.Factors = append(v.Factors, Choice{
			ID: f.ID, Method: f.Method, Name: f.Name, Destination: f.Destination, LastUsed: f.LastUsedAt,
			Digits: factor.DigitsOf(l.c.Methods[f.Method], f),
		})
	}
	return v
}

// wave tells the operator when passwords are guessed all over the place (R113).
// full says that it goes on.
func (l *Login) wave(ctx context.Context, b Browser) (full bool, err error) {
	begun, full, err := l.c.Limits.Wave(ctx)
	if err != nil || !begun {
		return full, err
	}
	l.c.Log.ErrorContext(ctx, "unusually many failed sign-ins in the last hour: possible password spraying")
	return full, l.tell(ctx, event.PasswordsGuessed{Context: event.Context{At: l.c.Now(), Request: b.Request}})
}
