package store

import (
	"context"
	"errors"
	"time"
)

// Step is what a step of a sign-in writes. Its parts happen in the order of the fields:
// what may happen once comes before what it grants.
type Step struct {
	Now time.Time
	// Budgets are groups of claims, as for Reserve. If a budget is closed, nothing of
	// the step happens, and the error says in which group; see Closed.
	Budgets [][]Claim
	// Returns and Clears are the arguments of Release. They may name budgets that
	// Budgets takes a place in.
	Returns, Clears []string
	// Factor is the id of an app of which TOTPStep is accepted, as by AdvanceStep. Its
	// account has no request for a recovery or for its deletion, both of which a sign-in
	// ends.
	Factor   string
	TOTPStep int64
	Takes    string // hash of a pending that must be there, as for TakePending
	Drops    string // hash of a pending that is replaced, if it is there
	Events   []Event
	Pending  *Pending
	Session  *Session
	Draft    *Draft
}

// User returns the id of the account that the step is about, or an empty string.
func (s Step) User() string {
	switch {
	case s.Session != nil:
		return s.Session.UserID
	case s.Pending != nil:
		return s.Pending.UserID
	case len(s.Events) > 0:
		return s.Events[0].UserID
	}
	return ""
}

// Steps writes what a step of a sign-in decides.
type Steps interface {
	// TakeStep does everything that a step says, or nothing. A *Closed says that a budget
	// is closed. ErrUsed: the TOTP step is not a new one, the factor is gone, its account
	// has a request, or the pending was taken. ErrNotFound: the account is deleted. Where two stores are
	// joined, what was spent in one stays spent if the other refuses or fails, and
	// nothing is granted.
	TakeStep(ctx context.Context, s Step) error
}

// Closed is the error of a step of which a budget is closed. It is ErrUsed.
type Closed struct {
	Group int       // index of the group of Budgets
	Opens time.Time // when the last of the closed ones of the group opens
}

func (c *Closed) Error() string { return "store: budget closed" }

// Unwrap returns ErrUsed.
func (c *Closed) Unwrap() error { return ErrUsed }

// TakeStep implements Steps. The code is spent before the pending is taken, as both
// are before anything is granted; and a session has its row in the trail before it is
// there.
func (j joined) TakeStep(ctx context.Context, s Step) error {
	granted := s
	if s.Takes != "" {
		spent := Step{
			Now: s.Now, Budgets: s.Budgets, Returns: s.Returns, Clears: s.Clears,
			Factor: s.Factor, TOTPStep: s.TOTPStep,
		}
		if err := j.Durable.TakeStep(ctx, spent); err != nil {
			return err
		}
		if _, err := j.Volatile.TakePending(ctx, s.Takes); err != nil {
			return err
		}
		granted = Step{Now: s.Now, Events: s.Events}
	}
	granted.Takes, granted.Drops, granted.Pending, granted.Session, granted.Draft = "", "", nil, nil, nil
	if err := j.Durable.TakeStep(ctx, granted); err != nil {
		return err
	}
	return j.grant(ctx, s)
}

// grant writes the volatile part of a step.
func (j joined) grant(ctx context.Context, s Step) error {
	if s.Drops != "" {
		if _, err := j.Volatile.TakePending(ctx, s.Drops); err != nil && !errors.Is(err, ErrUsed) {
			return err
		}
	}
	if s.Pending != nil {
		if err := j.Volatile.PutPending(ctx, *s.Pending); err != nil {
			return err
		}
	}
	if s.Session != nil {
		if err := j.Volatile.PutSession(ctx, *s.Session); err != nil {
			return err
		}
	}
	if s.Draft != nil {
		return j.Volatile.PutDraft(ctx, *s.Draft)
	}
	return nil
}
