package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
)

var (
	// ErrLegacy means that the former system could not be asked.
	ErrLegacy = errors.New("account: the former system cannot be reached")
	// ErrWrong wraps ErrLegacy. It means that the password was wrong here, and it counts as a wrong
	// password. While the former system cannot be asked, the answer must not reveal that the
	// account exists here.
	ErrWrong = fmt.Errorf("%w, and the password is wrong", ErrLegacy)
)

const (
	legacyWait  = 10 * time.Second // timeout of an answer
	legacyAtOne = 8                // maximum number of concurrent requests
	legacyPause = 5 * time.Second  // pause after a failed request
	maxIdentity = 320              // maximum length of an identity in bytes
)

// Checked is the result of a password check.
type Checked struct {
	OK      bool
	Created bool // the account was created, because the former system knows it
}

// legacy calls the former system.
type legacy struct {
	system password.Legacy
	slots  chan struct{}
	until  atomic.Int64 // earliest time of the next request, in nanoseconds since 1970
	failed atomic.Bool  // whether the last request failed
}

func newLegacy(system password.Legacy) *legacy {
	if system == nil {
		return nil
	}
	return &legacy{system: system, slots: make(chan struct{}, legacyAtOne)}
}

// asks reports whether the former system may be asked about an identity and a password.
func (l *legacy) asks(identity, plain string) bool {
	return l != nil && identity != "" && len(identity) <= maxIdentity && len(plain) <= password.MaxBytes &&
		!strings.ContainsFunc(identity, unicode.IsControl) && password.Plausible(plain)
}

// ask makes one request. After a failure, no request is made for a moment, so that users do not
// wait for a system that is down.
func (l *legacy) ask(ctx context.Context, now time.Time, identity, plain string) (password.LegacyAccount, bool, error) {
	if now.UnixNano() < l.until.Load() {
		return password.LegacyAccount{}, false, ErrLegacy
	}
	ctx, cancel := context.WithTimeout(ctx, legacyWait)
	defer cancel()
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return password.LegacyAccount{}, false, fmt.Errorf("%w: too many concurrent requests", ErrLegacy)
	}
	found, ok, err := l.system.CheckPassword(ctx, identity, plain)
	if err != nil {
		if !errors.Is(err, context.Canceled) { // otherwise only the browser has disconnected
			l.until.Store(now.Add(legacyPause).UnixNano())
			l.failed.Store(true)
		}
		return password.LegacyAccount{}, false, fmt.Errorf("%w: %w", ErrLegacy, err)
	}
	l.failed.Store(false)
	return found, ok, nil
}

// unclear returns ErrWrong for a wrong password while the former system cannot be asked. Otherwise
// only accounts that do not exist here would show that it is down. After a failure it asks about a
// name that does not exist.
func (l *legacy) unclear(ctx context.Context, now time.Time) error {
	if l == nil || !l.failed.Load() {
		return nil
	}
	giveBack(ctx)
	if _, _, err := l.ask(ctx, now, "twofold-"+rand.Text(), rand.Text()); err != nil {
		return ErrWrong
	}
	return nil
}

// nameThere returns the name with which the former system is asked about an account: the account's
// own name, as imported. The former system may distinguish names that are equal here, so the typed
// text may be another person's name there.
func nameThere(u storage.User, typed string) string {
	if key := Key(typed); key == u.UsernameKey && key != "" {
		return u.Username
	}
	return u.Email
}

// askLegacy asks the former system about an account with password.AskLegacy, or about an unknown
// identity if u is zero. If the password is right, the account gets a hash here, and u is that
// account.
func (a *Accounts) askLegacy(ctx context.Context, u *storage.User, identity, plain string) (Checked, error) {
	giveBack(ctx) // do not hold a hashing slot during the request
	found, ok, err := a.legacy.ask(ctx, a.c.Now(), identity, plain)
	if err != nil {
		a.c.Log.ErrorContext(ctx, "the former system cannot be asked for a password", "cause", err)
		return Checked{}, err
	}
	if !ok {
		return Checked{}, nil
	}
	if found.Email == "" {
		found.Email = identity
	}
	created := false
	if u.ID == "" {
		there, err := a.Find(ctx, found.Email)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			created, err = a.arrive(ctx, u, found, identity, plain)
			if err != nil || created || u.ID == "" {
				return Checked{OK: created, Created: created}, err
			}
		case err != nil:
			return Checked{}, err
		case there.PasswordHash != password.AskLegacy && names(there, identity):
			*u = there // another sign-in has created it meanwhile: its hash decides
		case there.PasswordHash != password.AskLegacy:
			// The account has its own first factor here, about which the former system does not
			// decide.
			a.c.Log.WarnContext(ctx, "the former system knows an account whose address another account here has",
				"user", there.ID)
			return Checked{}, nil
		case !found.Proven: // anyone could claim the address there
			a.c.Log.WarnContext(ctx, "the former system knows an account with the address of another one that waits "+
				"for it, and does not say that the address was proven", "user", there.ID,
				"cure", "let the person sign in with the address, or have the former system say what was proven")
			return Checked{}, nil
		default:
			*u = there
		}
	}
	ok, err = a.settle(ctx, u, plain)
	return Checked{OK: ok}, err
}

// names reports whether a typed identity is one of an account.
func names(u storage.User, identity string) bool {
	key := Key(identity)
	return key == u.EmailKey || key == u.UsernameKey && key != ""
}

// settle stores the hash of a password that the former system has accepted. If another hash has
// been stored meanwhile, that one decides.
func (a *Accounts) settle(ctx context.Context, u *storage.User, plain string) (bool, error) {
	if u.PasswordHash == password.AskLegacy {
		hash, err := a.c.Hasher.Hash(ctx, plain)
		if err != nil {
			return false, err
		}
		err = a.c.Users.UpgradePassword(ctx, u.ID, password.AskLegacy, hash)
		if err == nil {
			u.PasswordHash = hash
			a.c.Changed(u.ID)
			return true, nil
		}
		if !errors.Is(err, storage.ErrUsed) && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
		now, err := a.ByID(ctx, u.ID)
		if err != nil {
			return false, err
		}
		*u = now
	}
	if u.PasswordHash == "" || u.PasswordHash == password.AskLegacy {
		return false, nil
	}
	ok, _, err := a.c.Hasher.Verify(ctx, plain, u.PasswordHash)
	return ok, err
}

// arrive creates the account of a user of the former system, unless the typed identity would not
// find it the next time. If a concurrent sign-in has created it, u is that account and created is
// false.
func (a *Accounts) arrive(ctx context.Context, u *storage.User, found password.LegacyAccount, identity, plain string) (
	created bool, err error) {
	hash, err := a.c.Hasher.Hash(ctx, plain)
	if err != nil {
		return false, err
	}
	d := Draft{Email: found.Email, Hash: hash, Unconfirmed: !found.Proven, Language: found.Language}
	if a.c.LegacyNames {
		d.Username = found.Username
		if d.Username == "" && !strings.Contains(identity, "@") {
			d.Username = identity
		}
	}
	if _, _, err := ParseUsername(d.Username, a.c.Usernames); err != nil {
		d.Username = "" // not a valid username here
	}
	if Key(identity) != Key(found.Email) && Key(identity) != Key(d.Username) {
		a.c.Log.WarnContext(ctx, "the former system knows an account that could not be found here again by what was "+
			"typed", "cure", "let people sign in with usernames, or with the address that the former system has")
		return false, nil
	}
	made, err := a.Create(ctx, d)
	if errors.Is(err, storage.ErrExists) && d.Username != "" && Key(identity) == Key(found.Email) {
		d.Username = "" // it may be taken
		made, err = a.Create(ctx, d)
	}
	switch {
	case errors.Is(err, storage.ErrExists):
		*u, err = a.Find(ctx, identity)
		if errors.Is(err, storage.ErrNotFound) { // its username is taken
			err = nil
		}
		return false, err
	case err != nil:
		a.c.Log.ErrorContext(ctx, "an account of the former system cannot be made", "cause", err)
		return false, fmt.Errorf("%w: %w", ErrLegacy, err)
	}
	*u = made
	return true, nil
}

// leaveKey is the context key of the function that returns the hashing slot.
type leaveKey struct{}

func giveBack(ctx context.Context) {
	if leave, ok := ctx.Value(leaveKey{}).(func()); ok {
		leave()
	}
}
