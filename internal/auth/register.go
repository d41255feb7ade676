package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Registration contains the data of a new account that a user registers.
type Registration struct {
	Email    string
	Username string
	Password string
	Fields   map[string]any // profile fields
}

// Register creates an account and continues with the sign-in, so that a required second factor is
// set up before the first session. If addresses must be confirmed, it mails the link instead, and
// the Outcome has neither a session nor a pending. The same applies without a password: the mailbox
// must be proven first, so that a stranger cannot add credentials (R8). ErrTaken and
// ErrUsernameTaken take as long as a success. It also returns ErrPasswordNeeded.
func (l Account) Register(ctx context.Context, r Registration, b Client) (Outcome, error) {
	f := l.c.Policy.Life
	if f.ByLink { // a password could not be used
		r.Password = ""
	}
	passwordless := r.Password == ""
	if passwordless && !f.Keyless && !f.ByLink {
		return Outcome{}, ErrPasswordNeeded
	}
	if err := l.Guesses.human(ctx, AtRegister, &b); err != nil {
		return Outcome{}, err
	}
	mailed := l.c.mails() && (f.Confirm || passwordless || f.Welcome)
	if err := l.c.Limits.Register(ctx, b.Address, mailed); err != nil {
		return Outcome{}, err
	}
	d := account.Draft{
		Email: r.Email, Username: r.Username, Password: r.Password, Unconfirmed: true, Language: b.Speaks,
		Profile: profile.Encode(r.Fields),
	}
	if err := l.mayRegister(ctx, d, l.at(b)); err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.Create(ctx, d)
	if errors.Is(err, storage.ErrExists) {
		return Outcome{}, l.taken(ctx, r, b)
	}
	if err != nil {
		return Outcome{}, err
	}
	made := event.UserRegistered{User: subject(u), Fields: profile.Names(nil, r.Fields), Context: l.at(b)}
	if err := l.tell(ctx, made); err != nil {
		return Outcome{}, err
	}
	switch {
	case f.Confirm:
		err = l.Links.writeLink(ctx, l.Links.confirming(), u, u.Email, registered, b)
	case passwordless:
		err = l.Passwordless.openByMail(ctx, u, b)
	case f.Welcome && l.c.mails():
		err = l.mail.write(ctx, Email{Kind: welcomeKind, To: u.Email, User: u, Browser: b})
	}
	if err != nil {
		return Outcome{}, err
	}
	if passwordless || f.Confirm && !f.Unconfirmed {
		return Outcome{User: u}, nil
	}
	out, err := l.afterFirstFactor(ctx, u, l.proof("register"), false, b)
	if out.Pending != nil && (paused(err) || errors.Is(err, ErrSend)) {
		err = nil // the account exists, and the code can be requested again
	}
	return out, err
}

// taken notifies only the owner of the address. If the address is not confirmed, the owner gets the
// link again, because they may have lost it or another person may have registered the address
// first.
func (l Account) taken(ctx context.Context, r Registration, b Client) error {
	e, refusal := event.UserNotRegistered{Context: l.at(b)}, ErrTaken
	u, err := l.c.Accounts.Find(ctx, r.Email)
	switch {
	case err == nil:
		e.User, e.ExistingEmail = subject(u), true
		if _, err := l.c.Accounts.Find(ctx, r.Username); r.Username != "" && err == nil {
			e.ExistingUsername, refusal = true, errors.Join(ErrTaken, ErrUsernameTaken)
		}
	case errors.Is(err, storage.ErrNotFound):
		e.ExistingUsername, refusal = true, ErrUsernameTaken
	default:
		return err
	}
	if err := l.tell(ctx, e); err != nil {
		return err
	}
	if !l.c.mails() {
		return refusal
	}
	// Repeated registrations with the same address must not fill its mailbox.
	to, key, err := account.ParseEmail(r.Email)
	if err != nil {
		return err
	}
	m := Email{Kind: usernameTakenKind, To: to, User: storage.User{Email: to, Username: r.Username}, Browser: b}
	if e.ExistingEmail {
		m = Email{Kind: takenKind, To: u.Email, User: u, Browser: b}
	}
	f := l.c.Policy.Life
	counted := f.Confirm || f.Welcome || r.Password == "" // counted with the registration
	err = l.Links.allowMail(ctx, u, limit.Mail{Kind: takenKind, Identity: typed(key), Paid: counted}, b)
	if m.Decoy = paused(err); err != nil && !m.Decoy {
		return err
	}
	if e.ExistingEmail && l.unconfirmed(u) && u.Active && !m.Decoy {
		return recordedOr(refusal, l.Links.writeLink(ctx, l.Links.confirming(), u, u.Email, "", b))
	}
	return recordedOr(refusal, l.mail.write(ctx, m))
}
