package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// mayEnroll is called by every step that adds a credential to an account; see policy.MayEnroll. It
// returns ErrUnproven if the address is not proven yet.
func (l Account) mayEnroll(u storage.User) error {
	if !policy.MayEnroll(l.rules, policy.Account{Proven: u.Proven()}) {
		return ErrUnproven
	}
	return nil
}

// mayChange is like mayEnroll, for a change of factors.
func (l Account) mayChange(u storage.User, c storage.FactorChange) error {
	if !policy.MayChange(l.rules, policy.Account{Proven: u.Proven()}, c) {
		return ErrUnproven
	}
	return nil
}

// proves records that the user of an account has also proven access to its mailbox. Sessions stay
// valid, because it is the same person. It records nothing if first, their first factor, proves
// only the mailbox and the account has a password, because another person may have chosen the
// password.
func (l Account) proves(ctx context.Context, u storage.User, first storage.Proof, b Client) (storage.User, error) {
	if u.Proven() || mailboxAlone(u, first) {
		return u, nil
	}
	err := l.c.Accounts.Confirm(ctx, u)
	if errors.Is(err, storage.ErrUsed) { // changed in another browser meanwhile
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

// firstProven resets the budgets of an account that others may have used up, when its address is
// proven for the first time.
func (l Account) firstProven(ctx context.Context, was storage.User) error {
	if was.Proven() {
		return nil
	}
	return l.c.Limits.Proved(ctx, was.ID, was.Email)
}

// readsMail records that a user who started a sign-in with a mailed code or link has proven the
// address. Another person may have chosen the account's password, so if there is one, the address
// stays unproven until both are proven together or the password is reset. If users do not sign in
// with passwords, the password is removed, and so is everything set up before the address was
// proven.
func (l Account) readsMail(ctx context.Context, u storage.User, b Client) (storage.User, error) {
	switch {
	case u.Proven():
		return u, nil
	case u.PasswordHash == "" && u.ProvenKey == "":
		return l.proves(ctx, u, l.proof(storage.Email), b) // users have signed in only with the mailbox
	case u.PasswordHash != "" && !l.c.Policy.Life.ByLink:
		return u, nil
	}
	return l.change(ctx, l.resetChange(u, account.Choice{}, func(u storage.User) event.Event {
		return event.UserConfirmed{User: subject(u), Context: l.at(b)}
	}), b)
}

func mailboxAlone(u storage.User, first storage.Proof) bool {
	return policy.MailboxAlone(policy.Account{Password: u.PasswordHash != ""}, first)
}

// firstProof returns the first proof of a session. A session from a registration may have no proof.
func (l Account) firstProof(s storage.Session) storage.Proof {
	if len(s.Proofs) > 0 {
		return s.Proofs[0]
	}
	return l.proof("register")
}

// AskProof mails a code to the signed-in user's address. Validate checks the code and records the
// proof. If the browser already waits for such a code, nothing is mailed. It returns
// ErrReauthenticate if the user has signed in with the mailbox only and has not proven the
// account's password. With ErrSend and *limit.Paused it also returns an Outcome whose Pending is
// valid.
func (l Account) AskProof(ctx context.Context, cookie *PendingCookie, who Principal, b Client) (Outcome, error) {
	first := l.firstProof(who.Session)
	if mailboxAlone(who.User, first) {
		return Outcome{}, ErrReauthenticate
	}
	if w, err := l.loadPending(ctx, cookie, &who); err == nil && w.State == storage.Owner {
		return Outcome{User: w.user, Pending: l.view(w.Pending, nil)}, nil
	} else if err != nil && !errors.Is(err, ErrState) {
		return Outcome{}, err
	}
	p := storage.Pending{State: storage.Owner, First: first, SessionID: who.Session.ID}
	return l.startPending(ctx, who.User, nil, p, b)
}
