package deletion

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Store is the part of the store that deletions need.
type Store interface {
	storage.UserReader
	storage.Factors
	storage.Deletions
}

// Config configures Deletions.
type Config struct {
	Store  Store
	Trail  *event.Trail
	Limits *limit.Limiter
	// Changed is called after every deletion, so that caches drop the account.
	Changed func(userID string)
	Events  event.Handler // may be nil
	Owners  Owners
	Now     func() time.Time
	Log     *slog.Logger
}

// Deletions deletes accounts.
type Deletions struct{ c Config }

// New returns Deletions.
func New(c Config) *Deletions { return &Deletions{c} }

// Delete deletes an account and everything that belongs to it. If the account does
// not exist, it returns storage.ErrNotFound.
func (d *Deletions) Delete(ctx context.Context, id string) error {
	return d.delete(ctx, id, "")
}

// delete deletes an account. request is the ID of the request for it, or empty.
func (d *Deletions) delete(ctx context.Context, id, request string) error {
	u, err := d.c.Store.UserByID(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		u, err = storage.User{ID: id}, nil // the account may already be missing from the application's table
	}
	if err != nil {
		return err
	}
	forget, err := d.traces(ctx, u)
	if err != nil {
		return err
	}
	erasure := d.c.Trail.NewErasure(ctx)
	defer d.c.Changed(id)
	err = d.c.Store.DeleteUser(ctx, storage.Deletion{
		UserID: id, Request: request, Now: d.c.Now(), Erase: erasure.Erase, Event: erasure.Event(), Forget: forget,
	})
	if err != nil {
		return err
	}
	d.c.Log.InfoContext(ctx, "an account was deleted", "pseudonym", erasure.Event().UserID)
	if d.c.Events != nil {
		d.c.Events(ctx, event.UserDeleted{
			User:    event.Subject{ID: u.ID, Email: u.Email, Username: u.Username},
			Context: event.Acting(ctx, event.Context{At: d.c.Now()}),
		})
	}
	return nil
}

// traces returns the keys of the counters of an account.
func (d *Deletions) traces(ctx context.Context, u storage.User) ([]string, error) {
	others := []string{u.Email, "key:" + account.Key(u.Email)}
	if u.Username != "" {
		others = append(others, "key:"+account.Key(u.Username))
	}
	for _, list := range []func(context.Context, string) ([]storage.Factor, error){
		d.c.Store.FactorsOf, d.c.Store.FirstFactorsOf, d.c.Store.PasskeysOf,
	} {
		factors, err := list(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range factors {
			others = append(others, f.ID)
			if f.Destination != "" {
				others = append(others, f.Destination)
			}
		}
	}
	return append(d.c.Limits.Traces(u.ID, others...), d.c.Limits.Traces("id:"+u.ID)...), nil
}
