package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// AskConfirm mails another link to confirm an address. ErrUnknownUser and
// ErrConfirmed cost what a success costs, and are for sites that tell.
func (l *Login) AskConfirm(ctx context.Context, email string, b Browser) error {
	u, to, why, err := l.asked(ctx, confirmKind, email, confirms, b)
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
		u = store.User{}
	}
	if err := l.tell(ctx, event.ConfirmInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return told(why, l.writeLink(ctx, l.confirming(), u, to, "", b))
}

// registered marks the link that a registration has mailed. Links that were
// asked for later lack it: anyone who asks for one may be the owner of an address
// that someone else has registered, with a password of their own (R8).
const registered = "registered"

// ownLink says whether anyone who opens a link to confirm an address is the one
// who registered it: in the browser that did, or signed in as that account.
func ownLink(k link, who *Who, b Browser) bool {
	return k.Data == registered && k.sameBrowser(b) || who != nil && who.User.ID == k.user.ID
}

// LookConfirm opens a link to confirm an address and changes nothing. choose
// says that a password must be chosen with it, here that the link was asked for
// in this browser. ErrLink, ErrLinkExpired, ErrConfirmed.
func (l *Login) LookConfirm(ctx context.Context, token string, who *Who, b Browser) (choose, here bool, err error) {
	k, err := l.openConfirm(ctx, token)
	if err != nil {
		return false, false, err
	}
	return !ownLink(k, who, b) && !l.keyless(k.user), k.sameBrowser(b), nil
}

func (l *Login) openConfirm(ctx context.Context, token string) (link, error) {
	k, err := l.openLink(ctx, l.confirming(), token)
	if err == nil && !k.user.ConfirmedAt.IsZero() {
		err = ErrConfirmed
	}
	return k, err
}

// Confirm confirms an address. In another browser than the one that registered
// it, a new password replaces the one that was there, and everything set
// up so far goes: anyone who reads the mail may not be the one who registered
// (R8). ErrPasswordNeeded: there is none; the link is not spent.
func (l *Login) Confirm(ctx context.Context, token, plain string, who *Who, b Browser) (Outcome, error) {
	k, err := l.openConfirm(ctx, token)
	if err != nil {
		return Outcome{}, err
	}
	u := k.user
	if !u.Active {
		return Outcome{}, ErrDisabled
	}
	if ownLink(k, who, b) {
		if err = l.spendLink(ctx, k); err == nil {
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
	return l.afterLink(ctx, l.c.Policy.Life.LoginAfterConfirm, k, u, who, confirmKind, b)
}

// takeOver gives an account to anyone who reads its mail. No one knows a password
// of one that has none: it may stay so.
func (l *Login) takeOver(ctx context.Context, k link, plain string) (store.User, error) {
	if plain == "" && !l.keyless(k.user) {
		return store.User{}, ErrPasswordNeeded
	}
	choice, err := account.Choice{}, error(nil)
	if plain != "" {
		choice, err = l.c.Accounts.Choose(ctx, k.user, plain)
	}
	if err != nil {
		return store.User{}, err
	}
	if err := l.spendLink(ctx, k); err != nil {
		return store.User{}, err
	}
	return l.c.Accounts.ResetPassword(ctx, k.user, choice, nil)
}
