package auth

import (
	"context"
	"math"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The kinds of notices.
const (
	FactorChanged  = "factor_changed"
	FactorRemoved  = "factor_removed"
	FactorDisabled = "factor_disabled"
	CodesMade      = "codes_made" // recovery codes
	CodeUsed       = "code_used"
	CodesEnded     = "codes_ended" // a lost factor was replaced
	// For first factors.
	FirstFactorChanged = "first_factor_changed"
	FirstFactorRemoved = "first_factor_removed"
	TokenMinted        = "token_minted" // a personal access token
	TokenCopied        = "token_copied"
	Rescued            = "rescued"
	DeviceTrusted      = "device_trusted"
	DeviceCopied       = "device_copied"
	NewBrowser         = "new_browser"   // a browser stays signed in, for the first time
	BrowserStays       = "browser_stays" // signed in
	StayingCopied      = "staying_copied"
	RescueAsked        = "rescue_asked"
	CodesTried         = "codes_tried" // wrong codes after the correct password
	// An account at an identity provider was connected or disconnected.
	ConnectionAdded   = "connection_added"
	ConnectionRemoved = "connection_removed"
	PasskeyAdded      = "passkey_added"
	PasskeyRemoved    = "passkey_removed"
	PasskeyCopied     = "passkey_copied" // its counter went back
	// Actions of the application or an operator. The owner is notified of the first three.
	PasswordChanged = "password_changed"
	IdentityChanged = "identity_changed"
	PasswordReset   = "password_reset" // with a mailed link
	EmailWanted     = "email_wanted"   // a change of the address was requested
	UsernameChanged = "username_changed"
	AccessReset     = "access_reset"
	Unlocked        = "unlocked" // the counters of the account were reset
	Created         = "created"
	Activated       = "activated"
	Deactivated     = "deactivated"
	RolesChanged    = "roles_changed"
	RecoveryAsked   = "recovery_asked"
	RecoveryStarted = "recovery_started" // by an operator
)

// noticeLife is the lifetime of the link in a notice.
const noticeLife = 7 * 24 * time.Hour

// SecurityNotice informs the owner of an account about a security change. It is sent to every stored
// address and is stored in the transaction of the change.
type SecurityNotice struct {
	User    storage.User
	Kind    string // one of the constants above
	Method  string // method of the factor, if one is concerned
	Left    int    // number of remaining recovery codes, if one was used
	Browser Client
	At      time.Time
	// Phones lists numbers that are also notified, by text message.
	Phones []string
	// Stop is a token for "this was not me" (see NotMe). It ends sessions and gives no access. If
	// it is empty, the notice has no link.
	Stop string
	// powerless is set if the notice is sent to an address that an operator has just replaced.
	powerless bool
	// By and Why are the actor and the reason, if an operator or the application acted.
	By, Why string
}

// Language returns the language of the notice.
func (n SecurityNotice) Language() string { return language(n.User, n.Browser) }

func (SecurityNotice) message() {}

// mailedTo returns a hash that identifies the address to which a notice was sent.
func mailedTo(email string) string { return hash("notice:" + account.Key(email))[:22] }

// AccountNotices returns the messages of a change by the application or an operator, for its
// transaction. They are sent to the address of each of the owners. A replaced address is notified
// like the new one, but its notice has no link.
func (l *Login) AccountNotices(ctx context.Context, what string, owners ...storage.User) []storage.Message {
	var out []storage.Message
	for i, u := range owners {
		if i == 0 || u.Email != owners[0].Email {
			n := SecurityNotice{User: u, Kind: what, powerless: u.Email != owners[len(owners)-1].Email}
			out = append(out, l.mail.noticesOf(ctx, n)...)
		}
	}
	return out
}

// AccountCreated records that the application or an operator created an account, and that its owner
// has seen the activity so far: the creation is not news to them.
func (l *Login) AccountCreated(ctx context.Context, u storage.User) error {
	e := event.AccountChanged{User: subject(u), What: Created, Context: event.Acting(ctx, l.at(Client{}))}
	if err := l.c.Marks.MarkSeen(ctx, u.ID, math.MaxInt64, l.c.Trail.Row(e)); err != nil {
		return err
	}
	l.emit(ctx, e)
	return nil
}

// AccountChanged records a change of an account by the application or an operator.
func (l *Login) AccountChanged(ctx context.Context, u storage.User, what string) error {
	l.mail.kickOutbox()
	return l.tell(ctx, event.AccountChanged{User: subject(u), What: what, Context: event.Acting(ctx, l.at(Client{}))})
}
