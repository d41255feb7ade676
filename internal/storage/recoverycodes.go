package storage

import (
	"context"
	"time"
)

// RecoveryCodes stores sets of recovery codes, each of which replaces a lost second factor for one
// sign-in. FactorChange.Codes creates and replaces a set. It is removed with the last second
// factor.
type RecoveryCodes interface {
	// HasRecoveryCode reports whether SpendRecoveryCode would succeed now. It changes nothing.
	HasRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time) (bool, error)
	// SpendRecoveryCode uses up the user's code that has one of macs and was created at since or
	// later, and returns the number of remaining codes. Exactly one caller succeeds; the others get
	// ErrUsed, as for an unknown code. Messages are added to the outbox in the same transaction.
	SpendRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time,
		messages ...Message) (left int, err error)
	// RecoveryCodesLeft counts the user's codes that were created at since or later.
	RecoveryCodesLeft(ctx context.Context, userID string, since time.Time) (int, error)
	// ForeignCodes lists the user's codes that have a Form.
	ForeignCodes(ctx context.Context, userID string) ([]KeptCode, error)
}
