package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// entry is a sign-in whose first factor was proven, with its next step.
type entry struct {
	user    storage.User
	factors []storage.Factor // factors that can be proven next
	pending storage.Pending
	place   *limit.Reservation // as in passed
}

func (l *Login) startPending(
	ctx context.Context, u storage.User, factors []storage.Factor, p storage.Pending, b Client,
) (Outcome, error) {
	return l.beginPending(ctx, entry{u, factors, p, nil}, b)
}

// view returns a pending in the form that its browser may see.
func (l *Login) view(p storage.Pending, factors []storage.Factor) *Pending {
	v := &Pending{State: p.State, Expires: p.ExpiresAt, Verify: p.SessionID != "", Rescue: p.Rescue}
	if len(factors) > 0 { // the primary is listed first
		v.Primary = factors[0].Method
	}
	// List the factor that was used last first, because the user probably has it at hand.
	factors = slices.SortedStableFunc(slices.Values(factors), func(a, b storage.Factor) int {
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

// pendingSignIn is a pending sign-in with the records that it depends on.
type pendingSignIn struct {
	storage.Pending
	user     storage.User
	factors  []storage.Factor // factors that can be proven
	cookie   *PendingCookie
	sessions int // number of the account's sessions; -1 if unknown
}

func (w pendingSignIn) factor() (storage.Factor, bool) {
	for _, f := range w.factors {
		if f.ID == w.Factor {
			return f, true
		}
	}
	return storage.Factor{}, false
}

// loadPending returns the pending of a browser's cookie. It is not valid if it has expired, if the
// user's credentials have changed, if the account was deactivated, or if it does not belong to the
// current session: a sign-in belongs to no session, and a re-authentication to the session that
// started it (R16).
func (l *Login) loadPending(ctx context.Context, cookie *PendingCookie, who *Principal) (pendingSignIn, error) {
	if cookie.Value() == "" {
		return pendingSignIn{}, ErrState
	}
	w, err := cookie.read(ctx, l.c)
	if errors.Is(err, storage.ErrNotFound) {
		return pendingSignIn{}, ErrState
	}
	if err != nil {
		return pendingSignIn{}, err
	}
	p, u := w.Pending, w.User
	if who == nil && p.SessionID != "" || who != nil && p.SessionID != who.Session.ID {
		return pendingSignIn{}, ErrState
	}
	if !cookie.allowed(l, u) || u.CredentialVersion != p.CredentialVersion {
		return pendingSignIn{}, ErrState
	}
	a := policy.Account{Factors: w.Factors, RecentlyReset: recentlyReset(&l.c, u)} // all that Seconds needs
	return pendingSignIn{
		Pending: p, user: u, factors: policy.Seconds(l.rules, a, p.First), cookie: cookie, sessions: w.Sessions,
	}, nil
}

func readPending(ctx context.Context, c Config, hash string) (w storage.Waiting, err error) {
	if c.JoinedReads != nil {
		return c.JoinedReads.Waiting(ctx, hash, c.Now())
	}
	w.Sessions = -1
	if w.Pending, err = c.Pendings.Pending(ctx, hash, c.Now()); err != nil {
		return w, err
	}
	if w.User, err = c.Accounts.ByID(ctx, w.Pending.UserID); err != nil {
		return w, err
	}
	w.Factors, err = c.Factors.FactorsOf(ctx, w.User.ID)
	return w, err
}

// Pending returns the pending sign-in of a browser.
func (l *Login) Pending(ctx context.Context, cookie *PendingCookie, who *Principal) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}, nil
}

// beginPending stores a pending sign-in and, if its only factor needs a message, sends the code.
// The budgets of the guess are updated in the same step, so the guess either leads to a pending or
// counts as a failure.
func (l *Login) beginPending(ctx context.Context, e entry, b Client) (Outcome, error) {
	u, factors, p, token, now := e.user, e.factors, e.pending, seal.Token(), l.c.Now()
	p.Hash, p.UserID, p.CredentialVersion = hash(token), u.ID, u.CredentialVersion
	p.Address, p.CreatedAt, p.ExpiresAt = b.Address, now, now.Add(PendingLife)
	p.Known = p.SessionID != "" || l.budgets.from(u, b).Own()
	switch {
	case p.State.Enrolls(), p.State == storage.Owner:
	case len(factors) == 1:
		p.State, p.Factor = storage.Ready, factors[0].ID
	default:
		p.State = storage.Select
	}
	proven := event.FirstFactorProven{User: subject(u), Method: p.First.Method, Context: l.at(b)}
	step := storage.Step{Now: now, Pending: &p, Events: []storage.Event{l.c.Trail.Row(proven)}}
	step.Returns, step.Clears = e.place.Returns()
	if b.Pending != "" {
		step.Drops = hash(b.Pending)
	}
	if err := l.c.Steps.TakeStep(ctx, step); err != nil {
		return Outcome{}, err
	}
	LogSignIns(l.c.Log)(ctx, proven)
	l.emit(ctx, proven)
	view := l.view(p, factors)
	view.Token = token
	out := Outcome{User: u, Pending: view}
	switch p.State {
	case storage.Ready:
		return out, l.SecondFactor.sendCode(ctx, p, u, factors[0], b)
	case storage.Owner:
		return out, l.SecondFactor.sendOwner(ctx, p, u, b)
	}
	return out, nil
}
