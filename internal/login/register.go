package login

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/store"
)

// Life is what the operator decided about accounts and their links. The zero
// value: addresses need no confirmation, and no link signs anybody in.
type Life struct {
	// Confirm: an account signs in only when its address was confirmed;
	// Unconfirmed lets it in before, without second factors (R8).
	Confirm, Unconfirmed bool
	// How long links work. Zero: two days, one hour, two hours.
	ConfirmWithin, ResetWithin, ChangeEmailWithin time.Duration
	// LoginAfterConfirm and LoginAfterReset send anyone who used a link in the browser
	// that asked for it on to the gate, with the mailbox as first factor.
	LoginAfterConfirm, LoginAfterReset bool
	// Keyless: people may register without a password. Such an account is opened
	// by its mailbox.
	Keyless bool
	// ByLink: a mailed link stands in the password's place, for LoginWithin (zero:
	// ten minutes). Anyone who registers chooses no password.
	ByLink      bool
	LoginWithin time.Duration
	// Welcome: a new account is greeted by mail.
	Welcome bool
	// OnRegister and OnSignIn may refuse an account to be made, and a sign-in.
	OnRegister, OnSignIn Hook
	// Locked is the application's own reason to keep an account out; nil: none.
	Locked func(u store.User) bool
}

func (f Life) withDefaults() Life {
	for d, def := range map[*time.Duration]time.Duration{
		&f.ConfirmWithin: 48 * time.Hour, &f.ResetWithin: time.Hour, &f.ChangeEmailWithin: 2 * time.Hour, &f.LoginWithin: 10 * time.Minute,
	} {
		if *d == 0 {
			*d = def
		}
	}
	return f
}

// The kinds of letters, which are the purposes of those with a link.
const (
	confirmKind     = policy.Confirmed
	resetKind       = policy.Reset
	changeEmailKind = "change-email"
	// Letters without a link of their own.
	welcomeKind       = "welcome"
	takenKind         = "taken"          // someone registered with this address
	usernameTakenKind = "username-taken" // someone registered with this address and a username that is taken
	emailWantedKind   = "email-wanted"   // someone wants to change to this address
	usernameKind      = "username"
)

func (l *Login) confirming() purpose {
	return purpose{name: confirmKind, life: l.c.Policy.Life.ConfirmWithin, rests: mailbox}
}

func (l *Login) resetting() purpose {
	return purpose{name: resetKind, life: l.c.Policy.Life.ResetWithin, rests: credentials}
}

func (l *Login) changingEmail() purpose {
	return purpose{name: changeEmailKind, life: l.c.Policy.Life.ChangeEmailWithin, rests: credentials}
}

// admit says whether an account may be signed in to at all. It is asked after
// a right first factor only, so it tells strangers nothing (R122).
func (l *Login) admit(u store.User) error {
	f := l.c.Policy.Life
	switch {
	case !u.Active:
		return ErrDisabled
	case f.Confirm && !f.Unconfirmed && u.ConfirmedAt.IsZero():
		return ErrUnconfirmed
	case f.Locked != nil && f.Locked(u):
		return ErrLocked
	}
	return nil
}

// unconfirmed reports whether the account waits for its address to be confirmed.
func (l *Login) unconfirmed(u store.User) bool {
	return l.c.Policy.Life.Confirm && u.ConfirmedAt.IsZero()
}

// asked is how every request for a letter begins that anybody may make: the
// budgets first, by what was typed; then the account, or no one. why says what
// is wrong with the account; the answer must not depend on it.
func (l *Login) asked(ctx context.Context, kind, email string, real func(store.User, error) bool, b Browser) (u store.User, to string, why, err error) {
	to, key, err := account.ParseEmail(email)
	if err != nil {
		return store.User{}, "", nil, err
	}
	if l.c.Write == nil {
		return store.User{}, "", nil, ErrSend
	}
	if err := human(ctx, l, AtReset, &b); err != nil {
		return store.User{}, "", nil, err
	}
	if u, why, err = l.addressee(ctx, key); err != nil {
		return store.User{}, "", nil, err
	}
	m := limit.Letter{Kind: kind, Identity: typed(key), Decoy: !real(u, why)}
	if err := l.letter(ctx, u, m, b); err != nil {
		return store.User{}, "", nil, err
	}
	if u.ID != "" { // to the stored address in its stored spelling, never to the typed one (R45)
		to = u.Email
	}
	return u, to, why, err
}

// letter takes the places of one letter that anybody may ask for.
func (l *Login) letter(ctx context.Context, u store.User, m limit.Letter, b Browser) error {
	return l.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.Link(ctx, m)
	})
}

// addressee is the account behind an address, or no one, and what is wrong with
// it.
func (l *Login) addressee(ctx context.Context, key string) (u store.User, why, err error) {
	u, err = l.c.Accounts.Find(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.User{}, ErrUnknownUser, nil
	case err != nil:
		return store.User{}, nil, err
	}
	if why = l.admit(u); errors.Is(why, ErrUnconfirmed) || l.unconfirmed(u) && why == nil {
		why = ErrUnconfirmed
	}
	return u, why, nil
}

// Registration is an account that someone makes for themselves.
type Registration struct {
	Email    string
	Username string
	Password string
	Fields   map[string]any // of the profile
}

// Register makes an account and goes on to the gate, so that a required second
// factor is set up before the first session. Where addresses are confirmed it
// mails the link instead: then the Outcome has neither session nor pending. Nor
// has it without a password, as nothing has been proven that opens the account:
// the mailbox comes first, so there is no one who could plant anything (R8).
// ErrTaken and ErrUsernameTaken cost what a success costs; ErrPasswordNeeded.
func (l *Login) Register(ctx context.Context, r Registration, b Browser) (Outcome, error) {
	f := l.c.Policy.Life
	if f.ByLink { // none would open anything
		r.Password = ""
	}
	keyless := r.Password == ""
	if keyless && !f.Keyless && !f.ByLink {
		return Outcome{}, ErrPasswordNeeded
	}
	if err := human(ctx, l, AtRegister, &b); err != nil {
		return Outcome{}, err
	}
	letter := l.c.Write != nil && (f.Confirm || keyless || f.Welcome)
	if err := l.c.Limits.Register(ctx, b.Address, letter); err != nil {
		return Outcome{}, err
	}
	d := account.Draft{
		Email: r.Email, Username: r.Username, Password: r.Password, Unconfirmed: true, Language: b.Speaks,
		Profile: profile.Encode(r.Fields),
	}
	if err := mayRegister(ctx, l, d, l.at(b)); err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.Create(ctx, d)
	if errors.Is(err, store.ErrExists) {
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
		err = l.writeLink(ctx, l.confirming(), u, u.Email, registered, b)
	case keyless:
		err = l.openByMail(ctx, u, b)
	case f.Welcome && l.c.Write != nil:
		err = l.write(ctx, Letter{Kind: welcomeKind, To: u.Email, User: u, Browser: b})
	}
	if err != nil {
		return Outcome{}, err
	}
	if keyless || f.Confirm && !f.Unconfirmed {
		return Outcome{User: u}, nil
	}
	out, err := l.gate(ctx, u, l.proof("register"), false, b)
	if out.Pending != nil && (paused(err) || errors.Is(err, ErrSend)) {
		err = nil // the account is made, and the code can be asked for again
	}
	return out, err
}

// taken tells the owner of the address, and no one else. Where it is
// not confirmed, its owner gets the link once more: he may have lost it, or be
// the one whose address someone else registered first.
func (l *Login) taken(ctx context.Context, r Registration, b Browser) error {
	e, refusal := event.UserNotRegistered{Context: l.at(b)}, ErrTaken
	u, err := l.c.Accounts.Find(ctx, r.Email)
	switch {
	case err == nil:
		e.User, e.ExistingEmail = subject(u), true
		if _, err := l.c.Accounts.Find(ctx, r.Username); r.Username != "" && err == nil {
			e.ExistingUsername, refusal = true, errors.Join(ErrTaken, ErrUsernameTaken)
		}
	case errors.Is(err, store.ErrNotFound):
		e.ExistingUsername, refusal = true, ErrUsernameTaken
	default:
		return err
	}
	if err := l.tell(ctx, e); err != nil {
		return err
	}
	if l.c.Write == nil {
		return refusal
	}
	// Anyone who registers the same address again and again must not fill its box.
	to, key, err := account.ParseEmail(r.Email)
	if err != nil {
		return err
	}
	m := Letter{Kind: usernameTakenKind, To: to, User: store.User{Email: to, Username: r.Username}, Browser: b}
	if e.ExistingEmail {
		m = Letter{Kind: takenKind, To: u.Email, User: u, Browser: b}
	}
	f := l.c.Policy.Life
	counted := f.Confirm || f.Welcome || r.Password == "" // with the registration
	err = l.letter(ctx, u, limit.Letter{Kind: takenKind, Identity: typed(key), Paid: counted}, b)
	if m.Decoy = paused(err); err != nil && !m.Decoy {
		return err
	}
	if e.ExistingEmail && l.unconfirmed(u) && u.Active && !m.Decoy {
		return told(refusal, l.writeLink(ctx, l.confirming(), u, u.Email, "", b))
	}
	return told(refusal, l.write(ctx, m))
}
