package storage

import (
	"context"
	"time"
)

// NewPassword is a password that replaces any other of an account.
type NewPassword struct {
	UserID            string
	Hash              string
	CredentialVersion string    // after the change
	ViaMailbox        bool      // the account's mailbox was proven; Now is stored as ResetAt
	Now               time.Time // stored as PasswordAt
}

// PasswordChange is a change of the password by the account's owner. It takes effect only if the
// user's credential version is still From, and sets it to To, so only one of two concurrent changes
// succeeds.
type PasswordChange struct {
	UserID   string
	From, To string // credential version before and after
	Hash     string
	// ViaMailbox is set if the account's mailbox was proven. Now is then stored as ResetAt, and as
	// ConfirmedAt if the address was not confirmed.
	ViaMailbox bool
	// ProvenKey replaces the user's ProvenKey unless it is empty.
	ProvenKey string
	// DropPlanted removes credentials that can start a sign-in without the password: connections to
	// identity providers and first factors. A first factor by mail to the account's own address
	// stays, because only the owner of the mailbox can use it.
	DropPlanted bool
	// DropSeconds removes every second factor and the recovery codes.
	DropSeconds bool
	// MailTo replaces the destination of factors by mail unless it is empty.
	MailTo string
	// Moved is set if the address changed. Now is then stored as MovedAt.
	Moved bool
	// Messages are added to the outbox in the same transaction.
	Messages []Message
	Now      time.Time // stored as PasswordAt
}

// IdentityChange is a change of the address or the username by the account's owner, under the same
// condition.
type IdentityChange struct {
	UserID   string
	From, To string // credential version before and after
	// Email and EmailKey replace the address, which was proven: it counts as confirmed at Now, and
	// becomes the destination of factors by mail to the previous address. If they are empty, the
	// address stays.
	Email, EmailKey string
	// Username and UsernameKey replace the username. If they are empty, it stays, unless NoUsername
	// removes it.
	Username, UsernameKey string
	NoUsername            bool
	// Messages are added to the outbox in the same transaction.
	Messages []Message
	Now      time.Time
}

// OwnerWriter contains the changes that owners make to their accounts. Every change of the
// credential version also removes the user's trusted devices.
type OwnerWriter interface {
	// ConfirmUser records that the address emailKey was proven: provenKey is stored as ProvenKey,
	// and now as ConfirmedAt if that was zero. Nothing else changes. It returns ErrUsed if both
	// values are already set or the user's address is not emailKey, and ErrNotFound if there is no
	// such user.
	ConfirmUser(ctx context.Context, id, emailKey, provenKey string, now time.Time) error
	// ChangePassword applies the whole change or nothing. It returns ErrUsed if the credential version is
	// no longer From, and ErrNotFound if there is no such user.
	ChangePassword(ctx context.Context, c PasswordChange) error
	// ChangeIdentity applies the whole change or nothing. It returns ErrUsed and ErrNotFound like
	// ChangePassword, and ErrExists if the new address or username is taken, like CreateUser.
	ChangeIdentity(ctx context.Context, c IdentityChange) error
	// SetLanguage replaces the language old with new. It returns ErrUsed if the stored language is
	// no longer old, and ErrNotFound if there is no such user. Like UpgradePassword it does not
	// change UpdatedAt: a language that is learned at a sign-in must not prevent a later import
	// from updating the account.
	SetLanguage(ctx context.Context, id, old, new string) error
	// SetProfile replaces the profile fields under the same condition. It sets UpdatedAt to now, so
	// that a later import does not overwrite the change.
	SetProfile(ctx context.Context, id, old, new string, now time.Time) error
}
