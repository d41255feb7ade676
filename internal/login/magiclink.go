package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/store"
)

// loginKind is a letter with a link that begins a sign-in.
const loginKind = "login"

func (l *Login) loggingIn() purpose {
	return purpose{name: loginKind, life: l.c.Policy.Life.LoginWithin, rests: credentials}
}

// AskLogin mails a link that begins a sign-in, in the place of a password; next
// is for who follows it in this browser. The errors of AskReset, under the same
// terms; an account whose address is not confirmed gets the link that confirms
// it. The budgets are those of codes in place of a password: a link that is used
// gives its place back.
func (l *Login) AskLogin(ctx context.Context, email, next string, b Browser) error {
	to, key, err := account.ParseEmail(email)
	if err != nil {
		return err
	}
	if l.c.Write == nil {
		return ErrSend
	}
	u, why, err := l.addressee(ctx, key)
	if err != nil {
		return err
	}
	if err := humanAfterFailures(ctx, l, u, email, &b); err != nil {
		return err
	}
	decoy := why != nil && !errors.Is(why, ErrUnconfirmed)
	if err := l.sendFirst(ctx, u, limit.First{Channel: store.Email, Identity: typed(key), Decoy: decoy}, b); err != nil {
		return err
	}
	p := l.loggingIn()
	switch {
	case errors.Is(why, ErrUnconfirmed):
		p, next, to = l.confirming(), "", u.Email
	case why != nil:
		u = store.User{}
	default:
		to = u.Email
	}
	if err := l.tell(ctx, event.LoginInstructionsSent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return told(why, l.writeLink(ctx, p, u, to, next, b))
}

// OpenLogin looks at such a link and changes nothing. ErrLink, ErrLinkExpired.
func (l *Login) OpenLogin(ctx context.Context, token string, b Browser) (CodeLink, error) {
	k, err := l.openLink(ctx, l.loggingIn(), token)
	return CodeLink{User: k.user, Elsewhere: !k.sameBrowser(b)}, err
}

// FollowLogin is the click on its button, and a first factor by mail, under the
// terms of FollowCodeLink.
func (l *Login) FollowLogin(ctx context.Context, token string, meant bool, b Browser) (Outcome, error) {
	k, err := l.meantLink(ctx, l.loggingIn(), token, meant, b)
	if err != nil {
		return Outcome{}, err
	}
	if err := l.spendLink(ctx, k); err != nil {
		return Outcome{}, err
	}
	if err := l.answeredFirst(ctx, k.user, store.Email, b); err != nil {
		return Outcome{}, err
	}
	u, err := l.readsMail(ctx, k.user, b)
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.gate(ctx, u, l.proof(store.Email), false, b)
	if k.sameBrowser(b) {
		out.Next = k.Data
	}
	return out, err
}
