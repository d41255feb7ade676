package store

import (
	"context"
	"time"
)

// RecoveryCodes keeps the way back of those who lost their second factors: a
// set of codes, each good for one sign-in. A set is made and replaced by
// FactorChange.Codes, and goes with the last second factor.
type RecoveryCodes interface {
	// HasRecoveryCode says whether SpendRecoveryCode would find one now. It
	// changes nothing.
	HasRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time) (bool, error)
	// SpendRecoveryCode takes the user's code that has one of macs and was made
	// at since or later, and returns how many are left: exactly one caller gets
	// it, the others ErrUsed, as for a code that never was. Messages go into the
	// outbox in the transaction that takes it.
	SpendRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time, messages ...Message) (left int, err error)
	// RecoveryCodesLeft counts the user's codes made at since or later.
	RecoveryCodesLeft(ctx context.Context, userID string, since time.Time) (int, error)
	// ForeignCodes lists the user's codes that have a Form.
	ForeignCodes(ctx context.Context, userID string) ([]KeptCode, error)
}
