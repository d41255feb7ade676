package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// Whether an account's address was proven is a fact (store.User.Proven), not a
// setting. Anyone can register an address of someone else. So until a code or
// link that was mailed to the address has come back, nothing is added to the
// account that opens it or is asked for to open it: its owner would find it
// there after the first reset of the password. Operators, imports and
// applications that create accounts vouch for the address.

// mayEnroll is asked by everything that adds to an account: second factors,
// factors that begin a sign-in, passkeys, recovery codes, accounts at other
// sites, personal and refresh tokens. ErrUnproven: the address is not proven
// yet. Where no mail is sent, nobody could prove it, and nothing is refused.
func (l *Login) mayEnroll(u store.User) error {
	if l.c.Write == nil || l.c.RescueCodes == nil || u.Proven() {
		return nil
	}
	return ErrUnproven
}

// mayAdd is mayEnroll for a factor. One by mail is proof itself: it is added
// after its code came back. One that takes the place of another second factor
// adds nothing.
func (l *Login) mayAdd(u store.User, c store.FactorChange) error {
	switch {
	case c.Add == nil && c.Codes == nil:
		return nil
	case c.Add != nil && c.Add.Method == store.Email:
		return nil
	case c.Add != nil && c.Add.Usage != store.UseFirst && len(c.Remove) > 0:
		return nil
	}
	return l.mayEnroll(u)
}

// proves records that whoever acts for an account has also shown that they read
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

// readsMail records that whoever began a sign-in with what was mailed to an
// account has proven its address. They need not be the one who chose its
// password: with a password, the address stays unproven until both come
// together or the password is reset. Where nobody signs in with a password, it
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

// mailboxAlone reports whether a first proof shows that its user reads the mail of
// an account, and not that they know its password.
func mailboxAlone(u store.User, first store.Proof) bool {
	return throughMailbox(first.Method) && u.PasswordHash != ""
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
// nothing is mailed. ErrReauthenticate: whoever reads the mail has not shown that
// they know the account's password. ErrSend and *limit.Paused together with an
// Outcome whose Pending stands.
func (l *Login) AskProof(ctx context.Context, who Who, b Browser) (Outcome, error) {
	first := l.firstProof(who.Session)
	if mailboxAlone(who.User, first) {
		return Outcome{}, ErrReauthenticate
	}
	if w, err := l.waiting(ctx, b.Pending, &who); err == nil && w.State == store.Owner {
		return Outcome{User: w.user, Pending: view(w.Pending, nil)}, nil
	} else if err != nil && !errors.Is(err, ErrState) {
		return Outcome{}, err
	}
	p := store.Pending{State: store.Owner, First: first, SessionID: who.Session.ID}
	return l.startPending(ctx, who.User, nil, p, b)
}
