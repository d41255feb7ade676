package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
)

// Adopt returns the string to store for a hash of another system. It returns ErrHash if the hash is
// not supported.
func (a *Accounts) Adopt(ctx context.Context, hash string) (string, error) {
	stored, err := a.c.Hasher.Adopt(ctx, hash)
	for _, refused := range []error{password.ErrUnknownScheme, password.ErrMalformed, password.ErrTooLong} {
		if errors.Is(err, refused) {
			return "", fmt.Errorf("%w: %w", ErrHash, err)
		}
	}
	return stored, err
}

// CheckPassword reports whether plain is the account's password. It replaces an outdated hash, also
// in u, because later checks depend on the new hash. It takes the same time whether or not the
// account exists (pass a zero User) or has a password. An unsupported stored hash matches no
// password and is logged, because only an operator can fix it.
//
// The former system is asked about an unknown identity, with the typed identity, and about accounts
// with password.AskLegacy, with the account's own name. If the password is right, u is the account.
// The error is ErrLegacy, or one of password.Hasher.
func (a *Accounts) CheckPassword(ctx context.Context, u *storage.User, identity, plain string) (Checked, error) {
	start := time.Now()
	done, err := a.checkPassword(ctx, u, identity, plain)
	if err == nil && !done.OK {
		err = a.legacy.unclear(ctx, a.c.Now())
		a.pace.wait(ctx, start)
	}
	return done, err
}

func (a *Accounts) checkPassword(ctx context.Context, u *storage.User, identity, plain string) (Checked, error) {
	start := time.Now()
	waits := u.PasswordHash == password.AskLegacy
	if !waits && u.PasswordHash != "" {
		_, foreign := a.c.Hasher.Cost(u.PasswordHash)
		ok, err := a.compare(ctx, u, plain)
		if foreign {
			a.pace.saw(time.Since(start))
		}
		return Checked{OK: ok}, err
	}
	if err := a.c.Hasher.Burn(ctx, plain); err != nil {
		return Checked{}, err
	}
	if waits {
		identity = nameThere(*u, identity)
	}
	if !waits && u.ID != "" || !a.legacy.asks(identity, plain) {
		return Checked{}, nil
	}
	done, err := a.askLegacy(ctx, u, identity, plain)
	a.pace.saw(time.Since(start))
	return done, err
}

// compare verifies a password with a stored hash.
func (a *Accounts) compare(ctx context.Context, u *storage.User, plain string) (bool, error) {
	ok, upgrade, err := a.c.Hasher.Verify(ctx, plain, u.PasswordHash)
	if errors.Is(err, password.ErrUnknownScheme) || errors.Is(err, password.ErrMalformed) {
		a.c.Log.ErrorContext(ctx, "the password hash of an account cannot be judged, so no password opens it",
			"user", u.ID, "cause", err, "cure", "set a new password for the account")
		return false, nil
	}
	if err != nil || !ok {
		return false, err
	}
	if upgrade {
		a.upgrade(ctx, u, plain)
	}
	return true, nil
}

// HashingBusy reports whether a password check would have to wait now.
func (a *Accounts) HashingBusy() bool {
	slots, busy, _ := a.c.Hasher.Load()
	return busy >= slots
}

// ReserveHash returns a context with which callers wait in a separate queue for checking or setting
// a password. The names identify what they have proven.
func ReserveHash(ctx context.Context, names ...string) context.Context {
	return password.Reserve(ctx, names...)
}

// Matches reports whether plain is the account's password, and changes nothing.
func (a *Accounts) Matches(ctx context.Context, u storage.User, plain string) (bool, error) {
	if u.PasswordHash == "" || u.PasswordHash == password.AskLegacy {
		return false, nil
	}
	ok, _, err := a.c.Hasher.Verify(ctx, plain, u.PasswordHash)
	if errors.Is(err, password.ErrUnknownScheme) || errors.Is(err, password.ErrMalformed) {
		return false, nil
	}
	return ok, err
}

// AcquireHash waits until a password may be checked. With the returned context, CheckPassword does
// not wait until leave is called.
func (a *Accounts) AcquireHash(ctx context.Context) (with context.Context, leave func(), err error) {
	with, leave, err = a.c.Hasher.Acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	return context.WithValue(with, leaveKey{}, leave), leave, nil
}

// upgrade replaces a hash whose scheme or cost is outdated. Its failure does not matter, because
// the password was right.
func (a *Accounts) upgrade(ctx context.Context, u *storage.User, plain string) {
	hash, err := a.c.Hasher.Hash(ctx, plain)
	if err == nil && a.c.Users.UpgradePassword(ctx, u.ID, u.PasswordHash, hash) == nil {
		u.PasswordHash = hash
	}
}
