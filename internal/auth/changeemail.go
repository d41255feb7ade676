package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// AskChangeEmail mails a link to the address that the caller wants, and a notice to the current
// address. ErrTaken takes as long as a success and is for sites that reveal accounts; the owner of
// the taken address is also notified (R125).
func (l Account) AskChangeEmail(ctx context.Context, who Principal, email string, b Client) error {
	if err := l.Reauth.RequireFresh(ctx, who, l.c.Policy.Freshness); err != nil {
		return err
	}
	if !l.c.mails() {
		return ErrSend
	}
	to, key, err := account.ParseNewEmail(email)
	if err != nil {
		return err
	}
	if err := l.c.Limits.ChangeLetter(ctx, changeEmailKind, who.User.ID, key); err != nil {
		return err
	}
	e := event.ChangeEmailInstructionsSent{User: subject(who.User), NewEmail: to, Context: l.at(b)}
	owner, err := l.c.Accounts.Find(ctx, key)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	e.Refused = err == nil
	if err := l.tell(ctx, e); err != nil {
		return err
	}
	l.mail.notify(ctx, who.User, EmailWanted, "", b)
	if e.Refused {
		m := Email{Kind: emailWantedKind, To: owner.Email, User: owner, Browser: b}
		return recordedOr(ErrTaken, l.mail.write(ctx, m))
	}
	if err := l.Links.writeLink(ctx, l.Links.changingEmail(), who.User, to, to, b); err != nil {
		return err
	}
	return l.useFreshness(ctx, who)
}

// LookChangeEmail checks a link to change an address without using it. It reports whether the link
// was requested in this browser. It returns ErrLink, ErrLinkExpired or ErrNotAsked.
func (l Account) LookChangeEmail(ctx context.Context, token string, who *Principal, b Client) (here bool, err error) {
	k, err := l.emailLink(ctx, token, who)
	return err == nil && k.sameBrowser(b), err
}

// ChangeEmail replaces the address with the one to which the link was mailed. The account must be
// signed in in this browser: then its user also reads the new mailbox, so all credentials stay.
// Without a session, a click could give a person's address to an account that contains another
// person's credentials. ChangeEmail returns ErrLink also if the address has been taken since, and
// ErrNotAsked.
func (l Account) ChangeEmail(ctx context.Context, token string, who *Principal, b Client) (Outcome, error) {
	k, err := l.emailLink(ctx, token, who)
	if err != nil {
		return Outcome{}, err
	}
	caller := *who // the link requires no fresh proof, so the session may be trusted
	if caller.Session.TrustedBy, err = keepTrust(ctx, &l.c, caller.Session); err != nil {
		return Outcome{}, err
	}
	if err := l.Links.spendLink(ctx, k); err != nil {
		return Outcome{}, err
	}
	caller.User = k.user
	next := k.user
	next.Email = k.Data
	return l.changeOwn(ctx, caller, change{
		notices: []SecurityNotice{{Kind: IdentityChanged}, {Kind: IdentityChanged, User: next}},
		apply: func(ctx context.Context, messages []storage.Message) (storage.User, error) {
			u, err := l.c.Accounts.ChangeEmail(ctx, k.user, k.Data, messages)
			if errors.Is(err, storage.ErrExists) || errors.Is(err, account.ErrEmail) {
				err = ErrLink
			}
			return u, linkError(err)
		},
		event: func(u storage.User) event.Event {
			return event.ChangeEmailConfirmed{User: subject(u), OldEmail: k.user.Email, Context: l.at(b)}
		},
		token: true,
	}, b)
}

// emailLink opens a link to change an address, for the account that requested it.
func (l Account) emailLink(ctx context.Context, token string, who *Principal) (link, error) {
	k, err := l.Links.openLink(ctx, l.Links.changingEmail(), token)
	if err == nil && (who == nil || who.User.ID != k.user.ID) {
		err = ErrNotAsked
	}
	return k, err
}
