package twofold

import (
	"context"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// source adapts a store.UserSource to the interface of package account.
type source struct{ own store.UserSource }

func (s source) ByIdentity(ctx context.Context, identity string) (account.Record, error) {
	u, err := s.own.FindUser(ctx, identity)
	return account.Record(u), err
}

func (s source) ByID(ctx context.Context, id string) (account.Record, error) {
	u, err := s.own.UserByID(ctx, id)
	return account.Record(u), err
}

func (s source) Create(ctx context.Context, r account.Record) (string, error) {
	return s.own.CreateUser(ctx, store.ExternalUser(r))
}

func (s source) SetPasswordHash(ctx context.Context, id, old, new string) (bool, error) {
	return s.own.SetPasswordHash(ctx, id, old, new)
}

// sourceOf adapts an application's table, and the optional interfaces it implements, to package
// account.
func sourceOf(own store.UserSource) account.Table {
	t := account.Table{Source: source{own}}
	if d, ok := own.(store.UserDeleter); ok {
		t.Delete = d.DeleteUser
	}
	if f, ok := own.(store.UserFields); ok {
		t.SetProfile = f.SetFields
	}
	if r, ok := own.(store.UserRoles); ok {
		t.SetRoles = r.SetRoles
	}
	return t
}

func (b *builder) source() account.Source {
	if b.c.Users == nil {
		return nil
	}
	return sourceOf(b.c.Users)
}
