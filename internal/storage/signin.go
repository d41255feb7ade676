package storage

import (
	"context"
	"time"
)

// SignIns summarizes the sign-ins of an account.
type SignIns struct {
	CurrentAt, LastAt           time.Time // times of the last two sign-ins
	CurrentAddress, LastAddress string
	Count                       int64
}

// SignInCounter counts sign-ins.
type SignInCounter interface {
	// CountSignIn counts a sign-in: it moves the current time and address to the last ones and
	// stores the new ones. At the first sign-in of an account, the last time is the same as the
	// current one and the last address is empty. It returns ErrNotFound if there is no such user.
	CountSignIn(ctx context.Context, userID string, at time.Time, address string) error
	// SignInsOf returns the counts of a user, or zero if no sign-in was counted.
	SignInsOf(ctx context.Context, userID string) (SignIns, error)
}
