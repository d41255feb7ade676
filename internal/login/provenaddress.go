package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// mayEnroll is asked by everything that adds to an account; see policy.MayEnroll.
// ErrUnproven: the address is not proven yet.
func (l *Login) mayEnroll(u store.User) error {
	if !policy.MayEnroll(l.rules, policy.Account{Proven: u.Proven()}) {
		return ErrUnproven
	}
	return nil
}

// mayChange is mayEnroll for a change of factors.
func (l *Login) mayChange(u store.User, c store.FactorChange) error {
	if !policy.MayChange(l.rules, policy.Account{Proven: u.Proven()}, c) {
		return ErrUnproven
	}
	return nil
}

// proves records that anyone who acts for an account has also shown that they read
// its mail. It ends nothing: it is the same person. It records nothing if first,
// what they came in by, shows no more than the mailbox and the account has a
// password: the one who chose it may be another person.
func (l *Login) proves(ctx context.Context, u store.User, first store.Proof, b Browser) (store.User, error) {
	if u.Proven() || mailboxAlone(u, first) {
		return u, nil
	}
	err := l.c.Accounts.Confirm(ctx, u)
	if errors.Is(err, store.ErrUsed) { // in another browser meanwhile
		return l.c.Accounts.ByID(ctx, u.ID)
	}
	if err != nil {
		return u, err
	}
	if err := l.firstProven(ctx, u); err != nil {
		return u, err
	}
	u.ProvenKey = u.EmailKey
	if u.ConfirmedAt.IsZero() {
		u.ConfirmedAt = l.c.Now()
	}
	return u, l.tell(ctx, event.UserConfirmed{User: subject(u), Context: l.at(b)})
}

// firstProven forgets what others may have used up on an account, when its
// address has just been proven and was not before.
func (l *Login) firstProven(ctx context.Context, was store.User) error {
	if was.Proven() {
		return nil
	}
	return l.c.Limits.Proved(ctx, was.ID, was.Email)
}

// readsMail records that anyone who began a sign-in with what was mailed to an
// account has proven its address. They need not be the one who chose its
// password: with a password, the address stays unproven until both come
// together or the password is reset. Where no one signs in with a password, it
// goes, and so does what was set up before an address was proven.
func (l *Login) readsMail(ctx context.Context, u store.User, b Browser) (store.User, error) {
	switch {
	case u.Proven():
		return u, nil
	case u.PasswordHash == "" && u.ProvenKey == "":
		return l.proves(ctx, u, l.proof(store.Email), b) // only its mailbox ever let anyone in
	case u.PasswordHash != "" && !l.c.Policy.Life.ByLink:
		return u, nil
	}
	was := u
	u, err := l.c.Accounts.ResetPassword(ctx, u, account.Choice{}, l.letters(ctx, u, PasswordReset, "", b))
	if err != nil {
		return u, linkError(err)
	}
	l.wake()
	if err := l.firstProven(ctx, was); err != nil {
		return u, err
	}
	return u, l.tell(ctx, event.UserConfirmed{User: subject(u), Context: l.at(b)})
}

func mailboxAlone(u store.User, first store.Proof) bool {
	return policy.MailboxAlone(policy.Account{Password: u.PasswordHash != ""}, first)
}

// firstProof is what a session began with. A session that a registration opened
// may have no proof.
func (l *Login) firstProof(s store.Session) store.Proof {
	if len(s.Proofs) > 0 {
		return s.Proofs[0]
	}
	return l.proof("register")
}

// AskProof mails a code to the signed-in user's address, and Validate takes it
// and records the proof. A browser in which such a code is awaited keeps it, and
// nothing is mailed. ErrReauthenticate: anyone who reads the mail has not shown that
// they know the account's password. ErrSend and *limit.Paused together with an
// Outcome whose Pending stands.
func (l *Login) AskProof(ctx context.Context, who Who, b Browser) (Outcome, error) {
	first := l.firstProof(who.Session)
	if mailboxAlone(who.User, first) {
		return Outcome{}, ErrReauthenticate
	}
	if w, err := l.waiting(ctx, b.Pending, &who); err == nil && w.State == store.Owner {
		return Outcome{User: w.user, Pending: view(l, w.Pending, nil)}, nil
	} else if err != nil && !errors.Is(err, ErrState) {
		return Outcome{}, err
	}
	p := store.Pending{State: store.Owner, First: first, SessionID: who.Session.ID}
	return l.startPending(ctx, who.User, nil, p, b)
}
