package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

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
