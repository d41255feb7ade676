package engine

import (
	"context"
	"fmt"
	"io"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
)

// ExportOptions are the options of an export.
type ExportOptions struct {
	UserID  string // account to export; all if empty
	Secrets bool   // include passwords, keys of apps, recovery codes and passkeys
}

// secretParts returns what an export without secrets leaves out.
func secretParts() []string {
	return []string{"password", "authenticators", "recovery_codes", "passkeys"}
}

// Export writes accounts to w and returns their number. If something cannot be
// read, Export stops with an error: a file that lacks a factor would look complete.
func (e *Engine) Export(ctx context.Context, w io.Writer, o ExportOptions) (n int, err error) {
	if err := e.c.Tell(ctx, News{Kind: Exporting, UserID: o.UserID, Secrets: o.Secrets}); err != nil {
		return 0, err
	}
	h := transfer.Header{Source: "twofold", RPID: e.c.Passkeys.RPID(), Created: e.c.Now().UTC().Truncate(1e9)}
	if !o.Secrets {
		h.LeftOut = secretParts()
	}
	roles, err := e.c.Store.Roles(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range roles {
		h.Roles = append(h.Roles, transfer.Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions})
	}
	out, err := transfer.NewWriter(w, h)
	if err != nil {
		return 0, err
	}
	err = e.c.Store.EachAccount(ctx, o.UserID, func(whole storage.Whole) error {
		a, err := e.account(whole)
		if err != nil {
			return fmt.Errorf("account %s: %w", whole.User.ID, err)
		}
		if !o.Secrets {
			a, _ = a.OmitSecrets()
		}
		n++
		return out.Write(a)
	})
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}
