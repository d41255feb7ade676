package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// AskReset mails a link to set a new password. ErrUnknownUser, ErrDisabled, ErrLocked and
// ErrUnconfirmed take as long as a success and are for sites that reveal accounts. An account whose
// address is not confirmed gets the link that confirms it, which also sets a password.
func (l Account) AskReset(ctx context.Context, email string, b Client) error {
	u, to, why, err := l.Links.asked(ctx, resetKind, email, resets, b)
	if err != nil {
		return err
	}
	p := l.Links.resetting()
	switch {
	case errors.Is(why, ErrUnconfirmed):
		p = l.Links.confirming()
	case why != nil:
		u = storage.User{}
	}
	if err := l.tell(ctx, event.ResetInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return recordedOr(why, l.Links.writeLink(ctx, p, u, to, "", b))
}

// LookReset checks a link to set a new password without using it. It returns ErrLink or
// ErrLinkExpired.
func (l Account) LookReset(ctx context.Context, token string) (email string, err error) {
	k, err := l.Links.openLink(ctx, l.Links.resetting(), token)
	return k.user.Email, err
}

// resetChange is the change of a password by a user who has proven the mailbox.
func (l Account) resetChange(u storage.User, choice account.Choice, e func(u storage.User) event.Event) change {
	return change{
		user: u, notices: []SecurityNotice{{Kind: PasswordReset}}, event: e,
		apply: func(ctx context.Context, messages []storage.Message) (storage.User, error) {
			changed, err := l.c.Accounts.ResetPassword(ctx, u, choice, messages)
			if err != nil {
				return changed, linkError(err)
			}
			return changed, l.firstProven(ctx, u)
		},
	}
}

// Reset sets a new password and ends everything issued to the account. Second factors stay and are
// still required (R21). But if no address of the account was ever proven, this is the first proof,
// and everything set up before is removed (R8). A refused password does not use up the link.
func (l Account) Reset(ctx context.Context, token, plain string, who *Principal, b Client) (Outcome, error) {
	k, err := l.Links.openLink(ctx, l.Links.resetting(), token)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.checkAllowed(k.user); err != nil && !errors.Is(err, ErrUnconfirmed) {
		return Outcome{}, err
	}
	choice, err := l.c.Accounts.Choose(l.Guesses.ahead(ctx, k.user, byLinkOf(k, b)), k.user, plain)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.Links.spendLink(ctx, k); err != nil {
		return Outcome{}, err
	}
	u, err := l.change(ctx, l.resetChange(k.user, choice, func(u storage.User) event.Event {
		return event.PasswordReset{User: subject(u), Context: l.at(b)}
	}), b)
	if err != nil {
		return Outcome{}, err
	}
	if who != nil && who.User.ID == u.ID {
		who = nil // that session has ended
	}
	k.user = u
	out, err := l.Links.afterLink(ctx, l.c.Policy.Life.LoginAfterReset, k, who, b)
	if err == nil && out.KnownCookie == "" { // the owner reads the account's mail in this browser
		out.KnownCookie, err = l.Sessions.notes().add(u, b)
	}
	return out, err
}
