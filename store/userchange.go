package store

import (
	"context"
	"time"
)

// PasswordChange is a password chosen by the account's owner. It takes effect
// only if the user's uniquifier is still From, and sets it to To, so that of
// two changes that run at once one wins.
type PasswordChange struct {
	UserID   string
	From, To string // uniquifier before and after
	Hash     string
	// ViaMailbox: the account's mailbox was proven. Now is kept as ResetAt, and
	// as ConfirmedAt if the address was not confirmed.
	ViaMailbox bool
	// ProvenKey becomes the user's. Empty: it stays.
	ProvenKey string
	// DropPlanted removes what opens the account by itself: connections to other
	// sites and factors that begin a sign-in. A code to the account's own mailbox
	// stays, because only the owner of the mailbox can have it.
	DropPlanted bool
	// DropSeconds removes every second factor and the recovery codes.
	DropSeconds bool
	// MailTo is where factors by mail go from now on. Empty: where they went.
	MailTo string
	// Moved: the address became another one; Now is kept as MovedAt.
	Moved bool
	// Messages go into the outbox in the same transaction.
	Messages []Message
	Now      time.Time
}

// IdentityChange is an address or a username changed by the account's owner,
// under the same condition.
type IdentityChange struct {
	UserID   string
	From, To string // uniquifier before and after
	// Email and EmailKey replace the address, which was proven: it counts as
	// confirmed at Now, and factors by mail to the former address go to it. Empty:
	// the address stays.
	Email, EmailKey string
	// Username and UsernameKey replace the username. Empty: it stays, unless
	// NoUsername takes it away.
	Username, UsernameKey string
	NoUsername            bool
	// Messages go into the outbox in the same transaction.
	Messages []Message
	Now      time.Time
}

// OwnerWriter is what owners change of their accounts. The user's trusted
// devices go with every change of the uniquifier.
type OwnerWriter interface {
	// ConfirmUser records that the address emailKey was proven: provenKey becomes
	// the user's, and now ConfirmedAt if it was zero. ErrUsed: both were so
	// already, or the address is another one; ErrNotFound: no such user. Nothing
	// else changes.
	ConfirmUser(ctx context.Context, id, emailKey, provenKey string, now time.Time) error
	// ChangePassword applies the whole change or nothing. ErrUsed: the uniquifier
	// is not From any more; ErrNotFound: no such user.
	ChangePassword(ctx context.Context, c PasswordChange) error
	// ChangeIdentity applies the whole change or nothing. ErrUsed and ErrNotFound
	// as above; ErrExists when the new address or username is taken, as in
	// CreateUser.
	ChangeIdentity(ctx context.Context, c IdentityChange) error
	// SetLanguage replaces the language old by new and nothing else; ErrUsed when
	// the stored one is no longer old, ErrNotFound: no such user. It leaves UpdatedAt,
	// as UpgradePassword does: a sign-in that learns the language must not keep a later
	// import from updating the account.
	SetLanguage(ctx context.Context, id, old, new string) error
	// SetProfile does the same for the profile fields. It is a change of the account at
	// now: an import that comes later does not overwrite it.
	SetProfile(ctx context.Context, id, old, new string, now time.Time) error
}
