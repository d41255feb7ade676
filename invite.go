package twofold

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/invite"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

func (b *builder) invitations() *invite.Invitations {
	c := b.c
	return invite.New(invite.Config{
		Store: c.Store, Accounts: b.a.accounts, Mailer: b.mailer(), Trail: b.a.trail, Events: c.Advanced.OnEvent,
		Within:       c.Accounts.InviteWithin,
		Passwordless: c.Accounts.PasswordOptional || c.Accounts.MagicLink,
		Now:          c.Advanced.Now,
	})
}

// Invitations manages invitations to create an account.
type Invitations struct{ a *Auth }

// Invitations returns the invitations.
func (a *Auth) Invitations() Invitations { return Invitations{a} }

// Send mails an invitation to an address. Its link creates the account that n describes. The
// invited person chooses a password, or registers a passkey if Passkeys.FirstFactor is set, and
// sets up a second factor if one is required. The address counts as proven. The link works once,
// for Accounts.InviteWithin, and is used up in the transaction that creates the account. If
// Config.Users is set, the link is used up before the row is inserted into the application's own
// table, so a crash in between requires another invitation. A new invitation replaces an earlier
// one to the same address. Send returns store.ErrExists if the address or the username is taken.
// The Password, PasswordHash and Inactive of n must not be set.
func (i Invitations) Send(ctx context.Context, n NewUser) (store.Invitation, error) {
	if n.Password != "" || n.PasswordHash != "" || n.Inactive {
		return store.Invitation{}, errors.New(
			"twofold: Password, PasswordHash and Inactive cannot be set for an invitation")
	}
	if err := checkLanguage(i.a.words, n.Language); err != nil {
		return store.Invitation{}, err
	}
	sent, err := i.a.invites.Invite(ctx, account.Draft{
		Email: n.Email, Username: n.Username, Roles: n.Roles, Language: n.Language, Profile: profile.Encode(n.Fields),
	})
	if errors.Is(err, auth.ErrSend) {
		return store.Invitation{}, errors.New("twofold: no mail sender is configured, so invitations cannot be sent: " +
			"set up a sender in Mail")
	}
	if err != nil {
		return store.Invitation{}, publicError(err)
	}
	return invitationOf(sent), nil
}

// List returns the invitations that have not been used, ordered by address.
func (i Invitations) List(ctx context.Context) ([]store.Invitation, error) {
	list, err := i.a.invites.List(ctx)
	out := make([]store.Invitation, len(list))
	for n, v := range list {
		out[n] = invitationOf(v)
	}
	return out, publicError(err)
}

// Revoke ends the invitation of an address, so its link no longer works, and reports whether there
// was one.
func (i Invitations) Revoke(ctx context.Context, email string) (bool, error) {
	err := i.a.invites.Revoke(ctx, email)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func invitationOf(i storage.Invitation) store.Invitation {
	return store.Invitation{
		Email: i.Email, Username: i.Username, Roles: append([]string(nil), i.Roles...), Created: i.CreatedAt,
		Expires: i.ExpiresAt,
	}
}
