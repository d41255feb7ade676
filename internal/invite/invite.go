// Package invite creates accounts for people who were invited by mail.
package invite

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ErrLink is returned for a link that is invalid, was used, was replaced by a later
// one, or has expired. The store cannot tell which.
var ErrLink = errors.New("invite: invalid or used link")

// MailKind names the mail of an invitation, and its link.
const MailKind = "invite"

// Store is the part of the store that invitations need.
type Store interface {
	storage.UserReader
	storage.Invitations
}

// Config configures Invitations.
type Config struct {
	Store    Store
	Accounts *account.Accounts
	// Mailer sends the mail. Without mail, no one can be invited.
	Mailer auth.Mailer
	Trail  *event.Trail
	Events event.Handler // may be nil
	Within time.Duration // life of a link
	// Passwordless allows an invitation to be accepted without a password and
	// without a passkey, because the mailbox can open the account.
	Passwordless bool
	Now          func() time.Time
}

// Invitations manages invitations.
type Invitations struct{ c Config }

// New returns Invitations.
func New(c Config) *Invitations { return &Invitations{c} }

// Invite mails an invitation. It replaces an earlier one to the same address. The
// error is storage.ErrExists if an account has the address or the username, an error
// of account.ParseEmail or account.Accounts.Judge, or auth.ErrSend.
func (v *Invitations) Invite(ctx context.Context, d account.Draft) (storage.Invitation, error) {
	if !v.c.Mailer.On() {
		return storage.Invitation{}, auth.ErrSend
	}
	email, key, err := account.ParseEmail(d.Email)
	if err != nil {
		return storage.Invitation{}, err
	}
	d.Email, d.Password, d.Hash = email, "", ""
	if err := v.c.Accounts.Judge(d); err != nil {
		return storage.Invitation{}, err
	}
	for _, name := range []string{email, d.Username} {
		if name == "" {
			continue
		}
		if _, err := v.c.Accounts.Find(ctx, name); err == nil {
			return storage.Invitation{}, storage.ErrExists
		} else if !errors.Is(err, storage.ErrNotFound) {
			return storage.Invitation{}, err
		}
	}
	token, now := seal.Token(), v.c.Now()
	i := storage.Invitation{
		ID: storage.NewID(), TokenHash: seal.HashToken(token), Email: email, EmailKey: key, Username: d.Username,
		Roles: d.Roles, Language: d.Language, Profile: d.Profile, CreatedAt: now, ExpiresAt: now.Add(v.c.Within),
	}
	m, err := v.c.Mailer.Seal(auth.Email{
		Kind: MailKind, To: email, User: storage.User{Email: email, Username: d.Username, Language: d.Language},
		Token: token, Life: v.c.Within,
	})
	if err != nil {
		return storage.Invitation{}, err
	}
	e := event.UserInvited{Email: email, Invitation: i.ID, Context: event.Acting(ctx, event.Context{At: now})}
	if err := v.c.Trail.Tell(ctx, e, v.c.Events); err != nil {
		return storage.Invitation{}, err
	}
	if err := v.c.Store.PutInvitation(ctx, i, m...); err != nil {
		return storage.Invitation{}, err
	}
	v.c.Mailer.Wake()
	return i, nil
}

// Revoke ends the invitation of an address. If there is none, it returns
// storage.ErrNotFound.
func (v *Invitations) Revoke(ctx context.Context, email string) error {
	key := account.Key(email)
	if err := v.c.Store.EndInvitation(ctx, key); err != nil {
		return err
	}
	e := event.InvitationRevoked{Email: email, Context: event.Acting(ctx, event.Context{At: v.c.Now()})}
	return v.c.Trail.Tell(ctx, e, v.c.Events)
}

// List returns the pending invitations, sorted by address.
func (v *Invitations) List(ctx context.Context) (out []storage.Invitation, err error) {
	const batch = 500
	for after := ""; ; after = out[len(out)-1].EmailKey {
		list, err := v.c.Store.ListInvitations(ctx, after, batch, v.c.Now())
		if out = append(out, list...); err != nil || len(list) < batch {
			return out, err
		}
	}
}

// Look returns the invitation of a link and changes nothing. The error is ErrLink.
func (v *Invitations) Look(ctx context.Context, token string) (storage.Invitation, error) {
	i, err := v.c.Store.Invitation(ctx, seal.HashToken(token), v.c.Now())
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrLink
	}
	return i, err
}

// Choice is how the user will open the account of an accepted invitation: with a
// password, with a passkey, or, if that is allowed, with neither.
type Choice struct {
	Password string
	// Passkey returns the passkey as a factor of the account; see auth.Invitations.Key.
	Passkey func(userID string) (storage.Factor, error)
}

// Accept creates the account of an invitation. Its address counts as proven,
// because the link was mailed there. The link is used up in the transaction that
// creates the account, so either both happen or neither does. The error is ErrLink,
// auth.ErrPasswordNeeded, auth.ErrTaken if the address or the username is taken
// by now, or an error of the password.
func (v *Invitations) Accept(ctx context.Context, token string, c Choice, b auth.Client) (storage.User, error) {
	if c.Password == "" && c.Passkey == nil && !v.c.Passwordless {
		return storage.User{}, auth.ErrPasswordNeeded
	}
	i, err := v.Look(ctx, token)
	if err != nil {
		return storage.User{}, err
	}
	d := account.Draft{
		Email: i.Email, Username: i.Username, Password: c.Password, Roles: i.Roles, Language: i.Language,
		Profile: i.Profile, Opens: c.Passkey, Invitation: i.TokenHash,
	}
	if d.Language == "" {
		d.Language = b.Speaks
	}
	if err := v.c.Accounts.Judge(d); err != nil {
		return storage.User{}, err
	}
	u, err := v.c.Accounts.Create(ctx, d)
	switch {
	case errors.Is(err, storage.ErrUsed):
		return storage.User{}, ErrLink
	case errors.Is(err, storage.ErrExists):
		return storage.User{}, auth.ErrTaken
	case err != nil:
		return storage.User{}, err
	}
	return u, v.c.Trail.Tell(ctx, event.InvitationAccepted{
		User:       event.Subject{ID: u.ID, Email: u.Email, Username: u.Username},
		Invitation: i.ID,
		Context:    event.Context{At: v.c.Now(), Address: b.Address, Agent: b.Agent, Request: b.Request},
	}, v.c.Events)
}
