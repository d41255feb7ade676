package auth

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A mailed link is a signed text without a record in the store. So requests of strangers cannot
// fill the store or invalidate a link (R50), and a copy of the database contains no link. Only the
// use of a link is recorded, so that it works once.
//
// newLink creates a link. openLink checks it without using it, for a page with a button, because
// mail scanners also open links (R51). spendLink uses it when the button is clicked.

// purpose is the purpose of a link. A link is accepted only for its own purpose (R136).
type purpose struct {
	name string
	life time.Duration
	// rests returns the data on which the link depends. The link becomes invalid as soon as one
	// value changes (R58).
	rests func(u storage.User) []string
}

// credentials makes a link invalid at every change of the password, the factors, the address or the
// state.
func credentials(u storage.User) []string { return []string{u.CredentialVersion, u.EmailKey} }

// mailbox makes a link invalid at a change of the address or the state, but not of the password or
// the factors.
func mailbox(u storage.User) []string { return []string{u.EmailKey, strconv.FormatBool(u.Active)} }

// nothing is for links that only end sessions and give no access.
func nothing(storage.User) []string { return nil }

// said is the content of a link. Its holder can read it.
type said struct {
	User  string `json:"u"`
	At    int64  `json:"t"` // time of creation, in seconds
	ID    string `json:"i"` // 130 random bits
	Rests []byte `json:"r"` // keyed hash
	Asked string `json:"b,omitempty"`
	Data  string `json:"d,omitempty"`
}

// link is an opened link: it is genuine, has not expired, and the data it depends on has not
// changed.
type link struct {
	purpose purpose
	user    storage.User
	said
}

// newLink returns a link for an account. data is for the step that opens it. b is the browser that
// requested it.
func (l Links) newLink(p purpose, u storage.User, data string, b Client) (string, error) {
	s := said{
		User: u.ID, At: l.c.Now().Unix(), ID: storage.NewID(), Rests: l.c.Keys.MAC("link", p.rests(u)...), Data: data,
	}
	if b.Asked != "" {
		s.Asked = hash(b.Asked)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return l.c.Keys.Sign("link:"+p.name, raw), nil
}

// openLink reads a link without using it. It returns ErrLink or ErrLinkExpired.
func (l Links) openLink(ctx context.Context, p purpose, token string) (link, error) {
	var s said
	raw, err := l.c.Keys.Verify("link:"+p.name, token)
	if err != nil || json.Unmarshal(raw, &s) != nil || s.User == "" || s.ID == "" {
		return link{}, ErrLink
	}
	age := l.c.Now().Sub(time.Unix(s.At, 0))
	if age < -time.Minute { // created by a clock that is ahead: refuse it, or it may never expire
		return link{}, ErrLink
	}
	if age >= p.life {
		return link{}, ErrLinkExpired
	}
	u, err := l.c.Accounts.ByID(ctx, s.User)
	if errors.Is(err, storage.ErrNotFound) {
		return link{}, ErrLink
	}
	if err != nil {
		return link{}, err
	}
	for _, mac := range l.c.Keys.MACs("link", p.rests(u)...) {
		if hmac.Equal(mac, s.Rests) {
			return link{purpose: p, user: u, said: s}, nil
		}
	}
	return link{}, ErrLink
}

// spendLink uses up a link. The first caller succeeds; all others get ErrLink. Call it before
// anything is granted.
func (l Links) spendLink(ctx context.Context, k link) error {
	// The record outlasts the link, even if the clock is set back a little. Its key is the one of
	// versions that kept it among the budgets.
	err := l.c.UsedLinks.UseLink(ctx, limit.OnceKey("link:"+k.ID), l.c.Now().Add(k.purpose.life+time.Hour))
	if errors.Is(err, storage.ErrUsed) {
		return ErrLink
	}
	return err
}

// meantLink opens a link that signs in. In a browser other than the one that requested it, the user
// must confirm; otherwise it returns ErrElsewhere.
func (l Links) meantLink(ctx context.Context, p purpose, token string, meant bool, b Client) (link, error) {
	k, err := l.openLink(ctx, p, token)
	if err == nil && !meant && !k.sameBrowser(b) {
		err = ErrElsewhere
	}
	return k, err
}

// sameBrowser reports whether this browser requested the link.
func (k link) sameBrowser(b Client) bool {
	return k.Asked != "" && b.Asked != "" && hmac.Equal([]byte(k.Asked), []byte(hash(b.Asked)))
}

// writeLink queues a mail with a new link, valid for the purpose's life.
func (l Links) writeLink(ctx context.Context, p purpose, u storage.User, to, data string, b Client) error {
	token, err := l.newLink(p, u, data, b)
	if err != nil {
		return err
	}
	return l.mail.write(ctx, Email{
		Kind: p.name, To: to, User: u, Token: token, Life: p.life, Browser: b, Decoy: u.ID == "",
	})
}

// These functions report whether an account with the given error, or nil, gets a mail.
func confirms(_ storage.User, why error) bool { return errors.Is(why, ErrUnconfirmed) }

func resets(_ storage.User, why error) bool { return why == nil || errors.Is(why, ErrUnconfirmed) }

func named(u storage.User, why error) bool { return why == nil && u.Username != "" }

// linkError converts storage.ErrUsed to ErrLink, because the data that the link depends on has
// changed.
func linkError(err error) error {
	if errors.Is(err, storage.ErrUsed) || errors.Is(err, storage.ErrNotFound) {
		return ErrLink
	}
	return err
}

// afterLink continues after a link that may sign in. It does so only in the browser that requested
// the link, with the checks of every other first factor (R51). The purpose of the link is the method
// of the proof.
func (l Links) afterLink(ctx context.Context, allowed bool, k link, who *Principal, b Client) (Outcome, error) {
	out := Outcome{User: k.user}
	if !allowed || !k.sameBrowser(b) || who != nil {
		return out, nil
	}
	next, err := l.afterFirstFactor(ctx, k.user, l.proof(k.purpose.name), false, b)
	switch {
	// The link has taken effect, so the answer must not look like a failure.
	case errors.Is(err, ErrSameFactor), errors.Is(err, ErrLocked):
		return out, nil // the user must sign in with the password and while not locked
	case next.Pending != nil && (paused(err) || errors.Is(err, ErrSend)):
		return next, nil // the code can be requested again
	}
	return next, err
}

// The kinds of mails. For mails with a link they are also its purpose.
const (
	confirmKind     = policy.Confirmed
	resetKind       = policy.Reset
	changeEmailKind = "change-email"
	// Mails without their own link.
	welcomeKind       = "welcome"
	takenKind         = "taken"          // an attempt to register with this address
	usernameTakenKind = "username-taken" // an attempt to register with this address and a taken username
	emailWantedKind   = "email-wanted"   // another user wants to change to this address
	usernameKind      = "username"
)

func (l Links) confirming() purpose {
	return purpose{name: confirmKind, life: l.c.Policy.Life.ConfirmWithin, rests: mailbox}
}

func (l Links) resetting() purpose {
	return purpose{name: resetKind, life: l.c.Policy.Life.ResetWithin, rests: credentials}
}

func (l Links) changingEmail() purpose {
	return purpose{name: changeEmailKind, life: l.c.Policy.Life.ChangeEmailWithin, rests: credentials}
}

// asked is the first part of every public request for a mail. It takes the budgets of the typed
// address and then looks up the account. why is the problem of the account, if any; the answer must
// not depend on it.
func (l Links) asked(
	ctx context.Context, kind, email string, real func(storage.User, error) bool, b Client,
) (u storage.User, to string, why, err error) {
	to, key, err := account.ParseEmail(email)
	if err != nil {
		return storage.User{}, "", nil, err
	}
	if !l.c.mails() {
		return storage.User{}, "", nil, ErrSend
	}
	if err := l.Guesses.human(ctx, AtReset, &b); err != nil {
		return storage.User{}, "", nil, err
	}
	if u, why, err = l.addressee(ctx, key); err != nil {
		return storage.User{}, "", nil, err
	}
	m := limit.Mail{Kind: kind, Identity: typed(key), Decoy: !real(u, why)}
	if err := l.allowMail(ctx, u, m, b); err != nil {
		return storage.User{}, "", nil, err
	}
	if u.ID != "" { // use the stored address in its stored spelling, never the typed one (R45)
		to = u.Email
	}
	return u, to, why, err
}

// allowMail takes the places of one allowMail that anyone may request.
func (l Links) allowMail(ctx context.Context, u storage.User, m limit.Mail, b Client) error {
	return l.budgets.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.Link(ctx, m)
	})
}

// addressee returns the account with an address, or the zero User, and the problem of the account,
// if any.
func (l Links) addressee(ctx context.Context, key string) (u storage.User, why, err error) {
	u, err = l.c.Accounts.Find(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.User{}, ErrUnknownUser, nil
	case err != nil:
		return storage.User{}, nil, err
	}
	if why = l.checkAllowed(u); errors.Is(why, ErrUnconfirmed) || l.unconfirmed(u) && why == nil {
		why = ErrUnconfirmed
	}
	return u, why, nil
}
