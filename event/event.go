package event

import (
	"context"
	"time"
)

// Subject is the account that an event is about.
type Subject struct {
	ID       string
	Email    string
	Username string
}

// Context contains when an event happened and where the request came from.
type Context struct {
	At      time.Time
	Address string // client address, canonical text
	Agent   string // user agent, as sent
	Request string // ID of the request, as in the log
	Session string // ID of the session concerned, if there is one
	// By and Why are the actor and reason given to event.WithActor.
	By, Why string
}

// Event is something that happened. Its concrete types are in this package.
type Event interface {
	// Name returns the wire contract's signal name, e.g. "user-authenticated".
	Name() string
}

// Handler receives events. It runs in the request, so it must return quickly.
// It cannot prevent what has happened.
type Handler func(ctx context.Context, e Event)

// UserAuthenticated reports that a session was issued. Via lists the factors
// proven.
type UserAuthenticated struct {
	User    Subject
	Via     []string
	Trusted bool // the second factor was skipped by a trusted device
	Context
}

// FirstFactorProven reports that the first of two factors was proven. The
// second is required next.
type FirstFactorProven struct {
	User   Subject
	Method string
	Context
}

// UserFailedAuthn reports a wrong password ("password") or a wrong code
// ("code"). Method is the method of the second factor. Reason is "replayed" for
// a correct code that was used before.
type UserFailedAuthn struct {
	User         Subject
	AuthType     string
	SecondFactor bool
	Method       string
	Reason       string
	Context
}

// UserRegistered reports that a user registered an account. Fields lists the profile fields that
// have a value. Provider is the name of the identity provider through which the account was created
// and with which the user can sign in from then on.
type UserRegistered struct {
	User     Subject
	Fields   []string
	Provider string
	Context
}

// UserNotRegistered reports an attempt to register an identity that is taken.
type UserNotRegistered struct {
	User                            Subject
	ExistingEmail, ExistingUsername bool
	Context
}

// TFSecurityTokenSent reports that a code for a second factor was sent.
// Destination is masked.
type TFSecurityTokenSent struct {
	User                Subject
	Method, Destination string
	Context
}

// TFCodeConfirmed reports that a second factor was proven during sign-in.
type TFCodeConfirmed struct {
	User   Subject
	Method string
	Context
}

// TFProfileChanged reports that a signed-in user set up or changed a second
// factor.
type TFProfileChanged struct {
	User   Subject
	Method string
	Context
}

// TFEnrolled reports that a second factor was set up during a sign-in that
// required it. A TFCodeConfirmed follows.
type TFEnrolled struct {
	User   Subject
	Method string
	Context
}

// TFFactorEdited reports that a second factor was "renamed" or "preferred".
type TFFactorEdited struct {
	User         Subject
	Method, What string
	Context
}

// TFFactorRemoved reports that one of several second factors was removed.
type TFFactorRemoved struct {
	User   Subject
	Method string
	Context
}

// RecoveryCodesMade reports that a new set of recovery codes replaced the previous one.
type RecoveryCodesMade struct {
	User   Subject
	Number int
	Context
}

// TFDisabled reports that second factors were turned off.
type TFDisabled struct {
	User Subject
	Context
}

// TFRescueRequested reports a request for a rescue: "email" or "help".
type TFRescueRequested struct {
	User   Subject
	Option string
	Context
}

// TFPaused reports that the second factors of an account are blocked for a while after too many
// wrong codes.
type TFPaused struct {
	User  Subject
	Until time.Time
	Context
}

// UserPaused reports that sign-in with a password is blocked for a while after too many wrong
// passwords.
type UserPaused struct {
	User  Subject
	Until time.Time
	Context
}

// PasskeyRegistered reports that a passkey was added. Usage is "first" or
// "secondary".
type PasskeyRegistered struct {
	User               Subject
	PasskeyName, Usage string
	Context
}

// PasskeyDeleted reports that a passkey was removed.
type PasskeyDeleted struct {
	User        Subject
	PasskeyName string
	Context
}

// PasskeyRefused reports that the answer to a passkey challenge was refused
// before its signature was checked. Reason has the cause. User is empty if it
// is not known.
type PasskeyRefused struct {
	User   Subject
	Reason string
	Context
}

// DeviceTrusted reports that a browser may skip the second factor for a while.
type DeviceTrusted struct {
	User Subject
	Context
}

// NewBrowser reports a sign-in from a browser that had not signed in to the account before. It
// follows the UserAuthenticated of that sign-in. It is not reported for the first sign-in to an
// account.
type NewBrowser struct {
	User Subject
	Context
}

// BrowserStays reports that a browser stays signed in for a while.
type BrowserStays struct {
	User Subject
	Context
}

// TFRescued reports that a user was rescued ("email" or "recovery_request") and
// must set up a new factor.
type TFRescued struct {
	User   Subject
	Option string
	Context
}

// RecoveryStarted reports that an operator sent a recovery link. It contains the reason.
type RecoveryStarted struct {
	User   Subject
	Reason string
	Context
}

// RecoveryEnded reports that a pending recovery, or the ban on rescue, ended.
// Why is "cancelled" or "signed in".
type RecoveryEnded struct {
	User Subject
	Why  string
	Context
}

// NewsSeen reports that the owner marked the activity of the account as seen,
// up to a row of the audit trail.
type NewsSeen struct {
	User    Subject
	Through int64
	Context
}

// PasswordsGuessed reports unusually many failed sign-ins in the last hour,
// over all accounts and addresses: possible password spraying. It is sent once
// an hour.
type PasswordsGuessed struct{ Context }

// DeviceRevoked reports that a user revoked one or all of their browsers that
// are trusted or stay signed in.
type DeviceRevoked struct {
	User Subject
	All  bool
	// Excess is set if the browser was revoked because the account exceeded its limit.
	Excess bool
	Context
}

// SessionEnded reports that a user ended one of their sessions, or all but the
// current one together with all trusted browsers.
type SessionEnded struct {
	User   Subject
	Others bool
	// Excess is set if the session ended because the account exceeded its limit.
	Excess bool
	Context
}

// DeviceCopied reports the reuse of a retired secret of a trusted browser. All
// sessions, tokens and trusted browsers of the account were ended.
type DeviceCopied struct {
	User Subject
	Context
}

// StayingCopied reports the reuse of a retired secret of a browser that stays
// signed in. That browser and the sessions it opened were ended.
type StayingCopied struct {
	User Subject
	Context
}

// AccountChanged reports that the application or an operator created or changed
// an account. What is "created", "password_changed", "activated",
// "deactivated", "roles_changed", "identity_changed" or "access_reset".
type AccountChanged struct {
	User Subject
	What string
	Context
}

// ConnectionChanged reports that an account at an identity provider was
// connected to this account or disconnected from it.
type ConnectionChanged struct {
	User     Subject
	Provider string
	Removed  bool
	Context
}

// UserReauthenticated reports that a signed-in user authenticated again.
type UserReauthenticated struct {
	User Subject
	Via  []string
	Context
}

// UserDisowned reports that the owner answered a security notice with "this was
// not me". All sessions, tokens and trusted browsers of the account were ended.
type UserDisowned struct {
	User Subject
	Context
}

// UserLoggedOut reports that a user signed out.
type UserLoggedOut struct {
	User Subject
	Context
}
