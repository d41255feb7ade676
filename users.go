package twofold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// The methods below return these errors; store.ErrNotFound if there is no such account;
// store.ErrExists if the e-mail address or the username is taken; and errors that describe an invalid
// e-mail address, username or password.
var (
	// ErrNoSecondFactor means that the account has no second factor to recover.
	ErrNoSecondFactor = errors.New("twofold: the account has no second factor")
	// ErrPasswordHash means that the PasswordHash of a NewUser has an unknown format, is damaged,
	// or costs too much to compute.
	ErrPasswordHash = errors.New("twofold: PasswordHash is not a supported hash")
	// ErrOwnRole means that the role is in the application's own table of users, where only the
	// application can remove it.
	ErrOwnRole = errors.New("twofold: the role is in the application's own table of users: change it there")
	// ErrNotListed means that Config.Users does not implement store.UserLister.
	ErrNotListed = errors.New("twofold: Config.Users does not implement store.UserLister, so users cannot be listed")
)

// NewUser describes an account to create.
type NewUser struct {
	Email    string
	Username string // optional
	// Password may be empty. Then no password opens the account; if Accounts.PasswordOptional is
	// set, a code mailed to its address does.
	Password string
	// PasswordHash is an existing hash in place of Password, for imports. Package password lists
	// the supported kinds. A weak hash is wrapped in argon2id before it is stored. CreateUser
	// returns ErrPasswordHash for any other kind, and for a hash that costs more than 2 seconds or
	// 256 MiB.
	PasswordHash string
	Roles        []string
	Inactive     bool
	// Language is the language of messages to the user, e.g. "de". If it is empty, it is taken from
	// the browser at the first sign-in. See Auth.SetLanguage.
	Language string
	// Fields contains profile fields for imports: strings, booleans and numbers by name. They are
	// stored without the checks of Accounts.Fields.
	Fields map[string]any
}

// namedError is an error of package store with a text that names the record.
type namedError struct {
	text string
	error
}

func (e namedError) Error() string { return e.text }
func (e namedError) Unwrap() error { return e.error }

var (
	errNoUser     = namedError{"twofold: no such user", store.ErrNotFound}
	errUserExists = namedError{"twofold: user already exists", store.ErrExists}
	errNoRole     = namedError{"twofold: no such role", store.ErrNotFound}
	errRoleExists = namedError{"twofold: role already exists", store.ErrExists}
)

func publicError(err error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return errNoUser
	case errors.Is(err, storage.ErrExists):
		return errUserExists
	case errors.Is(err, account.ErrHash):
		return fmt.Errorf("%w (%w)", ErrPasswordHash, err)
	}
	return err
}

// CreateUser creates an account. It returns store.ErrExists if the address or the
// username is taken, and an error that names the field if a value is not valid.
func (a *Auth) CreateUser(ctx context.Context, n NewUser) (User, error) {
	if err := checkLanguage(a.words, n.Language); err != nil {
		return User{}, err
	}
	u, err := a.accounts.Create(ctx, account.Draft{
		Email: n.Email, Username: n.Username, Password: n.Password, Hash: n.PasswordHash, Roles: n.Roles,
		Inactive: n.Inactive,
		Language: n.Language, Profile: profile.Encode(n.Fields),
	})
	if err != nil {
		return User{}, publicError(err)
	}
	return publicUser(u), publicError(a.login.AccountCreated(ctx, u))
}

// FindUser returns the account with the given e-mail address, username or ID,
// or store.ErrNotFound.
func (a *Auth) FindUser(ctx context.Context, identity string) (User, error) {
	u, err := a.accounts.Find(ctx, identity)
	if errors.Is(err, storage.ErrNotFound) {
		u, err = a.accounts.ByID(ctx, identity)
	}
	return publicUser(u), publicError(err)
}

// UserFilter selects accounts. A zero field selects all.
type UserFilter struct {
	// Search is a part of the e-mail address, the username or the ID, in any case.
	Search string
	Role   string // one of the account's roles
	// After is the ID of the last account of the previous page.
	After string
	Limit int // 100 if zero
}

// matches reports whether the filter selects an account.
func (f UserFilter) matches(u User) bool {
	names := strings.ToLower(u.Email + "\n" + u.Username + "\n" + u.ID)
	return strings.Contains(names, strings.ToLower(strings.TrimSpace(f.Search))) &&
		(f.Role == "" || slices.Contains(u.Roles, f.Role))
}

// Users returns the accounts that a filter selects, ordered by ID. With Search or
// Role, it reads accounts until it has found as many as Limit. If Config.Users is
// set, it must implement store.UserLister; otherwise Users returns ErrNotListed. The
// Created time of a user of such a table is zero until they first sign in.
func (a *Auth) Users(ctx context.Context, f UserFilter) ([]User, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	batch := f.Limit
	if f.Search != "" || f.Role != "" {
		batch = max(batch, 500)
	}
	out := []User{}
	for after := f.After; ; {
		users, err := listUsers(ctx, a, after, batch)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if after = u.ID; f.matches(u) {
				out = append(out, u)
			}
			if len(out) == f.Limit {
				return out, nil
			}
		}
		if len(users) < batch {
			return out, nil
		}
	}
}

// listUsers returns up to limit accounts after the one with the given ID.
func listUsers(ctx context.Context, a *Auth, after string, limit int) ([]User, error) {
	if a.users != nil {
		return listOwn(ctx, a, after, limit)
	}
	users, err := a.accounts.List(ctx, after, limit)
	out := make([]User, len(users))
	for i, u := range users {
		out[i] = publicUser(u)
	}
	return out, publicError(err)
}

// listOwn lists the accounts of the application's own table.
func listOwn(ctx context.Context, a *Auth, after string, limit int) ([]User, error) {
	lister, ok := a.users.(store.UserLister)
	joined, own := a.store.(*account.Joined)
	if !ok || !own {
		return nil, ErrNotListed
	}
	rows, err := lister.ListUsers(ctx, after, limit)
	if err != nil {
		return nil, publicError(err)
	}
	out := make([]User, 0, len(rows))
	for _, row := range rows {
		u, err := joined.Overlay(ctx, account.Record(row))
		if err != nil {
			return nil, publicError(err)
		}
		out = append(out, publicUser(u))
	}
	return out, nil
}

// Factors returns the factors of an account without their secrets: second factors first, starting
// with the default one, then first factors.
func (a *Auth) Factors(ctx context.Context, id string) ([]store.Factor, error) {
	var out []storage.Factor
	for _, list := range []func(context.Context, string) ([]store.Factor, error){
		a.store.FactorsOf, a.store.FirstFactorsOf, a.store.PasskeysOf,
	} {
		all, err := list(ctx, id)
		if err != nil {
			return nil, publicError(err)
		}
		for _, f := range all {
			if slices.ContainsFunc(out, func(g storage.Factor) bool { return g.ID == f.ID }) {
				continue
			}
			f.Secret, f.Key = nil, ""
			out = append(out, f)
		}
	}
	return out, nil
}

// SetPassword changes an account's password and ends all its sessions, tokens
// and trusted browsers.
func (a *Auth) SetPassword(ctx context.Context, id, password string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.SetPassword(ctx, id, password, a.login.AccountNotices(ctx, auth.PasswordChanged, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, auth.PasswordChanged)
}

// SetActive activates or deactivates an account. Deactivation ends all its
// sessions, tokens and trusted browsers.
func (a *Auth) SetActive(ctx context.Context, id string, active bool) error {
	if err := a.accounts.SetActive(ctx, id, active); err != nil {
		return publicError(err)
	}
	if active {
		return changed(ctx, a, id, auth.Activated)
	}
	return changed(ctx, a, id, auth.Deactivated)
}

// SetRoles replaces an account's roles. It changes nothing and returns ErrRoleName for a name that
// Roles.Create refuses, unless the account already has that role. It returns ErrOwnRole if a role in
// the application's own table of users would be removed and the table is not a store.UserRoles.
func (a *Auth) SetRoles(ctx context.Context, id string, roles ...string) error {
	err := a.accounts.SetRoles(ctx, id, roles)
	if errors.Is(err, account.ErrNotOurs) {
		return fmt.Errorf("%w (%w)", ErrOwnRole, err)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, auth.RolesChanged)
}

// SetLanguage sets the language of the e-mails and text messages to the owner of an account: a
// built-in one, such as "en" or "pt-BR", or one of Config.Pages.Locales. If tag is empty, the
// language is taken from the browser at the next sign-in.
func (a *Auth) SetLanguage(ctx context.Context, id, tag string) error {
	if err := checkLanguage(a.words, tag); err != nil {
		return err
	}
	return publicError(a.accounts.SetLanguage(ctx, id, tag))
}

func checkLanguage(words *i18n.Catalogue, tag string) error {
	if tag == "" || words.Has(tag) {
		return nil
	}
	return fmt.Errorf("twofold: unknown language %q: choose one of %s", tag, strings.Join(words.Tags(), ", "))
}

// Sessions returns the sessions of an account, the newest first.
func (a *Auth) Sessions(ctx context.Context, id string) ([]store.Session, error) {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return nil, publicError(err)
	}
	all, err := a.login.Sessions.SignedInTo(ctx, u)
	return all, publicError(err)
}

// EndSession ends one session of a user, by its ID, and reports whether there was
// one.
func (a *Auth) EndSession(ctx context.Context, id, session string) (bool, error) {
	if session == "" {
		return false, errors.New("twofold: EndSession needs the ID of a session; EndSessions ends all")
	}
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return false, publicError(err)
	}
	err = a.login.Sessions.OperatorEnds(ctx, u, session)
	if errors.Is(err, auth.ErrNoSuch) {
		return false, nil
	}
	return err == nil, publicError(err)
}

// EndSessions ends all sessions, tokens and trusted browsers of a user.
func (a *Auth) EndSessions(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.login.Sessions.OperatorEnds(ctx, u, "")
	}
	return publicError(err)
}

// SetIdentity changes an account's e-mail address and username and ends all its
// sessions, tokens and trusted browsers. An empty username removes it. The user of
// an account without a password whose only second factor is e-mail cannot sign in
// at a new address until ResetAccess is called.
func (a *Auth) SetIdentity(ctx context.Context, id, email, username string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		next := u
		if next.Email, _, err = account.ParseEmail(email); err == nil {
			err = a.accounts.SetIdentity(ctx, id, email, username,
				a.login.AccountNotices(ctx, auth.IdentityChanged, u, next)...)
		}
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, auth.IdentityChanged)
}

// StartRecovery mails the owner of an account a link that, with the password,
// sets up a new second factor in place of the lost one and ends recovery codes. The
// link works at once and for 24 hours. The audit trail keeps the reason, and the owner receives a
// security notice. Verify the owner's identity first. StartRecovery returns
// ErrNoSecondFactor if the account has none, and an error if Mail is not
// configured or the account has no password.
func (a *Auth) StartRecovery(ctx context.Context, id, reason string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return publicError(err)
	}
	switch err := a.login.Recovery.StartRecovery(ctx, u, reason); {
	case errors.Is(err, auth.ErrMethod):
		return ErrNoSecondFactor
	case errors.Is(err, auth.ErrPasswordNeeded):
		return errors.New("twofold: the account has no password, which the link requires: use ResetAccess")
	case errors.Is(err, auth.ErrSend):
		return errors.New("twofold: no mail sender is configured, so a link cannot be sent")
	default:
		return publicError(err)
	}
}

// ResetAccess removes an account's second factors and ends all its sessions, tokens and trusted
// browsers. The password stays. An account without a password can then be opened with a mailed code
// if Accounts.PasswordOptional is set. Use it as a last resort, and verify the owner's identity
// first.
func (a *Auth) ResetAccess(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.accounts.ResetAccess(ctx, id, a.login.AccountNotices(ctx, auth.AccessReset, u)...)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, auth.AccessReset)
}

// Preview returns the outcome of a sign-in with this password, without changing anything: "unknown
// account", "wrong password", "not allowed to sign in", "session", "second factor" with the methods
// that would be asked for, "set-up" of a required second factor, or "mailed code" before such a
// set-up. An empty password counts as the right one. Use it to compare Twofold with the system that
// it will replace. Do not use it to answer requests of users: it does not limit guesses.
func (a *Auth) Preview(ctx context.Context, identity, password string) (outcome string, methods []string, err error) {
	outcome, methods, err = a.login.Account.Preview(ctx, identity, password)
	return outcome, methods, publicError(err)
}

// Unlock ends the delays that wrong passwords and codes have caused for an account, and restores a
// factor that was disabled by too many wrong codes. Budgets that bound the cost of messages are not
// reset. An account with a new password needs no Unlock, because guesses at the previous one do not
// count.
func (a *Auth) Unlock(ctx context.Context, id string) error {
	u, err := a.accounts.ByID(ctx, id)
	if err == nil {
		err = a.login.Account.Unlock(ctx, u)
	}
	if err != nil {
		return publicError(err)
	}
	return changed(ctx, a, id, auth.Unlocked)
}
