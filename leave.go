package twofold

import (
	"context"
	"encoding/json"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/deletion"
	"github.com/twofold-auth/twofold/internal/dossier"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
)

func (b *builder) deletions() *deletion.Deletions {
	return deletion.New(deletion.Config{
		Store: b.c.Store, Trail: b.a.trail, Limits: b.limits,
		Changed: b.a.sessions.ForgetUser, Events: b.c.Advanced.OnEvent, Now: b.c.Advanced.Now, Log: b.c.Log,
		Owners: deletion.Owners{
			Keys: b.keys, Mailer: b.mailer(), Wait: b.c.Accounts.DeletionWait,
			Fresh: func(ctx context.Context, who auth.Principal) error {
				within := b.c.TwoFactor.Freshness
				if within < 0 { // deletion has a limit even if other changes have none
					within = 15 * time.Minute
				}
				return b.a.login.Reauth.RequireFresh(ctx, who, within)
			},
		},
	})
}

// leaves returns the configuration of deletion and export for package web.
func (b *builder) leaves() web.Leaving {
	return web.Leaving{
		Deletions: b.a.leaving, Delete: b.c.Accounts.Deletable, Export: b.c.Accounts.Exportable,
		Wait: b.c.Accounts.DeletionWait,
		Copy: func(ctx context.Context, u storage.User) (any, error) {
			if err := limit.Copy(ctx, b.limits, u.ID); err != nil {
				return nil, err
			}
			return dossier.Of(ctx, b.c.Store, u, b.c.Advanced.Now())
		},
	}
}

// DeleteUser deletes an account and all its data at once: factors, passkeys, recovery codes,
// connections, sessions, tokens, trusted browsers and messages that have not been sent. The rows of
// the audit trail stay, with a pseudonym and without addresses, user agents, sessions and reasons,
// so Audit.Verify still succeeds. The ID is never used again. If Config.Users is a
// store.UserDeleter, its DeleteUser is called first.
func (a *Auth) DeleteUser(ctx context.Context, id string) error {
	return publicError(a.leaving.Delete(ctx, id))
}

// Export returns all data about an account as JSON, for its owner: the account, its factors,
// sessions, browsers, tokens and rows of the audit trail. It contains no secret.
func (a *Auth) Export(ctx context.Context, id string) (json.RawMessage, error) {
	u, err := a.accounts.ByID(ctx, id)
	if err != nil {
		return nil, publicError(err)
	}
	d, err := dossier.Of(ctx, a.store, u, a.now())
	if err != nil {
		return nil, publicError(err)
	}
	return json.MarshalIndent(d, "", "  ")
}
