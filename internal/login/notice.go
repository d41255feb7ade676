package login

import (
	"context"
	"errors"
	"slices"
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

// notMe is the purpose of a notice's link. It ends things and opens nothing, so
// it rests on nothing: it works whatever the account's users changed since, the
// address too. Where an operator or the application replaced the address, what was
// mailed to the former one before is over (see stop).
func notMe() purpose { return purpose{name: "not-me", life: noticeLife, rests: nothing} }

// stop opens a notice's link.
func (l *Login) stop(ctx context.Context, token string) (link, error) {
	k, err := l.openLink(ctx, notMe(), token)
	if errors.Is(err, ErrLink) || errors.Is(err, ErrLinkExpired) {
		return k, ErrState
	}
	if err == nil && k.At <= k.user.MovedAt.Unix() && k.Data != mailedTo(k.user.Email) {
		return k, ErrState
	}
	return k, err
}

// CheckStop says whether a notice's token is one, and changes nothing.
func (l *Login) CheckStop(ctx context.Context, token string) error {
	_, err := l.stop(ctx, token)
	return err
}

// NotMe is the owner's answer to a notice: everything issued to the account is
// ended (sessions, pending sign-ins, drafts, codes, trusted devices), so that
// anyone who is in must sign in again with all factors. What opens the account by
// itself and was set up since, or in the week before the notice, is removed. Second
// factors stay: the mailbox alone, which the notice came to, must not remove them.
// A deletion of the account is called off, and kept says so: anyone who was in may
// have asked for it. It works once. ErrState.
func (l *Login) NotMe(ctx context.Context, token string, b Browser) (kept bool, err error) {
	k, err := l.stop(ctx, token)
	if err != nil {
		return false, err
	}
	if err := l.spendLink(ctx, k); errors.Is(err, ErrLink) {
		return false, ErrState
	} else if err != nil {
		return false, err
	}
	// Anyone who is in may hold the mailbox too: no rescue until a real factor was
	// proven (R76).
	if err := l.c.Recoveries.ShutRecovery(ctx, k.User, l.c.Now()); err != nil {
		return false, stateError(err)
	}
	if err := disowned(ctx, l, k, b); err != nil || l.c.Kept == nil {
		return false, err
	}
	kept, err = l.c.Kept(ctx, k.user, "not me", b)
	return kept, stateError(err)
}

// disowned ends what was issued to the account of a notice, and removes what disown
// says.
func disowned(ctx context.Context, l *Login, k link, b Browser) error {
	for range 3 { // a change that runs at the same time may win; then look again
		u, err := l.c.Accounts.ByID(ctx, k.User)
		if err != nil {
			return stateError(err)
		}
		c := store.FactorChange{UserID: u.ID, From: u.Uniquifier, To: account.NewUniquifier(), Now: l.c.Now()}
		if err := l.disown(ctx, u, time.Unix(k.At, 0), &c); err != nil {
			return err
		}
		_, err = l.change(ctx, u, c)
		if err == nil {
			return l.tell(ctx, event.UserDisowned{User: subject(u), Context: l.at(b)})
		}
		if !errors.Is(err, ErrState) {
			return err
		}
	}
	return ErrState
}

// disown adds to a change what is removed after a notice of a time: factors that
// begin a sign-in, passkeys in place of the password and accounts at other sites
// of that week and since. A code to the account's own mailbox stays, and so does
// everything if nothing else would open the account.
func (l *Login) disown(ctx context.Context, u store.User, noticed time.Time, c *store.FactorChange) error {
	since, ids := noticed.Add(-noticeLife), []string(nil)
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	passkeys, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, f := range append(firsts, passkeys...) {
		if f.Method != store.Email && f.Usage == store.UseFirst && !f.CreatedAt.Before(since) {
			ids = append(ids, f.ID)
		}
	}
	var connections []string
	if l.c.Connections != nil {
		all, err := l.c.Connections.ConnectionsOf(ctx, u.ID)
		if err != nil {
			return err
		}
		for _, n := range all {
			if !n.CreatedAt.Before(since) {
				connections = append(connections, n.ID)
			}
		}
	}
	err = l.keepsWayIn(ctx, u, append(slices.Clone(ids), connections...)...)
	if errors.Is(err, ErrLastWayIn) {
		return nil
	}
	c.Remove, c.Disconnect = ids, connections
	return err
}
