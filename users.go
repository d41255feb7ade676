package twofold

import (
	"context"
	"errors"
	"fmt"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/store"
)

// The errors of the functions below, beside those that name what is wrong with
// an e-mail address, a username or a password.
var (
	// ErrNoUser: no such account.
	ErrNoUser = errors.New("twofold: no such user")
	// ErrNoSecondFactor: the account has none, so there is nothing to recover.
	ErrNoSecondFactor = errors.New("twofold: the account has no second factor")
	// ErrUserExists: the e-mail address or the username is taken.
	ErrUserExists = errors.New("twofold: user exists already")
	// ErrPasswordHash: no password would ever match the PasswordHash of a NewUser.
	ErrPasswordHash = errors.New("twofold: PasswordHash is not a hash of argon2 or bcrypt")
	// ErrOwnRole: the role is in the application's own table of users, where only
	// the application can take it away.
	ErrOwnRole = errors.New("twofold: the role is in the application's own table of users: change it there")
	// ErrNotListed: the application's own table of users has no ListUsers method.
	ErrNotListed = errors.New("twofold: Config.Users does not implement UserLister, so users cannot be listed")
)

// NewUser is an account to be made.
type NewUser struct {
	Email    string
	Username string // none if empty
	// Password is none if empty: no password opens the account. Its mailbox does
	// where Accounts.PasswordOptional is set.
	Password string
	// PasswordHash is an existing hash, in place of Password, for imports:
	// argon2 and bcrypt, also as Flask-Security keeps them. ErrPasswordHash for
	// any other.
	PasswordHash string
	Roles        []string
	Inactive     bool
}

func publicError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrNoUser
	case errors.Is(err, store.ErrExists):
		return ErrUserExists
	case errors.Is(err, account.ErrHash):
		return ErrPasswordHash
	}
	return err
}

// CreateUser makes an account. ErrUserExists, or what is wrong with a field.
func (a *Auth) CreateUser(ctx context.Context, n NewUser) (Identity, error) {
	u, err := a.accounts.Create(ctx, account.Draft{
		Email: n.Email, Username: n.Username, Password: n.Password, Hash: n.PasswordHash, Roles: n.Roles, Inactive: n.Inactive,
	})
	if err != nil {
		return Identity{}, publicError(err)
	}
	return identityOf(u), a.changed(ctx, u.ID, login.Created)
}

// FindUser finds an account by e-mail address, username or id. ErrNoUser.
func (a *Auth) FindUser(ctx context.Context, identity string) (Identity, error) {
	u, err := a.accounts.Find(ctx, identity)
	if errors.Is(err, store.ErrNotFound) {
		u, err = a.accounts.ByID(ctx, identity)
	}
	return identityOf(u), publicError(err)
}

// ListUsers returns up to limit accounts whose id comes after the given one, in
// order of id; begin with "". The accounts of Config.Users are listed if it
// implements UserLister; ErrNotListed otherwise. A user of such a table who
// never signed in has no Created time.
func (a *Auth) ListUsers(ctx context.Context, after string, limit int) ([]Identity, error) {
	if a.users != nil {
		return a.listOwn(ctx, after, limit)
	}
	users, err := a.accounts.List(ctx, after, limit)
	out := make([]Identity, len(users))
	for i, u := range users {
		out[i] = identityOf(u)
	}
	return out, publicError(err)
}

// listOwn lists the accounts of the application's own table.
func (a *Auth) listOwn(ctx context.Context, after string, limit int) ([]Identity, error) {
	lister, ok := a.users.(UserLister)
	joined, own := a.store.(*account.Joined)
	if !ok || !own {
		return nil, ErrNotListed
	}
	rows, err := lister.ListUsers(ctx, after, limit)
	if err != nil {
		return nil, publicError(err)
	}
	out := make([]Identity, 0, len(rows))
	for _, row := range rows {
		u, err := joined.Overlay(ctx, account.Record(row))
		if err != nil {
			return nil, publicError(err)
		}
		out = append(out, identityOf(u))
	}
	return out, nil
}

// Methods lists the methods of an account's second factors, the primary first.
func (a *Auth) Methods(ctx context.Context, id string) ([]string, error) {
	factors, err := a.factors.FactorsOf(ctx, id)
	out := make([]string, len(factors))
	for i, f := range factors {
		out[i] = f.Method
	}
	return out, publicError(err)
}

// SetPassword gives an account a new password and ends everything issued to it.
func (a *Auth) SetPassword(ctx context.Context, id, password string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.SetPassword(ctx, id, password, a.login.AccountLetters(ctx, login.PasswordChanged, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return a.changed(ctx, id, login.PasswordChanged)
}

// SetActive switches an account on or off; off ends everything issued to it.
func (a *Auth) SetActive(ctx context.Context, id string, active bool) error {
	if err := a.accounts.SetActive(ctx, id, active); err != nil {
		return publicError(err)
	}
	if active {
		return a.changed(ctx, id, login.Activated)
	}
	return a.changed(ctx, id, login.Deactivated)
}

// SetRoles replaces an account's roles. ErrOwnRole if that would take away a
// role that is in the application's own table of users; nothing is changed then.
func (a *Auth) SetRoles(ctx context.Context, id string, roles ...string) error {
	err := a.accounts.SetRoles(ctx, id, roles)
	if errors.Is(err, account.ErrNotOurs) {
		return fmt.Errorf("%w (%w)", ErrOwnRole, err)
	}
	if err != nil {
		return publicError(err)
	}
	return a.changed(ctx, id, login.RolesChanged)
}

// SetIdentity changes an account's e-mail address and username (empty: none)
// and ends everything issued to it.
func (a *Auth) SetIdentity(ctx context.Context, id, email, username string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		next := u
		if next.Email, _, err = account.ParseEmail(email); err == nil {
			err = a.accounts.SetIdentity(ctx, id, email, username, a.login.AccountLetters(ctx, login.IdentityChanged, u, next)...)
		}
	}
	if err != nil {
		return publicError(err)
	}
	return a.changed(ctx, id, login.IdentityChanged)
}

// StartRecovery mails the account's owner a link that, with the password, sets
// up a second factor in place of the lost one; it works at once, for a day. The
// reason goes into the audit trail, and the owner hears of it by a notice. Make
// sure by other means that you talk to the owner. ErrNoSecondFactor; an error if
// there is no sender of mail, or no password.
func (a *Auth) StartRecovery(ctx context.Context, id, reason string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return publicError(err)
	}
	switch err := a.login.StartRecovery(ctx, u, reason); {
	case errors.Is(err, login.ErrMethod):
		return ErrNoSecondFactor
	case errors.Is(err, login.ErrPasswordNeeded):
		return errors.New("twofold: the account has no password, which the link would ask for: ResetAccess leaves it its mailbox")
	case errors.Is(err, login.ErrSend):
		return errors.New("twofold: no mail is sent here, so no link can be: set up a sender in Mail")
	default:
		return publicError(err)
	}
}

// ResetAccess removes an account's second factors and ends everything issued to
// it; the password stays, and one that has none is opened by its mailbox where
// Accounts.PasswordOptional is set. It is the last way of rescue: make sure by other
// means that you talk to the owner.
func (a *Auth) ResetAccess(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.ResetAccess(ctx, id, a.login.AccountLetters(ctx, login.AccessReset, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return a.changed(ctx, id, login.AccessReset)
}

// Unlock ends the waits that wrong passwords and codes, whoever sent them, have
// brought on an account, and gives back the life of a factor that ended by too
// many. What bounds the cost of messages stays. A new password needs no Unlock:
// guesses at the former one do not count against it.
func (a *Auth) Unlock(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.login.Unlock(ctx, u)
	}
	if err != nil {
		return publicError(err)
	}
	return a.changed(ctx, id, login.Unlocked)
}
