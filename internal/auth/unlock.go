package auth

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Unlock resets the counters of an account for guesses at its password and factors and for messages
// sent to it. Budgets that bound costs stay.
func (l Account) Unlock(ctx context.Context, u storage.User) error {
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	owners := []string{u.ID, budgetOf(u, ""), typed(u.Email), u.Email}
	if u.Username != "" {
		owners = append(owners, typed(u.Username))
	}
	for _, f := range append(factors, firsts...) {
		owners = append(owners, f.ID)
		if f.Destination != "" {
			owners = append(owners, f.Destination)
		}
	}
	return l.c.Limits.Unlock(ctx, owners...)
}
