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

// What is wrong with an account (nil: nothing) says whether it gets a letter.
func confirms(_ store.User, why error) bool { return errors.Is(why, ErrUnconfirmed) }
func resets(_ store.User, why error) bool   { return why == nil || errors.Is(why, ErrUnconfirmed) }
func named(u store.User, why error) bool    { return why == nil && u.Username != "" }

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

// linkError: the loser of a race for what a link rests on has a dead link.
func linkError(err error) error {
	if errors.Is(err, store.ErrUsed) || errors.Is(err, store.ErrNotFound) {
		return ErrLink
	}
	return err
}

// afterLink is the end of a link that may sign in: at the gate like every
// other first factor, and only in the browser that asked (R51).
func (l *Login) afterLink(ctx context.Context, allowed bool, k link, u store.User, who *Who, method string, b Browser) (Outcome, error) {
	out := Outcome{User: u}
	if !allowed || !k.sameBrowser(b) || who != nil {
		return out, nil
	}
	next, err := l.gate(ctx, u, l.proof(method), false, b)
	switch {
	// The link has done its work, and an answer that refuses would say it had not.
	case errors.Is(err, ErrSameFactor), errors.Is(err, ErrLocked):
		return out, nil // signing in takes the password, and no lock
	case next.Pending != nil && (paused(err) || errors.Is(err, ErrSend)):
		return next, nil // its code can be asked for again
	}
	return next, err
}

// AskReset mails a link to set a new password. ErrUnknownUser, ErrDisabled,
// ErrLocked and ErrUnconfirmed cost what a success costs, and are for sites that
// tell. An account whose address is not confirmed gets the link that confirms
// it, which then sets a password too.
func (l *Login) AskReset(ctx context.Context, email string, b Browser) error {
	u, to, why, err := l.asked(ctx, resetKind, email, resets, b)
	if err != nil {
		return err
	}
	p := l.resetting()
	switch {
	case errors.Is(why, ErrUnconfirmed):
		p = l.confirming()
	case why != nil:
		u = store.User{}
	}
	if err := l.tell(ctx, event.ResetInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return told(why, l.writeLink(ctx, p, u, to, "", b))
}

// LookReset opens a link to set a new password and changes nothing. ErrLink,
// ErrLinkExpired.
func (l *Login) LookReset(ctx context.Context, token string) (email string, err error) {
	k, err := l.openLink(ctx, l.resetting(), token)
	return k.user.Email, err
}

// Reset sets a new password and ends everything issued to the account. Second
// factors stay, and no one is signed in past them (R21), unless no address of
// the account was ever proven: then this is the first proof, and ends what
// anyone set up before it (R8). A password that is refused does not spend the
// link.
func (l *Login) Reset(ctx context.Context, token, plain string, who *Who, b Browser) (Outcome, error) {
	k, err := l.openLink(ctx, l.resetting(), token)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.admit(k.user); err != nil && !errors.Is(err, ErrUnconfirmed) {
		return Outcome{}, err
	}
	choice, err := l.c.Accounts.Choose(ahead(ctx, l, k.user, byLinkOf(k, b)), k.user, plain)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.spendLink(ctx, k); err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ResetPassword(ctx, k.user, choice, l.letters(ctx, k.user, PasswordReset, "", b))
	if err != nil {
		return Outcome{}, linkError(err)
	}
	l.wake()
	if err := l.firstProven(ctx, k.user); err != nil {
		return Outcome{}, err
	}
	if err := l.tell(ctx, event.PasswordReset{User: subject(u), Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	if who != nil && who.User.ID == u.ID {
		who = nil // that session is over
	}
	out, err := l.afterLink(ctx, l.c.Policy.Life.LoginAfterReset, k, u, who, resetKind, b)
	if err == nil && out.KnownCookie == "" { // the owner reads the account's mail here
		out.KnownCookie, err = l.notes().remember(u, b)
	}
	return out, err
}

// RecoverUsername mails an account's username to its address. The errors of
// AskReset.
func (l *Login) RecoverUsername(ctx context.Context, email string, b Browser) error {
	u, to, why, err := l.asked(ctx, usernameKind, email, named, b)
	if err != nil {
		return err
	}
	if why != nil || u.Username == "" {
		u = store.User{}
	}
	if err := l.tell(ctx, event.UsernameRecoverySent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return told(why, l.write(ctx, Letter{Kind: usernameKind, To: to, User: u, Browser: b, Decoy: u.ID == ""}))
}

// wake has letters sent that a change stored.
func (l *Login) wake() {
	if l.c.Post != nil {
		l.c.Post.Wake()
	}
}
