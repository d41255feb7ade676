package sqlstore

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/internal/storage"
)

// steps implements storage.Steps, and reads what a step needs.
type steps struct{ *Store }

// stepStatements are the statements of a step. Each has the error of the step for the case
// that it does not write as many rows as it must.
type stepStatements struct {
	statements []Statement
	errs       []error
}

func (l *stepStatements) add(missed error, statements ...Statement) {
	for _, statement := range statements {
		l.statements, l.errs = append(l.statements, statement), append(l.errs, missed)
	}
}

// TakeStep implements storage.Steps.
func (s steps) TakeStep(ctx context.Context, step storage.Step) error {
	verb := "step"
	if step.Factor != "" || step.Takes != "" { // what is spent must not come back
		verb = "spending step"
	}
	l, err := s.d.stepStatements(step)
	if err != nil {
		return s.fail(verb, err)
	}
	for range tries {
		err := script(ctx, s.Store, verb, l.statements)
		at, refused := missed(err)
		if !refused {
			return err
		}
		var closed *storage.Closed
		if !errors.As(l.errs[at], &closed) {
			return l.errs[at]
		}
		until, err := opens(ctx, s.Store, verb, claimed(step.Budgets[closed.Group]), step.Now)
		if err != nil {
			return err
		}
		if !until.IsZero() {
			return &storage.Closed{Group: closed.Group, Opens: until}
		}
		// It was opened meanwhile.
	}
	return s.fail(verb, storage.ErrUnavailable)
}

// stepStatements turns a step into statements. Locks come first, in the order of all verbs
// that take more than one of them: the account, budgets by name, the account's pendings.
func (d Dialect) stepStatements(s storage.Step) (*stepStatements, error) {
	l := &stepStatements{}
	if user := s.User(); user != "" && d.Share != "" {
		l.add(nil, Statement{`SELECT 1 FROM twofold_users WHERE id = $1` + d.Share, []any{user}, Any})
	}
	names := slices.Concat(s.Returns, s.Clears)
	for _, group := range s.Budgets {
		if err := countable(group); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(group, func(c storage.Claim) bool { return !c.Look }) {
			return nil, &rowError{"a group of budgets takes a place in one of them"}
		}
		names = append(names, claimed(group)...)
	}
	slices.Sort(names)
	l.add(nil, d.locked("counter:", slices.Compact(names))...)
	for i, group := range s.Budgets {
		l.add(&storage.Closed{Group: i}, claimStatements(group, s.Now)...)
	}
	l.add(nil, releaseStatements(s.Returns, s.Clears)...)
	if s.Factor != "" {
		statement := advanceStatement(s.Factor, s.TOTPStep, s.Now)
		for _, table := range []string{"twofold_recoveries", "twofold_deletions"} {
			statement.Query += ` AND NOT EXISTS (SELECT 1 FROM ` + table +
				` AS r WHERE r.user_id = twofold_factors.user_id)`
		}
		l.add(storage.ErrUsed, statement)
	}
	if s.Takes != "" {
		l.add(storage.ErrUsed, Statement{dropPending, []any{s.Takes}, 1})
	}
	if s.Drops != "" {
		l.add(nil, Statement{dropPending, []any{s.Drops}, Any})
	}
	for _, e := range s.Events {
		l.add(storage.ErrNotFound, d.eventStatement(e))
	}
	if s.Pending != nil {
		l.add(nil, d.locked("pendings:", []string{s.Pending.UserID})...)
		l.add(storage.ErrNotFound, d.pendingStatements(*s.Pending)...)
	}
	if s.Session != nil {
		l.add(storage.ErrNotFound, d.sessionStatement(*s.Session))
	}
	if s.Draft != nil {
		l.add(storage.ErrNotFound, d.draftStatement(*s.Draft))
	}
	return l, nil
}

const dropPending = `DELETE FROM twofold_pendings WHERE hash = $1`

// countable is an error if a claim would count nothing.
func countable(claims []storage.Claim) error {
	for _, c := range claims {
		if !c.Look && (c.Limit < 1 || c.Window <= 0) {
			return &rowError{"a claim needs a limit and a window"}
		}
	}
	return nil
}
