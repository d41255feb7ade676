package twofold

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// The errors of the functions below, beside those that name what is wrong with
// an e-mail address, a username or a password.
var (
	// ErrNoUser is returned if there is no such account.
	ErrNoUser = errors.New("twofold: no such user")
	// ErrNoSecondFactor is returned if the account has no second factor to
	// recover.
	ErrNoSecondFactor = errors.New("twofold: the account has no second factor")
	// ErrUserExists is returned if the e-mail address or the username is taken.
	ErrUserExists = errors.New("twofold: user exists already")
	// ErrPasswordHash is returned if the PasswordHash of a NewUser has an
	// unknown format.
	ErrPasswordHash = errors.New("twofold: PasswordHash is not a hash of argon2 or bcrypt")
	// ErrOwnRole is returned if the role is in the application's own table of
	// users, where only the application can remove it.
	ErrOwnRole = errors.New("twofold: the role is in the application's own table of users: change it there")
	// ErrNotListed is returned if Config.Users does not implement UserLister.
	ErrNotListed = errors.New("twofold: Config.Users does not implement UserLister, so users cannot be listed")
)

// NewUser describes an account to create.
type NewUser struct {
	Email    string
	Username string // none if empty
	// Password is none if empty: no password opens the account. Its mailbox does
	// where Accounts.PasswordOptional is set.
	Password string
	// PasswordHash is an existing hash, for imports, in place of Password:
	// argon2 or bcrypt, also in the forms of Flask-Security. CreateUser returns
	// ErrPasswordHash for any other.
	PasswordHash string
	Roles        []string
	Inactive     bool
	// Language is that of what is sent to the user, e.g. "de"; if empty, it is
	// learned at the first sign-in. See Auth.SetLanguage.
	Language string
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

// CreateUser creates an account. It returns ErrUserExists if the address or the
// username is taken, and an error that names the field if a value is not valid.
func (a *Auth) CreateUser(ctx context.Context, n NewUser) (Identity, error) {
	if err := checkLanguage(a.words, n.Language); err != nil {
		return Identity{}, err
	}
	u, err := a.accounts.Create(ctx, account.Draft{
		Email: n.Email, Username: n.Username, Password: n.Password, Hash: n.PasswordHash, Roles: n.Roles, Inactive: n.Inactive,
		Language: n.Language,
	})
	if err != nil {
		return Identity{}, publicError(err)
	}
	return identityOf(u), changed(ctx, a, u.ID, login.Created)
}

// FindUser returns the account with the given e-mail address, username or ID,
// or ErrNoUser.
func (a *Auth) FindUser(ctx context.Context, identity string) (Identity, error) {
	u, err := a.accounts.Find(ctx, identity)
	if errors.Is(err, store.ErrNotFound) {
		u, err = a.accounts.ByID(ctx, identity)
	}
	return identityOf(u), publicError(err)
}

// ListUsers returns up to limit accounts whose ID comes after the given one,
// ordered by ID. Start with an empty string. If Config.Users is set, it must
// implement UserLister; otherwise ListUsers returns ErrNotListed. The Created
// time of a user of such a table is zero until they first sign in.
func (a *Auth) ListUsers(ctx context.Context, after string, limit int) ([]Identity, error) {
	if a.users != nil {
		return listOwn(ctx, a, after, limit)
	}
	users, err := a.accounts.List(ctx, after, limit)
	out := make([]Identity, len(users))
	for i, u := range users {
		out[i] = identityOf(u)
	}
	return out, publicError(err)
}

// listOwn lists the accounts of the application's own table.
func listOwn(ctx context.Context, a *Auth, after string, limit int) ([]Identity, error) {
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

// Methods returns the methods of an account's second factors, the primary one
// first.
func (a *Auth) Methods(ctx context.Context, id string) ([]string, error) {
	factors, err := a.factors.FactorsOf(ctx, id)
	out := make([]string, len(factors))
	for i, f := range factors {
		out[i] = f.Method
	}
	return out, publicError(err)
}

// SetPassword changes an account's password and ends all its sessions, tokens
// and trusted browsers.
func (a *Auth) SetPassword(ctx context.Context, id, password string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.SetPassword(ctx, id, password, a.login.AccountLetters(ctx, login.PasswordChanged, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, login.PasswordChanged)
}

// SetActive activates or deactivates an account. Deactivation ends all its
// sessions, tokens and trusted browsers.
func (a *Auth) SetActive(ctx context.Context, id string, active bool) error {
	if err := a.accounts.SetActive(ctx, id, active); err != nil {
		return publicError(err)
	}
	if active {
		return changed(ctx, a, id, login.Activated)
	}
	return changed(ctx, a, id, login.Deactivated)
}

// SetRoles replaces an account's roles. It returns ErrOwnRole and changes
// nothing if that would remove a role that is in the application's own table of
// users.
func (a *Auth) SetRoles(ctx context.Context, id string, roles ...string) error {
	err := a.accounts.SetRoles(ctx, id, roles)
	if errors.Is(err, account.ErrNotOurs) {
		return fmt.Errorf("%w (%w)", ErrOwnRole, err)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, login.RolesChanged)
}

// SetLanguage sets the language of the e-mails and text messages to the owner
// of an account: a built-in one ("en", "de") or one of Config.Locales. If it is
// empty, the language is learned from the browser at the next sign-in.
func (a *Auth) SetLanguage(ctx context.Context, id, tag string) error {
	if err := checkLanguage(a.words, tag); err != nil {
		return err
	}
	return publicError(a.accounts.SetLanguage(ctx, id, tag))
}

func checkLanguage(words *web.Catalogue, tag string) error {
	if tag == "" || words.Has(tag) {
		return nil
	}
	return fmt.Errorf("twofold: there is no language %q: choose one of %s", tag, strings.Join(words.Tags(), ", "))
}

// Sessions returns the sessions of an account, the newest first.
func (a *Auth) Sessions(ctx context.Context, id string) ([]store.Session, error) {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return nil, publicError(err)
	}
	all, err := a.login.SignedInTo(ctx, u)
	return all, publicError(err)
}

// EndSession ends one session of a user, by its ID, and reports whether there was
// one. If the ID is empty, it ends all sessions, tokens and trusted browsers of the
// user.
func (a *Auth) EndSession(ctx context.Context, id, session string) (bool, error) {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return false, publicError(err)
	}
	err = a.login.OperatorEnds(ctx, u, session)
	if errors.Is(err, login.ErrNoSuch) {
		return false, nil
	}
	return err == nil, publicError(err)
}

// SetIdentity changes an account's e-mail address and username and ends all its
// sessions, tokens and trusted browsers. An empty username removes it.
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
	return changed(ctx, a, id, login.IdentityChanged)
}

// StartRecovery mails the owner of an account a link that, with the password,
// sets up a new second factor in place of the lost one. The link works at once
// and for 24 hours. The audit trail keeps the reason, and the owner receives a
// security notice. Verify the owner's identity first. StartRecovery returns
// ErrNoSecondFactor if the account has none, and an error if Mail is not
// configured or the account has no password.
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

// ResetAccess removes an account's second factors and ends all its sessions,
// tokens and trusted browsers. The password stays. An account without a
// password can then be opened by its mailbox if Accounts.PasswordOptional is
// set. Use it as a last resort, and verify the owner's identity first.
func (a *Auth) ResetAccess(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.ResetAccess(ctx, id, a.login.AccountLetters(ctx, login.AccessReset, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, login.AccessReset)
}

// Unlock ends the pauses that wrong passwords and codes have caused for an
// account, and restores a factor that was disabled by too many wrong codes.
// Budgets that bound the cost of messages are not reset. An account with a new
// password needs no Unlock, because guesses at the former one do not count
// against it.
func (a *Auth) Unlock(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.login.Unlock(ctx, u)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, login.Unlocked)
}
