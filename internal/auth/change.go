package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// change is a security change of an account. It gives the account a new credential version, which
// ends everything that was issued to it.
type change struct {
	user storage.User
	// notices are stored in the transaction of the change. A notice without a user is for user.
	notices []SecurityNotice
	// apply makes the change and stores the messages in one transaction, if the account still has
	// the credential version of user. It returns the changed account.
	apply func(ctx context.Context, messages []storage.Message) (storage.User, error)
	// event returns the event for the audit trail.
	event func(u storage.User) event.Event
	// If level is set, the caller's new session has this level and these proofs, and is not trusted.
	// Otherwise it has those of the old session.
	level  storage.Level
	proofs []storage.Proof
	// token allows the new session to have a header token, if the request wants one.
	token bool
}

// change makes a security change and records it. It returns the changed account, and ErrState if
// the account has changed meanwhile.
func (l *Login) change(ctx context.Context, c change, b Client) (storage.User, error) {
	var messages []storage.Message
	for _, n := range c.notices {
		if n.User.ID == "" {
			n.User = c.user
		}
		n.Browser = b
		messages = append(messages, l.mail.noticesOf(ctx, n)...)
	}
	u, err := c.apply(ctx, messages)
	// Even after an error the change may have been stored.
	l.c.Sessions.ForgetUser(c.user.ID)
	l.mail.kickOutbox()
	if err != nil {
		return storage.User{}, stateError(err)
	}
	return u, l.tell(ctx, c.event(u))
}

// changeOwn makes a security change for a signed-in user and gives the acting browser a new session.
// All others are invalid. Callers check first that the session is fresh.
func (l *Login) changeOwn(ctx context.Context, who Principal, c change, b Client) (Outcome, error) {
	c.user = who.User
	u, err := l.change(ctx, c, b)
	if err != nil {
		return Outcome{}, err
	}
	b.WantToken = b.WantToken && c.token
	if c.level != 0 {
		return l.renewSession(ctx, granted{user: u, level: c.level, proofs: c.proofs}, who.Session, b)
	}
	return l.renewUnchanged(ctx, u, who, b)
}

// renewUnchanged gives the acting browser a new session with the proofs of the old one.
func (l *Login) renewUnchanged(ctx context.Context, u storage.User, who Principal, b Client) (Outcome, error) {
	s := who.Session
	g := granted{user: u, level: s.Level, proofs: s.Proofs, trusted: s.Trusted, trustedBy: s.TrustedBy}
	return l.renewSession(ctx, g, s, b)
}

// renewSession replaces the acting session after a change of credentials. The change does not make
// the session fresh, because it proves none of the factors that the next change requires.
func (l *Login) renewSession(ctx context.Context, g granted, s storage.Session, b Client) (Outcome, error) {
	g.renews, g.quiet, g.carries = &s, true, true
	out, err := l.finish(ctx, g, b)
	return out, stateError(err)
}

// factorChange returns the apply of a change of factors.
func (l *Login) factorChange(
	u storage.User, c storage.FactorChange,
) func(context.Context, []storage.Message) (storage.User, error) {
	return func(ctx context.Context, messages []storage.Message) (storage.User, error) {
		if err := l.Account.mayChange(u, c); err != nil {
			return storage.User{}, err
		}
		c.UserID, c.From, c.To, c.Now = u.ID, u.CredentialVersion, account.NewUniquifier(), l.c.Now()
		c.Messages = messages
		// codes are removed with the last second factor
		c.EarlyCodes = l.c.Policy.EarlyCodes && len(c.Remove) == 0 && !c.RemoveAll
		if err := l.c.Factors.ChangeFactors(ctx, c); err != nil {
			return storage.User{}, err
		}
		u.CredentialVersion = c.To
		return u, nil
	}
}
