package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// loginKind is a mail with a link that starts a sign-in.
const loginKind = "login"

func (l Passwordless) loggingIn() purpose {
	return purpose{name: loginKind, life: l.c.Policy.Life.LoginWithin, rests: credentials}
}

// AskLogin mails a link that replaces the password at a sign-in. next is the target if the link is
// followed in this browser. It returns the errors of AskReset under the same conditions. An account
// whose address is not confirmed gets the link that confirms it. The link counts in the budgets of
// codes that replace a password, and a used link returns its place.
func (l Passwordless) AskLogin(ctx context.Context, email, next string, b Client) error {
	to, key, err := account.ParseEmail(email)
	if err != nil {
		return err
	}
	if !l.c.mails() {
		return ErrSend
	}
	u, why, err := l.Links.addressee(ctx, key)
	if err != nil {
		return err
	}
	if err := l.Guesses.humanAfterFailures(ctx, u, email, &b); err != nil {
		return err
	}
	decoy := why != nil && !errors.Is(why, ErrUnconfirmed)
	if err := l.budgets.sendFirst(ctx, u, limit.First{Channel: storage.Email, Identity: typed(key), Decoy: decoy},
		b); err != nil {
		return err
	}
	p := l.loggingIn()
	switch {
	case errors.Is(why, ErrUnconfirmed):
		p, next, to = l.Links.confirming(), "", u.Email
	case why != nil:
		u = storage.User{}
	default:
		to = u.Email
	}
	if err := l.tell(ctx, event.LoginInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return recordedOr(why, l.Links.writeLink(ctx, p, u, to, next, b))
}

// OpenLogin checks such a link without using it. It returns ErrLink or ErrLinkExpired.
func (l Passwordless) OpenLogin(ctx context.Context, token string, b Client) (CodeLink, error) {
	k, err := l.Links.openLink(ctx, l.loggingIn(), token)
	return CodeLink{User: k.user, Elsewhere: !k.sameBrowser(b)}, err
}

// FollowLogin uses such a link as a first factor by mail, under the conditions of FollowCodeLink.
func (l Passwordless) FollowLogin(ctx context.Context, token string, meant bool, b Client) (Outcome, error) {
	k, err := l.Links.meantLink(ctx, l.loggingIn(), token, meant, b)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.Links.spendLink(ctx, k); err != nil {
		return Outcome{}, err
	}
	if err := l.budgets.answeredFirst(ctx, k.user, storage.Email, b); err != nil {
		return Outcome{}, err
	}
	u, err := l.Account.readsMail(ctx, k.user, b)
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.afterFirstFactor(ctx, u, l.proof(storage.Email), false, b)
	if k.sameBrowser(b) {
		out.Next = k.Data
	}
	return out, err
}
