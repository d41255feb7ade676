package twofold

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// source adapts a store.UserSource to the interface of package account.
type source struct{ own store.UserSource }

func (s source) ByIdentity(ctx context.Context, identity string) (account.Record, error) {
	u, err := s.own.FindUser(ctx, identity)
	return account.Record(u), storeError(err)
}

func (s source) ByID(ctx context.Context, id string) (account.Record, error) {
	u, err := s.own.UserByID(ctx, id)
	return account.Record(u), storeError(err)
}

func (s source) Create(ctx context.Context, r account.Record) (string, error) {
	id, err := s.own.CreateUser(ctx, store.ExternalUser(r))
	return id, storeError(err)
}

func (s source) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	ok, err := s.own.SetPasswordHash(ctx, id, old, new)
	return ok, storeError(err)
}

// sourceOf adapts an application's table, and the optional interfaces it implements, to package
// account.
func sourceOf(own store.UserSource) account.Table {
	t := account.Table{Source: source{own}}
	if d, ok := own.(store.UserDeleter); ok {
		t.Delete = func(ctx context.Context, id string) error { return storeError(d.DeleteUser(ctx, id)) }
	}
	if f, ok := own.(store.UserFields); ok {
		t.SetProfile = func(ctx context.Context, id string, fields map[string]any) error {
			return storeError(f.SetFields(ctx, id, fields))
		}
	}
	if r, ok := own.(store.UserRoles); ok {
		t.SetRoles = func(ctx context.Context, id string, roles []string) error {
			return storeError(r.SetRoles(ctx, id, roles))
		}
	}
	return t
}

func (b *builder) source() account.Source {
	if b.c.Users == nil {
		return nil
	}
	return sourceOf(b.c.Users)
}

func storeError(err error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.ErrNotFound
	case errors.Is(err, storage.ErrExists):
		return storage.ErrExists
	}
	return err
}
