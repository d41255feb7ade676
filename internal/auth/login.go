package auth

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/internal/storage"
)

// PendingLife is the maximum lifetime of a pending sign-in (NIST SP 800-63B-4 section 3.1.3.2: a
// transaction is completed within ten minutes).
const PendingLife = 10 * time.Minute

// Policy contains the decisions of the operator. Zero values are safe.
type Policy struct {
	// Methods are the second factors offered for set-up, in display order.
	Methods []string
	// Require reports whether a user who has no second factor must set one up before they get a
	// session. A user who has one must always prove it.
	Require func(u storage.User) bool
	// TrustDevices allows browsers whose users ask for it to skip the second factor for the
	// lifetime set in the device manager. Such a session has level one, is trusted and is never
	// fresh.
	TrustDevices bool
	// TrustFor reports whether a user's browsers may be trusted. If it is nil, those of all users
	// may.
	TrustFor func(u storage.User) bool
	// Freshness is the maximum age of a full proof for security changes. A negative value allows
	// any age: then anyone who finds a browser that is signed in with both factors can change its
	// owner's second factor.
	Freshness time.Duration
	// If OnlyVerifyIsFresh is set, only a re-authentication is fresh, not a sign-in.
	OnlyVerifyIsFresh bool
	// EnrollProof requires a code from the account's mailbox before a sign-in may set up a factor.
	EnrollProof bool
	// SetupWithin is the lifetime of a draft.
	SetupWithin time.Duration
	// EarlyCodes allows users to create recovery codes before they have a second factor.
	EarlyCodes bool
	// If StrongOnly is set, SMS and e-mail do not count as second factors. They cannot be set up,
	// and there is no rescue by mail. A user who has no other factor proves it and must then set up
	// a stronger one.
	StrongOnly bool
	// Help lets users who have lost their second factor notify the administrators.
	Help bool
	// RescueEmail mails a code to users who have lost their second factor. It reduces the security
	// of every account to that of its mailbox and password.
	RescueEmail bool
	// RepairOnly allows a user rescued by e-mail only to replace the lost factor until that is
	// confirmed.
	RepairOnly bool
	// Recovery allows users who have lost their second factor to request a mailed link that sets up
	// another one. The link works after RecoveryWait.
	Recovery     bool
	RecoveryWait time.Duration
	Passkeys     PasskeyPolicy
	// RescueAfterReset is the time after a password reset for which there is no rescue by mail.
	RescueAfterReset time.Duration
	// TellNewBrowsers notifies the owner by mail of a sign-in from a browser that has not signed in
	// to the account before.
	TellNewBrowsers bool
	Unified         Unified
	Tokens          TokenPolicy
	// Life configures accounts and their links.
	Life Life
	// SignUp lists the names of the providers whose users may create accounts.
	SignUp []string
}

// Config configures a Login. Fields are required unless their comment allows nil, except Events and
// Log.
type Config struct {
	Accounts    *account.Accounts
	Sessions    *session.Manager
	Devices     *device.Manager
	RememberMe  *device.Manager // nil if browsers cannot stay signed in
	Limits      *limit.Limiter
	Factors     storage.Factors
	Pendings    storage.Pendings
	JoinedReads storage.SessionUser // nil if pendings, users and factors are read one after the other
	Drafts      storage.Drafts
	Challenges  storage.Challenges
	// Connections and Providers are for sign-in with identity providers. Without Providers it is
	// off.
	Connections storage.Connections
	Providers   []federated.Provider
	Methods     map[string]factor.Method
	Recoveries  storage.Recoveries
	Steps       storage.Steps
	Marks       storage.AccountMarks
	UsedLinks   storage.UsedLinks
	Passkeys    factor.Passkeys       // nil if passkeys are off
	SignIns     storage.SignInCounter // nil if sign-ins are not counted
	// CancelDeletion is called with the reason why the owner keeps the account: at every sign-in before its
	// session exists, and for the answer to a notice. It reports whether this canceled a deletion
	// of the account. It is nil if deletion is off.
	CancelDeletion func(ctx context.Context, u storage.User, why string, b Client) (bool, error)
	// MailedCodes sends and checks the codes that prove the mailbox of an account: for a rescue by
	// e-mail, for an address that was not proven yet, and for a sign-up through another site.
	MailedCodes   Trier
	RecoveryCodes Codes // recovery codes; nil if they are off
	// Tokens stores refresh tokens and personal access tokens.
	Tokens storage.Tokens
	// FirstCodes sends and checks codes that replace a password, by channel.
	FirstCodes map[string]Trier
	Keys       *seal.Keys
	// Mailer sends messages. If it is nil, it is NoMail: owners are not notified, and steps that
	// need a mail are refused.
	Mailer Mailer
	// Captcha protects forms from programs.
	Captcha Captchas
	Policy  Policy
	Now     func() time.Time
	Trail   Trail
	Events  event.Handler
	Log     *slog.Logger
}

// Trail records security events; see event.Trail.
type Trail interface {
	// Record adds a row.
	Record(ctx context.Context, e event.Entry) error
	// Row returns the row of an event.
	Row(e event.Event) storage.Event
	// List returns rows that the filters select.
	List(ctx context.Context, f storage.EventFilter, more ...storage.EventFilter) ([]storage.Event, error)
}

// Trier sends and checks codes that do not belong to an enrolled factor.
type Trier interface {
	// Send sends a code to a destination.
	Send(ctx context.Context, t factor.Transaction, destination string) error
	// Try uses up a code, or returns an error if it is wrong.
	Try(ctx context.Context, t factor.Transaction, destination, code string) error
}

// Login contains the function that issues sessions, and what the steps that lead to it have in
// common. Each exported field has the steps of one feature.
type Login struct {
	c     Config
	rules policy.Rules // the part of c that package policy needs
	services
}

// New returns a Login.
func New(c Config) (*Login, error) {
	if c.Accounts == nil || c.Sessions == nil || c.Devices == nil || c.Limits == nil || c.Factors == nil ||
		c.Pendings == nil || c.Drafts == nil || len(c.Providers) > 0 && c.Connections == nil || c.Challenges == nil ||
		c.Tokens == nil || c.Recoveries == nil || c.Steps == nil || c.Keys == nil || c.Trail == nil || c.Now == nil {
		return nil, errors.New("auth: incomplete configuration")
	}
	if c.Policy.Require == nil {
		c.Policy.Require = func(storage.User) bool { return false }
	}
	if c.Policy.RescueAfterReset == 0 {
		c.Policy.RescueAfterReset = 24 * time.Hour
	}
	if c.Mailer == nil {
		c.Mailer = NoMail{}
	}
	if c.Policy.Life.Confirm && !c.mails() {
		return nil, errors.New("auth: addresses cannot be confirmed without mail")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &Login{c: c, rules: rulesOf(c)}
	l.services = servicesOf(l)
	return l, nil
}

// Client describes the browser of a request.
type Client struct {
	Address    string // canonical client address
	Agent      string // user agent, truncated to 256 bytes
	Device     string // value of the trusted-device cookie, if any
	RememberMe string // value of the cookie of a browser that stays signed in, if any
	Pending    string // value of the pending cookie, if any: a new sign-in replaces it
	Known      string // value of the cookie with the accounts that have signed in here, if any
	Asked      string // value of the cookie that identifies requests for links and passkeys of this browser
	Locale     string // language of the answer
	// Speaks is the same if the browser requested that language, or empty if it did not.
	Speaks  string
	Request string // ID of the request
	// Session is the value of the session cookie, even if it is not valid.
	Session string
	// WantToken requests a header token with the same proofs as the session.
	WantToken bool
	// Captcha is the answer to a captcha, if there is one. Human is set if no captcha is required,
	// because a user is signed in or the answer was right.
	Captcha string
	Human   bool
	// within is the valid session, or the link mailed to the owner, to which a step belongs. It is
	// empty for strangers and sign-ins.
	within string
}

// Principal is a signed-in caller.
type Principal struct {
	User    storage.User
	Session storage.Session
	// Program is the personal access token that was presented, from which Session is then derived
	// without being stored. It is nil for a user's session and for a header token.
	Program *storage.Token
	// Enrolls is set if the account now requires a second factor that the session does not have.
	// The session can then only set one up.
	Enrolls bool
}

// Outcome is the result of a step: a session or a pending sign-in.
type Outcome struct {
	User    storage.User
	Session *Opened
	Pending *Pending
	// DeviceCookie is the new value of the trusted-device cookie, valid for DeviceLife. It is empty
	// if the cookie does not change.
	DeviceCookie string
	DeviceLife   time.Duration
	// RememberMeCookie is the same for a browser that stays signed in. Forget is set if it no longer
	// does.
	RememberMeCookie string
	// KnownCookie is the new value of the note of accounts that have signed in here, valid for
	// KnownLife. It is empty if the note does not change.
	KnownCookie    string
	RememberMeLife time.Duration
	Forget         bool
	// News is the number of events that the owner has not marked as seen; see Account.News.
	News int
	// Next is the unchecked target that the user gave when they requested the link.
	Next string
	// Opens is the time from which the requested recovery works.
	Opens time.Time
	// FirstFactor is set if the account has just got its first second factor.
	FirstFactor bool
	// Left is the number of remaining recovery codes, if one was used.
	Left int
	// SignUp is the account that is being created through an identity provider, or nil.
	SignUp *SignUp
}

// Opened is a session that was just issued.
type Opened struct {
	Token string // the cookie's value; empty if the caller keeps its header token
	// Header is a header token, if one was requested.
	Header string
	// Refresh is a refresh token for the same session, if there is one.
	Refresh string
	// DeletionCanceled is set if the sign-in canceled the deletion of the account.
	DeletionCanceled bool
	storage.Session
}

// Pending is a sign-in that waits for the second factor, in the form that its browser may see.
type Pending struct {
	Token   string // the cookie's value; empty if the cookie does not change
	State   storage.PendingState
	Method  string   // the method to prove; empty unless State is Ready
	Factor  string   // ID of the factor to prove; empty unless State is Ready
	Methods []string // the methods to choose from
	Factors []Choice // factors of these methods
	Primary string   // method of the primary factor
	Expires time.Time
	Verify  bool // re-authentication of a signed-in user
	Rescue  bool // the user is being rescued: a mailed code is accepted too, or a lost factor is replaced
}

// Choice is a factor that the user can choose.
type Choice struct {
	ID          string
	Method      string
	Name        string
	Destination string // masked by web
	LastUsed    time.Time
	Digits      int // number of digits of its codes
}

// subject returns the account as it appears in events.
func subject(u storage.User) event.Subject {
	return event.Subject{ID: u.ID, Email: u.Email, Username: u.Username}
}

func (l *Login) at(b Client) event.Context {
	return event.Context{At: l.c.Now(), Address: b.Address, Agent: b.Agent, Request: b.Request}
}

// tell records an event and then passes it to subscribers. If the event cannot be recorded, the
// step fails, so that nothing happens without a record.
func (l *Login) tell(ctx context.Context, e event.Event) error {
	if err := l.record(ctx, e); err != nil {
		return err
	}
	l.emit(ctx, e)
	return nil
}

// tellOnce reports a closed budget at most once a minute, so that continued guessing cannot fill
// the audit trail.
func (l *Login) tellOnce(ctx context.Context, what string, e event.Event) error {
	err := l.c.Limits.Once(ctx, e.Name()+":"+what, time.Minute)
	var again *limit.Paused
	if errors.As(err, &again) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.tell(ctx, e)
}

// recordedOr returns err if recording failed, and otherwise the refusal.
func recordedOr(refusal, err error) error {
	if err != nil {
		return err
	}
	return refusal
}

// record adds an event to the audit trail and, if it is the outcome of a sign-in, to the log.
func (l *Login) record(ctx context.Context, e event.Event) error {
	LogSignIns(l.c.Log)(ctx, e)
	if entry, ok := event.EntryOf(e); ok {
		return l.c.Trail.Record(ctx, entry)
	}
	return nil
}

func (l *Login) emit(ctx context.Context, e event.Event) {
	if l.c.Events != nil {
		l.c.Events(ctx, e)
	}
}

// enabled reports whether a method is enabled by the policy and available.
func (l *Login) enabled(method string) bool {
	return slices.Contains(l.c.Policy.Methods, method) && l.c.Methods[method] != nil && !l.rules.Refuses(method)
}

func hash(token string) string { return seal.HashToken(token) }
