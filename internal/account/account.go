package account

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
)

// Config configures Accounts.
type Config struct {
	Users Users
	// Source creates accounts if the application has its own table. Users is then the Joined store.
	Source Source
	Hasher *password.Hasher
	Policy password.Policy
	// If Mailed is set, a sign-in to an account without a password starts with a mailed code.
	Mailed bool
	// Usernames bounds the length of new usernames.
	Usernames Lengths
	Context   []string // words that are refused as passwords: the site's name
	// Checkers examine passwords that meet Policy, in this order.
	Checkers []password.Checker
	// Legacy checks passwords in the former system. It may be nil.
	Legacy password.Legacy
	// LegacyNames is set if accounts of the former system have usernames.
	LegacyNames bool
	Now         func() time.Time
	Log         *slog.Logger
	// Changed is called after every change of a record, so that caches in
	// this process forget it.
	Changed func(userID string)
}

// Users is the part of the store that accounts need.
type Users interface {
	storage.UserReader
	storage.UserWriter
	storage.OwnerWriter
	storage.Factors
	storage.Connections
	storage.Invitations
}

// Accounts creates, finds and changes accounts.
type Accounts struct {
	c      Config
	legacy *legacy // nil if there is no former system
	pace   pace
}

// New returns an Accounts.
func New(c Config) *Accounts {
	if c.Changed == nil {
		c.Changed = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &Accounts{c: c, legacy: newLegacy(c.Legacy)}
	if a.legacy != nil {
		a.pace.saw(firstPace)
	}
	return a
}

// ErrHash means that an existing hash is not supported.
var ErrHash = errors.New("account: password hash is not supported")

// Draft is an account to be created.
type Draft struct {
	Email    string
	Username string // optional
	Password string // empty if no password opens the account
	// Hash is an existing hash in place of Password, for imports. A weak hash is wrapped. The
	// password rules are not checked.
	Hash     string
	Roles    []string
	Inactive bool
	// Unconfirmed is set if it is not proven that the address is the owner's. A person who creates
	// an account for someone else confirms the address.
	Unconfirmed bool
	Language    string // language of messages to the owner; empty if unknown
	Profile     string // as in storage.User
	// Connection is an account at an identity provider with which the user can sign in. If there is
	// no password, it is the only first factor.
	Connection *storage.Connection
	// Opens returns the first factor that replaces the password, for the account's ID. It may be
	// nil. It is called again if the application's own table chooses another ID.
	Opens func(userID string) (storage.Factor, error)
	// Invitation is the TokenHash of the invitation from which the account is created. The
	// invitation is removed with that. If it no longer exists, Create returns storage.ErrUsed.
	Invitation string
}

// Create checks and stores an account. It returns an error of ParseEmail, ParseUsername or
// password.Policy, or storage.ErrExists.
func (a *Accounts) Create(ctx context.Context, d Draft) (storage.User, error) {
	parse := ParseEmail // a confirmed address belongs to its owner in any spelling
	if d.Unconfirmed {
		parse = ParseNewEmail
	}
	email, key, wrong := parse(d.Email)
	now := a.c.Now()
	u := storage.User{
		ID: storage.NewID(), Email: email, EmailKey: key, Active: !d.Inactive,
		CredentialVersion: NewUniquifier(), Roles: roles(d.Roles), CreatedAt: now, UpdatedAt: now, Language: d.Language,
		Profile: d.Profile,
	}
	if !d.Unconfirmed {
		u.ConfirmedAt, u.ProvenKey = now, key
	}
	if d.Username != "" {
		var err error
		u.Username, u.UsernameKey, err = ParseUsername(d.Username, a.c.Usernames)
		wrong = both(wrong, err)
	}
	if d.Hash != "" {
		var err error
		if u.PasswordHash, err = a.Adopt(ctx, d.Hash); err != nil {
			return storage.User{}, err
		}
	}
	wrong = both(wrong, CheckNames(u.Roles...))
	if d.Password != "" {
		wrong = both(wrong, a.check(ctx, d.Password, u))
	}
	if wrong != nil {
		return storage.User{}, wrong
	}
	if d.Password != "" {
		var err error
		if u.PasswordHash, err = a.c.Hasher.Hash(ctx, d.Password); err != nil {
			return storage.User{}, err
		}
	}
	return a.create(ctx, u, d)
}

// Judge returns all errors of a draft that can be found without looking at other accounts or
// calling other systems.
func (a *Accounts) Judge(d Draft) error {
	email, _, wrong := ParseNewEmail(d.Email)
	if d.Email == "" {
		wrong = nil // a missing value is reported already
	}
	wrong = both(wrong, CheckNames(roles(d.Roles)...))
	if d.Username != "" {
		_, _, err := ParseUsername(d.Username, a.c.Usernames)
		wrong = both(wrong, err)
	}
	if d.Password != "" {
		local, _, _ := cutLast(email, '@')
		wrong = both(wrong, a.c.Policy.Check(d.Password, append([]string{email, local, d.Username}, a.c.Context...)...))
	}
	return wrong
}

// both joins two errors. If only one is not nil, it returns that one.
func both(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}

// begins returns the first factors of an account without a password.
func (a *Accounts) begins(u storage.User) []storage.Factor {
	if u.PasswordHash != "" || !a.c.Mailed {
		return nil
	}
	return []storage.Factor{{
		ID: storage.NewID(), UserID: u.ID, Method: storage.Email, Destination: u.Email, Usage: storage.UseFirst,
		CreatedAt: a.c.Now(),
	}}
}

// opens returns the first factors of a new account.
func opens(a *Accounts, u storage.User, d Draft) ([]storage.Factor, error) {
	if d.Opens == nil {
		return a.begins(u), nil
	}
	f, err := d.Opens(u.ID)
	return []storage.Factor{f}, err
}

func (a *Accounts) create(ctx context.Context, u storage.User, d Draft) (storage.User, error) {
	first, err := opens(a, u, d)
	if err != nil {
		return storage.User{}, err
	}
	if a.c.Source != nil {
		return a.createOwn(ctx, u, d)
	}
	if err := a.store(ctx, u, d, first); err != nil {
		return storage.User{}, err
	}
	return u, nil
}

// store stores a new account with its first factors. The invitation from which it is created is
// removed in the same transaction.
func (a *Accounts) store(ctx context.Context, u storage.User, d Draft, first []storage.Factor) error {
	switch {
	case d.Invitation != "":
		return a.c.Users.AcceptInvitation(ctx, d.Invitation, a.c.Now(), u, first...)
	case d.Connection == nil:
		return a.c.Users.CreateUser(ctx, u, first...)
	}
	own := *d.Connection
	own.UserID = u.ID
	return a.c.Users.CreateConnected(ctx, u, own)
}

// Find returns the account with an identity as typed by a user.
func (a *Accounts) Find(ctx context.Context, identity string) (storage.User, error) {
	key := Key(identity)
	if key == "" {
		return storage.User{}, storage.ErrNotFound
	}
	return a.c.Users.UserByIdentity(ctx, key)
}

// ByID returns the account with an id.
func (a *Accounts) ByID(ctx context.Context, id string) (storage.User, error) {
	return a.c.Users.UserByID(ctx, id)
}

// List returns up to limit accounts after the given id.
func (a *Accounts) List(ctx context.Context, after string, limit int) ([]storage.User, error) {
	return a.c.Users.ListUsers(ctx, after, limit)
}

// SetPassword sets a new password and invalidates everything issued before. Here and below,
// messages are stored in the transaction of the change.
func (a *Accounts) SetPassword(ctx context.Context, id, plain string, messages ...storage.Message) error {
	u, err := a.c.Users.UserByID(ctx, id)
	if err != nil {
		return err
	}
	hash, err := a.hash(ctx, plain, u)
	if err != nil {
		return err
	}
	defer a.c.Changed(id)
	return a.c.Users.SetPassword(ctx, storage.NewPassword{
		UserID: id, Hash: hash, CredentialVersion: NewUniquifier(), Now: a.c.Now(),
	}, messages...)
}

// SetLanguage sets the language of messages to the account's owner. If it is empty, the language is
// taken from the browser at the next sign-in.
func (a *Accounts) SetLanguage(ctx context.Context, id, tag string) error {
	defer a.c.Changed(id)
	for range 3 { // there may be a concurrent change
		u, err := a.c.Users.UserByID(ctx, id)
		if err != nil || u.Language == tag {
			return err
		}
		if err := a.c.Users.SetLanguage(ctx, id, u.Language, tag); !errors.Is(err, storage.ErrUsed) {
			return err
		}
	}
	return storage.ErrUsed
}

// LearnLanguage stores the language that the browser of an account's owner asks
// for, unless there is one already.
func (a *Accounts) LearnLanguage(ctx context.Context, u storage.User, tag string) error {
	if u.Language != "" || tag == "" {
		return nil
	}
	err := a.c.Users.SetLanguage(ctx, u.ID, "", tag)
	if errors.Is(err, storage.ErrUsed) {
		return nil
	}
	a.c.Changed(u.ID)
	return err
}

// SetActive activates or deactivates an account. Deactivation ends everything issued to it.
func (a *Accounts) SetActive(ctx context.Context, id string, active bool) error {
	defer a.c.Changed(id)
	return a.c.Users.SetActive(ctx, id, active, NewUniquifier(), a.c.Now())
}

// SetIdentity changes the e-mail address and the username, which may be empty. Everything issued
// before becomes invalid.
func (a *Accounts) SetIdentity(ctx context.Context, id, email, username string, messages ...storage.Message) error {
	address, key, err := ParseNewEmail(email)
	if errors.Is(err, ErrEmailSpelling) { // it may be the current one
		if u, found := a.c.Users.UserByID(ctx, id); found == nil && u.EmailKey == Key(email) {
			address, key, err = ParseEmail(email)
		}
	}
	if err != nil {
		return err
	}
	u := storage.User{ID: id, Email: address, EmailKey: key, UpdatedAt: a.c.Now()}
	if username != "" {
		if u.Username, u.UsernameKey, err = ParseUsername(username, a.c.Usernames); err != nil {
			return err
		}
	}
	defer a.c.Changed(id)
	return a.c.Users.SetIdentity(ctx, u, NewUniquifier(), messages...)
}

// ResetAccess removes every factor except the password, and every connection, and ends everything
// issued to the account. The user of an account without a password can then sign in with the
// mailbox. It is for operators who have verified the owner's identity.
func (a *Accounts) ResetAccess(ctx context.Context, id string, messages ...storage.Message) error {
	defer a.c.Changed(id)
	for range 3 { // a concurrent change may win: try again
		u, err := a.c.Users.UserByID(ctx, id)
		if err != nil {
			return err
		}
		c := storage.FactorChange{
			UserID: id, From: u.CredentialVersion, To: NewUniquifier(), RemoveAll: true, RemoveFirst: true,
			RemoveConnections: true,
			Messages:          messages, Now: a.c.Now(),
		}
		for _, f := range a.begins(u) {
			c.Add = &f
		}
		err = a.c.Users.ChangeFactors(ctx, c)
		if !errors.Is(err, storage.ErrUsed) {
			return err
		}
	}
	return storage.ErrUsed
}

// NewUniquifier returns a new credential version.
func NewUniquifier() string { return strings.ToLower(storage.NewID()) }

func (a *Accounts) hash(ctx context.Context, plain string, u storage.User) (string, error) {
	if err := a.check(ctx, plain, u); err != nil {
		return "", err
	}
	return a.c.Hasher.Hash(ctx, plain)
}

// check returns an error if a new password of a user is not acceptable.
func (a *Accounts) check(ctx context.Context, plain string, u storage.User) error {
	local, _, _ := cutLast(u.Email, '@')
	words := append([]string{u.Email, local, u.Username}, a.c.Context...)
	if err := a.c.Policy.Check(plain, words...); err != nil {
		return err
	}
	for _, c := range a.c.Checkers {
		if err := c.Check(ctx, plain, words...); err != nil {
			return err
		}
	}
	return nil
}
