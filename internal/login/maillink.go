package login

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
	"github.com/twofold-auth/twofold/store"
)

// A mailed link is a signed text and no record: asking for one leaves nothing
// behind that a stranger could fill up or spoil (R50), and a copy of the
// database opens none. What is written down is its use: each works once.
//
// The life of a link in three calls: newLink makes it, openLink says whose it
// is and spends nothing (a page with a button: scanners of mail open links
// too, R51), spendLink is the click on the button.

// purpose says what a link is for. No purpose takes a link of another (R136).
type purpose struct {
	name string
	life time.Duration
	// rests are the facts that the link rests on: it is dead as soon as one of
	// them is another (R58).
	rests func(u store.User) []string
}

// credentials: the link dies with everything else that was issued, at every
// change of password, factors, address or state.
func credentials(u store.User) []string { return []string{u.Uniquifier, u.EmailKey} }

// mailbox: the link outlives a change of password or factors, not one of the
// address or the state.
func mailbox(u store.User) []string { return []string{u.EmailKey, strconv.FormatBool(u.Active)} }

// nothing: for links that end things and open nothing.
func nothing(store.User) []string { return nil }

// said is what a link says. Anyone who holds it can read it.
type said struct {
	User  string `json:"u"`
	At    int64  `json:"t"` // when it was made, in seconds
	ID    string `json:"i"` // 130 random bits
	Rests []byte `json:"r"` // keyed hash
	Asked string `json:"b,omitempty"`
	Data  string `json:"d,omitempty"`
}

// link is one that was opened: it is ours, in time, and what it rests on still
// stands.
type link struct {
	purpose purpose
	user    store.User
	said
}

// newLink makes a link for an account. data is for the step that opens it, b
// the browser that asked for it.
func (l *Login) newLink(p purpose, u store.User, data string, b Browser) (string, error) {
	s := said{
		User: u.ID, At: l.c.Now().Unix(), ID: store.NewID(), Rests: l.c.Keys.MAC("link", p.rests(u)...), Data: data,
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

// openLink reads a link and changes nothing. ErrLink, ErrLinkExpired.
func (l *Login) openLink(ctx context.Context, p purpose, token string) (link, error) {
	var s said
	raw, err := l.c.Keys.Verify("link:"+p.name, token)
	if err != nil || json.Unmarshal(raw, &s) != nil || s.User == "" || s.ID == "" {
		return link{}, ErrLink
	}
	age := l.c.Now().Sub(time.Unix(s.At, 0))
	if age < -time.Minute { // made by a clock that is ahead: better dead than endless
		return link{}, ErrLink
	}
	if age >= p.life {
		return link{}, ErrLinkExpired
	}
	u, err := l.c.Accounts.ByID(ctx, s.User)
	if errors.Is(err, store.ErrNotFound) {
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

// spendLink lets the first caller through and no one else: ErrLink. Spend
// before anything is granted.
func (l *Login) spendLink(ctx context.Context, k link) error {
	// The mark outlives the link, also by a clock that is set back a little.
	err := l.c.Limits.Once(ctx, "link:"+k.ID, k.purpose.life+time.Hour)
	var spent *limit.Paused
	if errors.As(err, &spent) {
		return ErrLink
	}
	return err
}

// meantLink opens a link that signs in. In another browser than the one that
// asked it needs a word that this is meant: ErrElsewhere.
func (l *Login) meantLink(ctx context.Context, p purpose, token string, meant bool, b Browser) (link, error) {
	k, err := l.openLink(ctx, p, token)
	if err == nil && !meant && !k.sameBrowser(b) {
		err = ErrElsewhere
	}
	return k, err
}

// sameBrowser says whether the browser that asked for the link is this one.
func (k link) sameBrowser(b Browser) bool {
	return k.Asked != "" && b.Asked != "" && hmac.Equal([]byte(k.Asked), []byte(hash(b.Asked)))
}

// Letter is a mail that a step writes to someone.
type Letter struct {
	Kind    string // what it says, and which page its link opens: one of the kinds below
	To      string
	User    store.User // whom it is about; the zero User in a decoy
	Token   string     // of the link; empty: it has none
	Life    time.Duration
	Opens   time.Time // it works from then on; zero: at once
	Browser Browser
	// Decoy is a letter to no one. It costs what a real one costs, so that time
	// does not tell who has an account, and is never sent.
	Decoy bool
}

// Language is the one that the letter is written in.
func (m Letter) Language() string { return language(m.User, m.Browser) }

// write queues a letter. It does not wait for a mail server.
func (l *Login) write(ctx context.Context, m Letter) error {
	if l.c.Write == nil {
		return ErrSend
	}
	return l.c.Write(ctx, m)
}

// writeLink queues a letter with a new link, valid for the purpose's life.
func (l *Login) writeLink(ctx context.Context, p purpose, u store.User, to, data string, b Browser) error {
	token, err := l.newLink(p, u, data, b)
	if err != nil {
		return err
	}
	return l.write(ctx, Letter{Kind: p.name, To: to, User: u, Token: token, Life: p.life, Browser: b, Decoy: u.ID == ""})
}

// What is wrong with an account (nil: nothing) says whether it gets a letter.
func confirms(_ store.User, why error) bool { return errors.Is(why, ErrUnconfirmed) }

func resets(_ store.User, why error) bool { return why == nil || errors.Is(why, ErrUnconfirmed) }

func named(u store.User, why error) bool { return why == nil && u.Username != "" }

// linkError: the loser of a race for what a link rests on has a dead link.
func linkError(err error) error {
	if errors.Is(err, store.ErrUsed) || errors.Is(err, store.ErrNotFound) {
		return ErrLink
	}
	return err
}

// afterLink is the end of a link that may sign in: at the gate like every
// other first factor, and only in the browser that asked (R51).
func (l *Login) afterLink(ctx context.Context, allowed bool, k link, u store.User, who *Who, method string, b Browser) (Outcome, error) {
	out := Outcome{User: u}
	if !allowed || !k.sameBrowser(b) || who != nil {
		return out, nil
	}
	next, err := l.gate(ctx, u, l.proof(method), false, b)
	switch {
	// The link has done its work, and an answer that refuses would say it had not.
	case errors.Is(err, ErrSameFactor), errors.Is(err, ErrLocked):
		return out, nil // signing in takes the password, and no lock
	case next.Pending != nil && (paused(err) || errors.Is(err, ErrSend)):
		return next, nil // its code can be asked for again
	}
	return next, err
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
