package store

import (
	"context"
	"time"
)

// SignIns is what an account's sign-ins come to.
type SignIns struct {
	CurrentAt, LastAt           time.Time // of the newest, and of the one before it
	CurrentAddress, LastAddress string
	Count                       int64
}

// SignInCounter keeps it, of accounts that are asked to be counted.
type SignInCounter interface {
	// CountSignIn counts one more sign-in: what was the newest is the one before it
	// from now on. The first of an account is the newest and, but for its address, the
	// one before it. ErrNotFound: no such user.
	CountSignIn(ctx context.Context, userID string, at time.Time, address string) error
	// SignInsOf returns what was counted; zero for a user of whom nothing was.
	SignInsOf(ctx context.Context, userID string) (SignIns, error)
}
