package event

import (
	"context"
	"time"
)

// Subject is the account an event is about.
type Subject struct {
	ID       string
	Email    string
	Username string
}

// Context says when and from where.
type Context struct {
	At      time.Time
	Address string // client address, canonical text
	Agent   string // user agent, as sent
	Request string // id of the request, as in the log
	Session string // id of the session concerned, if there is one
}

// Event is one thing that happened. The concrete types are below; switch on
// them.
type Event interface {
	// Name is the wire contract's signal name, e.g. "user-authenticated".
	Name() string
}

// Handler receives events. It runs in the request: it should be quick, and
// must not block. It cannot refuse what has happened.
type Handler func(ctx context.Context, e Event)

// UserAuthenticated: a session was issued. Via lists the factors proven.
type UserAuthenticated struct {
	User    Subject
	Via     []string
	Trusted bool // the second factor was skipped by a trusted device
	Context
}

// FirstFactorProven: the first of two factors; the second is asked for now.
type FirstFactorProven struct {
	User   Subject
	Method string
	Context
}

// UserFailedAuthn: a wrong password ("password") or a wrong code ("code").
// Method is the second factor's. Reason is "replayed" for a code that was right
// and had been used before.
type UserFailedAuthn struct {
	User         Subject
	AuthType     string
	SecondFactor bool
	Method       string
	Reason       string
	Context
}

// UserRegistered: an account registered itself.
type UserRegistered struct {
	User Subject
	Context
}

// UserNotRegistered: a caller tried to register an identity that is taken.
type UserNotRegistered struct {
	User                            Subject
	ExistingEmail, ExistingUsername bool
	Context
}

// TFSecurityTokenSent: a code was sent. Destination is masked.
type TFSecurityTokenSent struct {
	User                Subject
	Method, Destination string
	Context
}

// TFCodeConfirmed: a second factor was proven at sign-in.
type TFCodeConfirmed struct {
	User   Subject
	Method string
	Context
}

// TFProfileChanged: a second factor was set up or changed by a signed-in user.
type TFProfileChanged struct {
	User   Subject
	Method string
	Context
}

// TFEnrolled: a second factor was set up during a sign-in that asked for it. A
// TFCodeConfirmed follows.
type TFEnrolled struct {
	User   Subject
	Method string
	Context
}

// TFFactorEdited: a second factor was "renamed" or "preferred".
type TFFactorEdited struct {
	User         Subject
	Method, What string
	Context
}

// TFFactorRemoved: one of several second factors was removed.
type TFFactorRemoved struct {
	User   Subject
	Method string
	Context
}

// RecoveryCodesMade: a new set of recovery codes took the place of the former.
type RecoveryCodesMade struct {
	User   Subject
	Number int
	Context
}

// TFDisabled: second factors were switched off.
type TFDisabled struct {
	User Subject
	Context
}

// TFRescueRequested: a rescue was asked for ("email", "help").
type TFRescueRequested struct {
	User   Subject
	Option string
	Context
}

// TFPaused: too many wrong codes; the account's second factors pause.
type TFPaused struct {
	User  Subject
	Until time.Time
	Context
}

// UserPaused: too many wrong passwords; the account waits.
type UserPaused struct {
	User  Subject
	Until time.Time
	Context
}

// PasskeyRegistered: a passkey was added. Usage is "first" or "secondary".
type PasskeyRegistered struct {
	User               Subject
	PasskeyName, Usage string
	Context
}

// PasskeyDeleted: a passkey was removed.
type PasskeyDeleted struct {
	User        Subject
	PasskeyName string
	Context
}

// PasskeyRefused: an answer to a passkey's question was refused before its
// signature was checked. Reason says why; User is empty if it is not known.
type PasskeyRefused struct {
	User   Subject
	Reason string
	Context
}

// DeviceTrusted: a browser may skip the second factor for a while.
type DeviceTrusted struct {
	User Subject
	Context
}

// NewBrowser: an account was signed in to from a browser that had not signed in to
// it before. It follows the UserAuthenticated of that sign-in, and not the first
// one of an account.
type NewBrowser struct {
	User Subject
	Context
}

// BrowserStays: a browser stays signed in for a while.
type BrowserStays struct {
	User Subject
	Context
}

// TFRescued: a rescue was proven ("email", "recovery_request") and a factor is
// to be set up in place of the lost one.
type TFRescued struct {
	User   Subject
	Option string
	Context
}

// RecoveryStarted: an operator had a recovery link mailed, for this reason.
type RecoveryStarted struct {
	User   Subject
	Reason string
	Context
}

// RecoveryEnded: a recovery that waited, or the ban on rescue, was ended. Why is
// "cancelled" or "signed in".
type RecoveryEnded struct {
	User Subject
	Why  string
	Context
}

// NewsSeen: the owner marked what happened to the account as seen, up to a row
// of the trail.
type NewsSeen struct {
	User    Subject
	Through int64
	Context
}

// PasswordsGuessed: very many wrong passwords within an hour, over all accounts
// and addresses. It is told once an hour.
type PasswordsGuessed struct{ Context }

// DeviceRevoked: a user revoked one of their browsers that are trusted or stay
// signed in, or all.
type DeviceRevoked struct {
	User Subject
	All  bool
	// Excess: the account had more of them than it may have.
	Excess bool
	Context
}

// SessionEnded: a user ended one of their sessions from the list, or all but the
// current one (and all trusted devices with them).
type SessionEnded struct {
	User   Subject
	Others bool
	// Excess: the account had more of them than it may have.
	Excess bool
	Context
}

// DeviceCopied: a trusted device's retired secret came back; everything of the
// account was ended.
type DeviceCopied struct {
	User Subject
	Context
}

// StayingCopied: a retired secret of a browser that stays signed in came back;
// that browser and the sessions it opened were ended.
type StayingCopied struct {
	User Subject
	Context
}

// AccountChanged: the application or an operator made or changed an account.
// What is "created", "password_changed", "activated", "deactivated",
// "roles_changed", "identity_changed" or "access_reset".
type AccountChanged struct {
	User Subject
	What string
	Context
}

// ConnectionChanged: an account at another site opens this one from now on, or,
// removed, does no more.
type ConnectionChanged struct {
	User     Subject
	Provider string
	Removed  bool
	Context
}

// UserReauthenticated: a signed-in user authenticated again.
type UserReauthenticated struct {
	User Subject
	Via  []string
	Context
}

// UserDisowned: the owner answered a notice with "this was not me"; everything
// issued to the account was ended.
type UserDisowned struct {
	User Subject
	Context
}

// UserLoggedOut: a session was ended by its user.
type UserLoggedOut struct {
	User Subject
	Context
}

// The names of the wire contract; those it lacks are spelled the same way.
func (UserAuthenticated) Name() string   { return "user-authenticated" }
func (UserFailedAuthn) Name() string     { return "user-failed-authn" }
func (UserRegistered) Name() string      { return "user-registered" }
func (UserNotRegistered) Name() string   { return "user-not-registered" }
func (TFSecurityTokenSent) Name() string { return "tf-security-token-sent" }
func (TFCodeConfirmed) Name() string     { return "tf-code-confirmed" }
func (TFProfileChanged) Name() string    { return "tf-profile-changed" }
func (TFEnrolled) Name() string          { return "tf-enrolled" }
func (TFFactorEdited) Name() string      { return "tf-factor-edited" }
func (TFFactorRemoved) Name() string     { return "tf-factor-removed" }
func (RecoveryCodesMade) Name() string   { return "recovery-codes-made" }
func (TFDisabled) Name() string          { return "tf-disabled" }
func (TFRescueRequested) Name() string   { return "tf-rescue-requested" }
func (TFPaused) Name() string            { return "tf-paused" }
func (UserReauthenticated) Name() string { return "user-reauthenticated" }
func (UserDisowned) Name() string        { return "user-disowned" }
func (FirstFactorProven) Name() string   { return "first-factor-proven" }
func (UserPaused) Name() string          { return "user-paused" }
func (DeviceCopied) Name() string        { return "device-copied" }
func (PasskeyRegistered) Name() string   { return "wan-registered" }
func (PasskeyDeleted) Name() string      { return "wan-deleted" }
func (PasskeyRefused) Name() string      { return "wan-refused" }
func (DeviceTrusted) Name() string       { return "device-trusted" }
func (NewBrowser) Name() string          { return "new-browser" }
func (BrowserStays) Name() string        { return "browser-stays" }
func (StayingCopied) Name() string       { return "staying-copied" }
func (TFRescued) Name() string           { return "tf-rescued" }
func (RecoveryStarted) Name() string     { return "recovery-started" }
func (RecoveryEnded) Name() string       { return "recovery-ended" }
func (NewsSeen) Name() string            { return "news-seen" }
func (PasswordsGuessed) Name() string    { return "passwords-guessed" }
func (DeviceRevoked) Name() string       { return "device-revoked" }
func (SessionEnded) Name() string        { return "session-ended" }
func (AccountChanged) Name() string      { return "account-changed" }
func (UserLoggedOut) Name() string       { return "user-logged-out" }

// Name says which of the two happened.
func (e ConnectionChanged) Name() string {
	if e.Removed {
		return "connection-removed"
	}
	return "connection-added"
}
