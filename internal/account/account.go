package account

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store"
)

// Config says what accounts need.
type Config struct {
	Users Users
	// Source makes accounts where the application keeps its own; Users is the
	// Joined store then.
	Source Source
	Hasher *password.Hasher
	Policy password.Policy
	// Mailed: sign-ins to an account without password begin with a code to its
	// mailbox.
	Mailed bool
	// Usernames bounds those that are chosen from now on.
	Usernames Lengths
	Context   []string // words no password may be: the site's name
	// Checkers judge passwords that Policy lets pass, in this order.
	Checkers []password.Checker
	// Legacy is the system that accounts came from; nil: none is asked.
	Legacy password.Legacy
	// LegacyNames: accounts that come from there have usernames.
	LegacyNames bool
	Now         func() time.Time
	Log         *slog.Logger
	// Changed is called after every change of a record, so that caches in
	// this process forget it.
	Changed func()
}

// Users is the part of the store that accounts need.
type Users interface {
	store.UserReader
	store.UserWriter
	store.OwnerWriter
	store.Factors
	store.Connections
	store.Invitations
}

// Accounts creates, finds and changes accounts.
type Accounts struct {
	c      Config
	legacy *legacy // nil: no former system is asked
	pace   pace
}

// New returns the accounts.
func New(c Config) *Accounts {
	if c.Changed == nil {
		c.Changed = func() {}
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

// ErrHash means that no password would ever match an existing hash.
var ErrHash = errors.New("account: password hash is not supported")

// Draft is an account to be created.
type Draft struct {
	Email    string
	Username string // optional
	Password string // empty: no password opens the account
	// Hash is an existing hash, in place of a Password: for imports. A weak one is
	// wrapped. The password rules cannot be checked then.
	Hash     string
	Roles    []string
	Inactive bool
	// Unconfirmed: no one has shown that the address is the owner's. Anyone who makes
	// an account for someone else vouches for it.
	Unconfirmed bool
	Language    string // of what is sent to the owner; empty: not known
	Profile     string // as in store.User
	// Connection is an account at another site that opens it. Nothing else does, if
	// there is no password.
	Connection *store.Connection
	// Opens makes the factor that opens the account in place of a password, for the
	// id that the account has. If it is nil, there is no such factor. It is called again if the
	// application's own table chooses another id.
	Opens func(userID string) (store.Factor, error)
	// Invitation is the TokenHash of the invitation that the account is made of. It
	// ends with the account. store.ErrUsed: it has ended already.
	Invitation string
}

// Create checks and stores an account. The errors of ParseEmail,
// ParseUsername and password.Policy, or store.ErrExists.
func (a *Accounts) Create(ctx context.Context, d Draft) (store.User, error) {
	parse := ParseEmail // an address that is vouched for is its owner's, however it is spelled
	if d.Unconfirmed {
		parse = ParseNewEmail
	}
	email, key, wrong := parse(d.Email)
	now := a.c.Now()
	u := store.User{
		ID: store.NewID(), Email: email, EmailKey: key, Active: !d.Inactive,
		Uniquifier: NewUniquifier(), Roles: roles(d.Roles), CreatedAt: now, UpdatedAt: now, Language: d.Language,
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
			return store.User{}, err
		}
	}
	wrong = both(wrong, CheckNames(u.Roles...))
	if d.Password != "" {
		wrong = both(wrong, a.check(ctx, d.Password, u))
	}
	if wrong != nil {
		return store.User{}, wrong
	}
	if d.Password != "" {
		var err error
		if u.PasswordHash, err = a.c.Hasher.Hash(ctx, d.Password); err != nil {
			return store.User{}, err
		}
	}
	return a.create(ctx, u, d)
}

// Judge returns everything that is wrong with a draft and takes no look at other
// accounts or other sites: what a form can say at once.
func (a *Accounts) Judge(d Draft) error {
	email, _, wrong := ParseNewEmail(d.Email)
	if d.Email == "" {
		wrong = nil // that it is missing is said already
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

// both joins two errors; one alone stays itself.
func both(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}

// begins is what opens an account without password.
func (a *Accounts) begins(u store.User) []store.Factor {
	if u.PasswordHash != "" || !a.c.Mailed {
		return nil
	}
	return []store.Factor{{
		ID: store.NewID(), UserID: u.ID, Method: store.Email, Destination: u.Email, Usage: store.UseFirst, CreatedAt: a.c.Now(),
	}}
}

// opens are the factors that a new account begins with.
func opens(a *Accounts, u store.User, d Draft) ([]store.Factor, error) {
	if d.Opens == nil {
		return a.begins(u), nil
	}
	f, err := d.Opens(u.ID)
	return []store.Factor{f}, err
}

func (a *Accounts) create(ctx context.Context, u store.User, d Draft) (store.User, error) {
	first, err := opens(a, u, d)
	if err != nil {
		return store.User{}, err
	}
	if a.c.Source != nil {
		return a.createOwn(ctx, u, d)
	}
	if err := a.store(ctx, u, d, first); err != nil {
		return store.User{}, err
	}
	return u, nil
}

// store stores a new account with what opens it. The invitation that it is made of
// ends in the same transaction.
func (a *Accounts) store(ctx context.Context, u store.User, d Draft, first []store.Factor) error {
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

// Find returns the account behind an identity as someone types it.
func (a *Accounts) Find(ctx context.Context, identity string) (store.User, error) {
	key := Key(identity)
	if key == "" {
		return store.User{}, store.ErrNotFound
	}
	return a.c.Users.UserByIdentity(ctx, key)
}

// ByID returns the account with an id.
func (a *Accounts) ByID(ctx context.Context, id string) (store.User, error) {
	return a.c.Users.UserByID(ctx, id)
}

// List returns up to limit accounts after the given id.
func (a *Accounts) List(ctx context.Context, after string, limit int) ([]store.User, error) {
	return a.c.Users.ListUsers(ctx, after, limit)
}

// SetPassword gives the account a new password; everything issued before is
// dead then. Messages are stored with the change, here and below.
func (a *Accounts) SetPassword(ctx context.Context, id, plain string, messages ...store.Message) error {
	u, err := a.c.Users.UserByID(ctx, id)
	if err != nil {
		return err
	}
	hash, err := a.hash(ctx, plain, u)
	if err != nil {
		return err
	}
	defer a.c.Changed()
	return a.c.Users.SetPassword(ctx, id, hash, NewUniquifier(), false, a.c.Now(), messages...)
}

// SetLanguage chooses the language of what is sent to the account's owner;
// empty: it is learned at the next sign-in.
func (a *Accounts) SetLanguage(ctx context.Context, id, tag string) error {
	defer a.c.Changed()
	for range 3 { // someone may choose at the same time
		u, err := a.c.Users.UserByID(ctx, id)
		if err != nil || u.Language == tag {
			return err
		}
		if err := a.c.Users.SetLanguage(ctx, id, u.Language, tag); !errors.Is(err, store.ErrUsed) {
			return err
		}
	}
	return store.ErrUsed
}

// LearnLanguage stores the language that the browser of an account's owner asks
// for, unless there is one already.
func (a *Accounts) LearnLanguage(ctx context.Context, u store.User, tag string) error {
	if u.Language != "" || tag == "" {
		return nil
	}
	err := a.c.Users.SetLanguage(ctx, u.ID, "", tag)
	if errors.Is(err, store.ErrUsed) {
		return nil
	}
	a.c.Changed()
	return err
}

// SetActive switches an account on or off; off ends everything it has.
func (a *Accounts) SetActive(ctx context.Context, id string, active bool) error {
	defer a.c.Changed()
	return a.c.Users.SetActive(ctx, id, active, NewUniquifier(), a.c.Now())
}

// SetIdentity changes e-mail address and username (empty: none). Everything
// issued before is dead then.
func (a *Accounts) SetIdentity(ctx context.Context, id, email, username string, messages ...store.Message) error {
	address, key, err := ParseNewEmail(email)
	if errors.Is(err, ErrEmailSpelling) { // it may be the present one
		if u, found := a.c.Users.UserByID(ctx, id); found == nil && u.EmailKey == Key(email) {
			address, key, err = ParseEmail(email)
		}
	}
	if err != nil {
		return err
	}
	u := store.User{ID: id, Email: address, EmailKey: key, UpdatedAt: a.c.Now()}
	if username != "" {
		if u.Username, u.UsernameKey, err = ParseUsername(username, a.c.Usernames); err != nil {
			return err
		}
	}
	defer a.c.Changed()
	return a.c.Users.SetIdentity(ctx, u, NewUniquifier(), messages...)
}

// ResetAccess removes every factor but the password, and every connection to
// another site, and ends everything issued to the account. One without password
// is opened by its mailbox then. It is for operators, who recognized the owner
// by other means.
func (a *Accounts) ResetAccess(ctx context.Context, id string, messages ...store.Message) error {
	defer a.c.Changed()
	for range 3 { // another change may win the race; then look again
		u, err := a.c.Users.UserByID(ctx, id)
		if err != nil {
			return err
		}
		c := store.FactorChange{
			UserID: id, From: u.Uniquifier, To: NewUniquifier(), RemoveAll: true, RemoveFirst: true, RemoveConnections: true,
			Messages: messages, Now: a.c.Now(),
		}
		for _, f := range a.begins(u) {
			c.Add = &f
		}
		err = a.c.Users.ChangeFactors(ctx, c)
		if !errors.Is(err, store.ErrUsed) {
			return err
		}
	}
	return store.ErrUsed
}

// NewUniquifier returns a new credential version.
func NewUniquifier() string { return strings.ToLower(store.NewID()) }

func (a *Accounts) hash(ctx context.Context, plain string, u store.User) (string, error) {
	if err := a.check(ctx, plain, u); err != nil {
		return "", err
	}
	return a.c.Hasher.Hash(ctx, plain)
}

// check says what is wrong with a new password of a user.
func (a *Accounts) check(ctx context.Context, plain string, u store.User) error {
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
