package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// AskConfirm mails another link to confirm an address. ErrUnknownUser and ErrConfirmed take as long
// as a success and are for sites that reveal accounts.
func (l Account) AskConfirm(ctx context.Context, email string, b Client) error {
	u, to, why, err := l.Links.asked(ctx, confirmKind, email, confirms, b)
	if err != nil {
		return err
	}
	switch {
	case errors.Is(why, ErrUnconfirmed):
		why = nil
	case why == nil:
		why = ErrConfirmed
	}
	if why != nil {
		u = storage.User{}
	}
	if err := l.tell(ctx, event.ConfirmInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return recordedOr(why, l.Links.writeLink(ctx, l.Links.confirming(), u, to, "", b))
}

// registered marks the link mailed by a registration. Links that were requested later do not have
// the mark, because the person who requests one may be the owner of an address that another person
// has registered with a password (R8).
const registered = "registered"

// ownLink reports whether the person who opens a link to confirm an address is the one who
// registered it: they use the same browser or are signed in to the account.
func ownLink(k link, who *Principal, b Client) bool {
	return k.Data == registered && k.sameBrowser(b) || who != nil && who.User.ID == k.user.ID
}

// LookConfirm checks a link to confirm an address without using it. choose reports whether a new
// password must be chosen, and here whether the link was requested in this browser. It returns
// ErrLink, ErrLinkExpired or ErrConfirmed.
func (l Account) LookConfirm(ctx context.Context, token string, who *Principal,
	b Client) (choose, here bool, err error) {
	k, err := l.openConfirm(ctx, token)
	if err != nil {
		return false, false, err
	}
	return !ownLink(k, who, b) && !l.Passwordless.passwordless(k.user), k.sameBrowser(b), nil
}

func (l Account) openConfirm(ctx context.Context, token string) (link, error) {
	k, err := l.Links.openLink(ctx, l.Links.confirming(), token)
	if err == nil && !k.user.ConfirmedAt.IsZero() {
		err = ErrConfirmed
	}
	return k, err
}

// Confirm confirms an address. In a browser other than the one that registered it, a new password
// replaces the old one and all other credentials are removed, because the reader of the mail may
// not be the person who registered (R8). If no password is given, Confirm returns ErrPasswordNeeded
// and the link stays valid.
func (l Account) Confirm(ctx context.Context, token, plain string, who *Principal, b Client) (Outcome, error) {
	k, err := l.openConfirm(ctx, token)
	if err != nil {
		return Outcome{}, err
	}
	u := k.user
	if !u.Active {
		return Outcome{}, ErrDisabled
	}
	if ownLink(k, who, b) {
		if err = l.Links.spendLink(ctx, k); err == nil {
			err = l.c.Accounts.Confirm(ctx, u)
		}
	} else {
		u, err = l.takeOver(ctx, k, plain)
	}
	if err != nil {
		return Outcome{}, linkError(err)
	}
	if err := l.firstProven(ctx, k.user); err != nil {
		return Outcome{}, err
	}
	u.ConfirmedAt, u.ProvenKey = l.c.Now(), u.EmailKey
	if err := l.tell(ctx, event.UserConfirmed{User: subject(u), Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	k.user = u
	return l.Links.afterLink(ctx, l.c.Policy.Life.LoginAfterConfirm, k, who, b)
}

// takeOver gives an account to the person who reads its mail. An account without a password may
// stay without one.
func (l Account) takeOver(ctx context.Context, k link, plain string) (storage.User, error) {
	if plain == "" && !l.Passwordless.passwordless(k.user) {
		return storage.User{}, ErrPasswordNeeded
	}
	choice, err := account.Choice{}, error(nil)
	if plain != "" {
		choice, err = l.c.Accounts.Choose(ctx, k.user, plain)
	}
	if err != nil {
		return storage.User{}, err
	}
	if err := l.Links.spendLink(ctx, k); err != nil {
		return storage.User{}, err
	}
	return l.c.Accounts.ResetPassword(ctx, k.user, choice, nil)
}
