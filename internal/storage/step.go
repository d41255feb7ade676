package storage

import (
	"context"
	"errors"
	"time"
)

// Step contains the writes of one step of a sign-in. They are made in the order of the fields:
// one-time items are used up before anything is granted.
type Step struct {
	Now time.Time
	// Budgets are groups of claims, as for Reserve. If a budget is closed, nothing is written and
	// the error names the group; see Closed.
	Budgets [][]Claim
	// Returns and Clears are the arguments of Release. They may name budgets in which Budgets takes
	// a place.
	Returns, Clears []string
	// Factor is the ID of an authenticator app whose TOTPStep is accepted, as by AdvanceStep. The
	// account must have no request for a recovery or for its deletion, both of which a sign-in
	// ends.
	Factor   string
	TOTPStep int64
	Takes    string // hash of a pending that must exist, as for TakePending
	Drops    string // hash of a pending that is removed if it exists
	Events   []Event
	Pending  *Pending
	Session  *Session
	Draft    *Draft
}

// User returns the ID of the account concerned, or an empty string.
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

// Steps performs the writes of a step of a sign-in.
type Steps interface {
	// TakeStep makes all writes of a step, or none. It returns a *Closed if a budget is closed. It
	// returns ErrUsed if the TOTP step is not new, the factor no longer exists, its account has a
	// request, or the pending was taken, and ErrNotFound if the account is deleted. In a joined
	// store, items used up in one store stay used up if the other store refuses or fails, and
	// nothing is granted.
	TakeStep(ctx context.Context, s Step) error
}

// Closed is the error of a step with a closed budget. It wraps ErrUsed.
type Closed struct {
	Group int       // index of the group of Budgets
	Opens time.Time // time at which the last closed budget of the group opens
}

func (c *Closed) Error() string { return "store: budget closed" }

// Unwrap returns ErrUsed.
func (c *Closed) Unwrap() error { return ErrUsed }

// TakeStep implements Steps. First the code is used up, then the pending is taken, then the row of
// the audit trail is written, and only then the session is stored.
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
