package account

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// createOwn makes the row of a new account in the application's own table, and then
// what is kept here of it. The two are not one transaction, so an invitation is used
// up first. If the row cannot be made, it works again. After a crash in between it is
// gone: a link that was revoked must not make a row.
func (a *Accounts) createOwn(ctx context.Context, u storage.User, d Draft) (storage.User, error) {
	back := func(err error) error { return err }
	if d.Invitation != "" {
		// While there is an account, its deletion must find the invitation to end it.
		if _, err := a.Find(ctx, u.Email); err == nil {
			return storage.User{}, storage.ErrExists
		}
		i, err := a.c.Users.TakeInvitation(ctx, d.Invitation, a.c.Now())
		if err != nil {
			return storage.User{}, err
		}
		back = func(err error) error {
			return errors.Join(err, a.c.Users.PutInvitation(context.WithoutCancel(ctx), i))
		}
		d.Invitation = ""
	}
	id, err := a.c.Source.Create(ctx, recordOf(u))
	if err != nil {
		return storage.User{}, back(err)
	}
	u.ID = id
	first, err := opens(a, u, d)
	if err == nil {
		err = a.store(ctx, u, d, first)
	}
	if errors.Is(err, storage.ErrExists) { // seen by someone meanwhile
		err = a.begin(ctx, id, d)
	}
	if err != nil {
		return storage.User{}, err
	}
	return a.ByID(ctx, id)
}

// begin adds what opens an account to one that is there.
func (a *Accounts) begin(ctx context.Context, id string, d Draft) error {
	u, err := a.ByID(ctx, id)
	if err != nil {
		return err
	}
	if d.Connection != nil {
		own := *d.Connection
		own.UserID = id
		return a.c.Users.ChangeConnections(ctx, storage.ConnectionChange{
			UserID: id, From: u.CredentialVersion, To: NewUniquifier(), Add: &own, Now: a.c.Now(),
		})
	}
	first, err := opens(a, u, d)
	if err != nil {
		return err
	}
	for _, f := range first {
		err = a.c.Users.ChangeFactors(ctx, storage.FactorChange{
			UserID: id, From: u.CredentialVersion, To: NewUniquifier(), Add: &f, Now: a.c.Now(),
		})
	}
	return err
}

// CreateUser implements storage.UserWriter: the shadow of a row that Accounts
// made in the table before.
func (j *Joined) CreateUser(ctx context.Context, u storage.User, factors ...storage.Factor) error {
	shadow, err := j.shadowOf(ctx, u)
	if err != nil {
		return err
	}
	return j.Store.CreateUser(ctx, shadow, factors...)
}

// CreateConnected implements storage.Connections for such a row.
func (j *Joined) CreateConnected(ctx context.Context, u storage.User, c storage.Connection) error {
	shadow, err := j.shadowOf(ctx, u)
	if err != nil {
		return err
	}
	return j.Store.CreateConnected(ctx, shadow, c)
}

// AcceptInvitation implements storage.Invitations for such a row.
func (j *Joined) AcceptInvitation(
	ctx context.Context, tokenHash string, now time.Time, u storage.User, factors ...storage.Factor,
) error {
	shadow, err := j.shadowOf(ctx, u)
	if err != nil {
		return err
	}
	return j.Store.AcceptInvitation(ctx, tokenHash, now, shadow, factors...)
}

// shadowOf is what is kept here of a new account.
func (j *Joined) shadowOf(ctx context.Context, u storage.User) (storage.User, error) {
	r, err := j.src.ByID(ctx, u.ID)
	if err != nil {
		return storage.User{}, err
	}
	u.PasswordHash = digest(r)
	if u.ProvenKey != "" {
		u.ProvenKey = mailboxOf(u.PasswordHash)
	}
	u.Email, u.EmailKey, u.Username, u.UsernameKey, u.Roles = "", "", "", "", []string{}
	if j.src.SetProfile != nil {
		u.Profile = ""
	}
	return u, nil
}
