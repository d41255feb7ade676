package login

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// What a Notice is about.
const (
	FactorChanged  = "factor_changed"
	FactorRemoved  = "factor_removed"
	FactorDisabled = "factor_disabled"
	CodesMade      = "codes_made" // recovery codes
	CodeUsed       = "code_used"
	CodesEnded     = "codes_ended" // a lost factor was replaced
	// Of factors that begin a sign-in.
	FirstFactorChanged = "first_factor_changed"
	FirstFactorRemoved = "first_factor_removed"
	TokenMinted        = "token_minted" // a personal access token
	TokenCopied        = "token_copied"
	Rescued            = "rescued"
	DeviceTrusted      = "device_trusted"
	DeviceCopied       = "device_copied"
	NewBrowser         = "new_browser"   // signed in, for the first time
	BrowserStays       = "browser_stays" // signed in
	StayingCopied      = "staying_copied"
	RescueAsked        = "rescue_asked"
	CodesTried         = "codes_tried" // right password, wrong codes
	// An account at another site opens this one now, or does no more.
	ConnectionAdded   = "connection_added"
	ConnectionRemoved = "connection_removed"
	PasskeyAdded      = "passkey_added"
	PasskeyRemoved    = "passkey_removed"
	PasskeyCopied     = "passkey_copied" // its counter went back
	// What the application or an operator does to an account; the owner hears
	// of the first three.
	PasswordChanged = "password_changed"
	IdentityChanged = "identity_changed"
	PasswordReset   = "password_reset" // through the mailbox
	EmailWanted     = "email_wanted"   // another address was asked for
	UsernameChanged = "username_changed"
	AccessReset     = "access_reset"
	Unlocked        = "unlocked" // what is counted against the account was forgotten
	Created         = "created"
	Activated       = "activated"
	Deactivated     = "deactivated"
	RolesChanged    = "roles_changed"
	RecoveryAsked   = "recovery_asked"
	RecoveryStarted = "recovery_started" // by an operator
)

// noticeLife is how long the link of a notice works.
const noticeLife = 7 * 24 * time.Hour

// Notice tells the owner of an account that its security changed. It goes out
// of the session, to every stored address, and is stored in the transaction of
// the change.
type Notice struct {
	User    store.User
	Kind    string // one of the constants above
	Method  string // of the factor, if one is concerned
	Left    int    // recovery codes, if one was used
	Browser Browser
	At      time.Time
	// Phones hear of it too, by text.
	Phones []string
	// Stop is a token for "this was not me" (see NotMe). It ends things and
	// opens nothing. Empty: the notice has no link.
	Stop string
	// powerless: it goes to an address that an operator has just replaced.
	powerless bool
	// By and Why say who acted, if it was an operator or the application.
	By, Why string
}

// Language is the one that the notice is written in.
func (n Notice) Language() string { return language(n.User, n.Browser) }

// Post carries notices to an account's owner.
type Post interface {
	// Seal makes a notice rows of the outbox, for the transaction of the change
	// it tells of, SealLetter a letter; Wake has them sent once that is done.
	// With an error, Seal returns those that could be made.
	Seal(n Notice) ([]store.Message, error)
	SealLetter(m Letter) (store.Message, error)
	Wake()
	// Queue stores a notice of its own.
	Queue(ctx context.Context, n Notice) error
}

// notify tells the owner of what is not a change of the store. A notice that
// cannot be queued is the operator's to know: what it tells of has happened.
func (l *Login) notify(ctx context.Context, u store.User, kind, method string, b Browser) {
	if l.c.Post == nil {
		return
	}
	n, err := l.stamped(Notice{User: u, Kind: kind, Method: method, Browser: b})
	if err == nil {
		err = l.c.Post.Queue(ctx, n)
	}
	l.untold(ctx, u, kind, err)
}

// letters are the messages of a change, for its transaction. A notice that
// cannot be written (an address that takes no mail) does not stop the change.
func (l *Login) letters(ctx context.Context, u store.User, kind, method string, b Browser) []store.Message {
	return l.lettersOf(ctx, Notice{User: u, Kind: kind, Method: method, Browser: b})
}

// lettersOf is letters for a notice that says more.
func (l *Login) lettersOf(ctx context.Context, n Notice) []store.Message {
	if l.c.Post == nil {
		return nil
	}
	var out []store.Message
	if n.Browser.Address == "" {
		who := event.Acting(ctx, event.Context{})
		n.By, n.Why = who.By, who.Why
	}
	n, err := l.stamped(n)
	if err == nil {
		out, err = l.c.Post.Seal(n)
	}
	l.untold(ctx, n.User, n.Kind, err)
	return out
}

// stamped gives a notice its time and its link.
func (l *Login) stamped(n Notice) (_ Notice, err error) {
	n.At = l.c.Now()
	if !n.powerless {
		n.Stop, err = l.newLink(notMe(), n.User, mailedTo(n.User.Email), Browser{})
	}
	return n, err
}

// mailedTo identifies the address that a notice was sent to.
func mailedTo(email string) string { return hash("notice:" + account.Key(email))[:22] }

func (l *Login) untold(ctx context.Context, u store.User, kind string, err error) {
	if err != nil {
		l.c.Log.ErrorContext(ctx, "the owner could not be told of a change", "user", u.ID, "kind", kind, "cause", err)
	}
}

// AccountLetters are the messages of what the application or an operator does
// to an account, for the transaction of it, to the address of each of these: an
// address that is replaced hears of it as well as the new one, but has no say.
func (l *Login) AccountLetters(ctx context.Context, what string, owners ...store.User) []store.Message {
	var out []store.Message
	for i, u := range owners {
		if i == 0 || u.Email != owners[0].Email {
			n := Notice{User: u, Kind: what, powerless: u.Email != owners[len(owners)-1].Email}
			out = append(out, l.lettersOf(ctx, n)...)
		}
	}
	return out
}

// AccountChanged writes down what the application or an operator did to an
// account.
func (l *Login) AccountChanged(ctx context.Context, u store.User, what string) error {
	l.wake()
	return l.tell(ctx, event.AccountChanged{User: subject(u), What: what, Context: event.Acting(ctx, l.at(Browser{}))})
}

// wake has letters sent that a change stored.
func (l *Login) wake() {
	if l.c.Post != nil {
		l.c.Post.Wake()
	}
}
