package account

import (
	"context"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The changes below are made by the owner of an account, under the credential version of u. They
// return storage.ErrUsed if it has changed.

// Confirm records that the address of an account was proven. It returns storage.ErrUsed if it was
// proven before or has changed.
func (a *Accounts) Confirm(ctx context.Context, u storage.User) error {
	defer a.c.Changed(u.ID)
	return a.c.Users.ConfirmUser(ctx, u.ID, u.EmailKey, u.EmailKey, a.c.Now())
}

// Choice is a password that was checked and hashed and is ready to be stored. So a password is
// refused before anything is used up for it.
type Choice struct{ hash string }

// Choose checks a new password for an account. It returns the errors of password.Policy and of the
// checkers.
func (a *Accounts) Choose(ctx context.Context, u storage.User, plain string) (Choice, error) {
	hash, err := a.hash(ctx, plain, u)
	return Choice{hash}, err
}

// ChangePassword stores a choice, and messages about it, and returns the changed account.
func (a *Accounts) ChangePassword(ctx context.Context, u storage.User, c Choice,
	messages []storage.Message) (storage.User, error) {
	return a.changePassword(ctx, u, storage.PasswordChange{Hash: c.hash, Messages: messages})
}

// ResetPassword is like ChangePassword, for a user who has proven the mailbox. The zero Choice
// removes the password. policy.Drops decides which credentials are removed, too.
func (a *Accounts) ResetPassword(ctx context.Context, u storage.User, c Choice,
	messages []storage.Message) (storage.User, error) {
	openers, seconds := policy.Drops(policy.Account{Proven: u.Proven(), EverProven: u.ProvenKey != ""})
	return a.changePassword(ctx, u, storage.PasswordChange{
		Hash: c.hash, ViaMailbox: true, ProvenKey: u.EmailKey, Messages: messages,
		DropPlanted: openers, DropSeconds: seconds,
	})
}

func (a *Accounts) changePassword(ctx context.Context, u storage.User, c storage.PasswordChange) (storage.User, error) {
	defer a.c.Changed(u.ID)
	c.UserID, c.From, c.To, c.Now = u.ID, u.CredentialVersion, NewUniquifier(), a.c.Now()
	if err := a.c.Users.ChangePassword(ctx, c); err != nil {
		return storage.User{}, err
	}
	return a.c.Users.UserByID(ctx, u.ID)
}

// ChangeEmail replaces the address with one that was proven. It returns ErrEmail or
// storage.ErrExists.
func (a *Accounts) ChangeEmail(ctx context.Context, u storage.User, email string,
	messages []storage.Message) (storage.User, error) {
	address, key, err := ParseNewEmail(email)
	if err != nil {
		return storage.User{}, err
	}
	return a.changeIdentity(ctx, u, storage.IdentityChange{Email: address, EmailKey: key, Messages: messages})
}

// ChangeUsername replaces the username, or removes it if username is empty. It returns the errors
// of ParseUsername, or storage.ErrExists.
func (a *Accounts) ChangeUsername(ctx context.Context, u storage.User, username string,
	messages []storage.Message) (storage.User, error) {
	if username == "" {
		return a.changeIdentity(ctx, u, storage.IdentityChange{NoUsername: true, Messages: messages})
	}
	name, key, err := ParseUsername(username, a.c.Usernames)
	if err != nil {
		return storage.User{}, err
	}
	return a.changeIdentity(ctx, u, storage.IdentityChange{Username: name, UsernameKey: key, Messages: messages})
}

func (a *Accounts) changeIdentity(ctx context.Context, u storage.User, c storage.IdentityChange) (storage.User, error) {
	defer a.c.Changed(u.ID)
	c.UserID, c.From, c.To, c.Now = u.ID, u.CredentialVersion, NewUniquifier(), a.c.Now()
	if err := a.c.Users.ChangeIdentity(ctx, c); err != nil {
		return storage.User{}, err
	}
	return a.c.Users.UserByID(ctx, u.ID)
}

// SetProfile replaces the profile fields. It returns storage.ErrUsed if they are no longer those of
// u.
func (a *Accounts) SetProfile(ctx context.Context, u storage.User, profile string) error {
	defer a.c.Changed(u.ID)
	return a.c.Users.SetProfile(ctx, u.ID, u.Profile, profile, a.c.Now())
}
