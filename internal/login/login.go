package login

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
	"github.com/twofold-auth/twofold/store"
)

// PendingLife is the absolute life of a pending sign-in (NIST SP 800-63B-4
// section 3.1.3.2: a transaction is completed within ten minutes).
const PendingLife = 10 * time.Minute

// Policy is what the operator decided. Zero values are the safe ones.
type Policy struct {
	// Methods are the second factors offered for set-up, in display order.
	Methods []string
	// Require says whether a user who has no second factor must set one up
	// before he gets a session. A user who has one is always asked for it.
	Require func(u store.User) bool
	// TrustDevices lets a browser that asked for it skip the second factor for
	// the device manager's life (level one plus trusted, never fresh).
	TrustDevices bool
	// TrustFor says whose browsers may be trusted; nil: everybody's.
	TrustFor func(u store.User) bool
	// Freshness is how old a full proof may be for security changes. Negative: any
	// age will do, so anyone who finds a browser that is signed in with both
	// factors can change its owner's second factor.
	Freshness time.Duration
	// OnlyVerifyIsFresh: a sign-in is never fresh, only a re-authentication is.
	OnlyVerifyIsFresh bool
	// EnrolProof asks a sign-in that must enrol for a code from the account's
	// mailbox first.
	EnrolProof bool
	// SetupWithin is the life of a draft.
	SetupWithin time.Duration
	// EarlyCodes lets people make recovery codes before they have a second factor.
	EarlyCodes bool
	// StrongOnly takes SMS and e-mail for no second factors: they are neither set
	// up nor asked for, and no one is rescued by mail. Anyone who has nothing else
	// proves it on the way to a set-up of something that counts.
	StrongOnly bool
	// RescueEmail offers a code to the account's mailbox to those who lost
	// their second factor. It lowers every account to the security of its
	// mailbox (and password).
	RescueEmail bool
	// RepairOnly lets who was rescued by e-mail set up a factor in place of the
	// lost one and nothing else, until that is confirmed.
	RepairOnly bool
	// Recovery lets who lost the second factor ask for a mailed link that sets up
	// another one, RecoveryWait later (zero: 24 hours).
	Recovery     bool
	RecoveryWait time.Duration
	Passkeys     PasskeyPolicy
	// RescueAfterReset is how long after a password reset through the mailbox
	// that mailbox cannot rescue.
	RescueAfterReset time.Duration
	// TellNewBrowsers mails the owner when a browser signs in that has not signed in
	// to the account before.
	TellNewBrowsers bool
	Unified         Unified
	Tokens          Tokens
	// Life is about accounts and their links.
	Life Life
	// SignUp are the names of the sites whose users may make accounts.
	SignUp []string
}

// Alert tells the administrators that a user lost the second factor.
type Alert func(ctx context.Context, u store.User, locale string) error

// Config says what login needs. Everything is required but Events and Log.
type Config struct {
	Accounts   *account.Accounts
	Sessions   *session.Manager
	Devices    *device.Manager
	Staying    *device.Manager // nil: no browser stays signed in
	Limits     *limit.Limiter
	Factors    store.Factors
	Pendings   store.Pendings
	Both       store.SessionUser // nil: pendings, users and factors are read one after the other
	Drafts     store.Drafts
	Challenges store.Challenges
	// Connections and Providers are for sign-in through other sites; without
	// Providers no one is sent anywhere.
	Connections store.Connections
	Providers   []federated.Provider
	Methods     map[string]factor.Method
	Recoveries  store.Recoveries
	Steps       store.Steps
	Passkeys    factor.Passkeys     // nil: none are taken
	SignIns     store.SignInCounter // nil: sign-ins are not counted
	// Kept is told why the owner keeps the account: of every sign-in before its session
	// exists, and of the answer to a notice. It reports whether that called a deletion of
	// the account off. Nil: none is ever requested.
	Kept func(ctx context.Context, u store.User, why string, b Browser) (bool, error)
	// RescueCodes sends and tries the codes of a rescue by e-mail.
	RescueCodes Trier
	Codes       Codes // recovery codes; nil: there are none
	// Tokens keeps refresh tokens and personal access tokens.
	Tokens store.Tokens
	// FirstCodes sends and tries, by channel, codes in place of a password.
	FirstCodes map[string]Trier
	Keys       *seal.Keys
	// Post tells an account's owner of changes; nil: no one is told.
	Post Post
	// Write queues a letter; nil: none is sent, and what needs one is refused.
	Write func(ctx context.Context, m Letter) error
	Alert Alert // nil: no one is told, and the choice is not offered
	// Captcha keeps programs out.
	Captcha Captchas
	Policy  Policy
	Now     func() time.Time
	Trail   Trail
	Events  event.Handler
	Log     *slog.Logger
}

// Trail is where security events are written down; see event.Trail.
type Trail interface {
	Record(ctx context.Context, e event.Entry) error
	Row(e event.Event) store.Event
	List(ctx context.Context, f store.EventFilter, more ...store.EventFilter) ([]store.Event, error)
}

// Trier sends and spends codes that belong to no enrolled factor.
type Trier interface {
	Send(ctx context.Context, t factor.Transaction, destination string) error
	Try(ctx context.Context, t factor.Transaction, destination, code string) error
}

// Login is the door and all steps that lead to it.
type Login struct {
	c     Config
	rules policy.Rules // what of c package policy needs to know
}

// New returns the steps.
func New(c Config) (*Login, error) {
	if c.Accounts == nil || c.Sessions == nil || c.Devices == nil || c.Limits == nil || c.Factors == nil ||
		c.Pendings == nil || c.Drafts == nil || len(c.Providers) > 0 && c.Connections == nil || c.Challenges == nil ||
		c.Tokens == nil || c.Recoveries == nil || c.Steps == nil || c.Keys == nil || c.Trail == nil || c.Now == nil {
		return nil, errors.New("login: incomplete configuration")
	}
	if c.Policy.Require == nil {
		c.Policy.Require = func(store.User) bool { return false }
	}
	if c.Policy.Freshness == 0 {
		c.Policy.Freshness = 15 * time.Minute
	}
	if c.Policy.SetupWithin == 0 {
		c.Policy.SetupWithin = 10 * time.Minute
	}
	if c.Policy.Unified.SetupWithin == 0 {
		c.Policy.Unified.SetupWithin = c.Policy.SetupWithin
	}
	if c.Policy.RescueAfterReset == 0 {
		c.Policy.RescueAfterReset = 24 * time.Hour
	}
	if c.Policy.Life.Confirm && c.Write == nil {
		return nil, errors.New("login: addresses cannot be confirmed without mail")
	}
	c.Policy.Life = c.Policy.Life.withDefaults()
	if c.Policy.RecoveryWait == 0 {
		c.Policy.RecoveryWait = 24 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Login{c, rulesOf(c)}, nil
}

// Browser is where a step is asked from.
type Browser struct {
	Address string // canonical client address
	Agent   string // user agent as sent, cut to 256 bytes
	Device  string // value of the trusted-device cookie, if any
	Stays   string // value of the cookie of a browser that stays signed in, if any
	Pending string // value of the pending cookie, if any: a new sign-in replaces it
	Known   string // value of the cookie that says who signed in here before, if any
	Asked   string // value of the cookie that remembers which links and passkeys this browser asked for
	Locale  string // language of the answer
	// Speaks is the same if the browser asked for that language; empty: it did not
	// say.
	Speaks  string
	Request string // id of the request
	// Session is the value of the session cookie, whether or not it is alive.
	Session string
	// WantToken asks for a header token alongside the session, proving the same.
	WantToken bool
	// Captcha is the answer to a captcha, if there is one. Human says that none is
	// asked for: someone is signed in, or the answer was right.
	Captcha string
	Human   bool
	// within is the living session, or the link mailed to the owner, that a step
	// is taken in; empty for strangers and sign-ins.
	within string
}

// Who is a signed-in caller.
type Who struct {
	User    store.User
	Session store.Session
	// Program is the personal access token that was presented; nil: a person's
	// session, or a header token of one. Session is then made up of it, and not
	// stored.
	Program *store.Token
	// Enrolls says that the account is asked today for a second factor that the
	// session does not have: it reaches the set-up of one and nothing else.
	Enrolls bool
}

// Outcome is what a step led to: a session, or a pending sign-in.
type Outcome struct {
	User    store.User
	Session *Opened
	Pending *Pending
	// DeviceCookie is set when the trusted-device cookie shall have this value
	// for DeviceLife.
	DeviceCookie string
	DeviceLife   time.Duration
	// StayCookie is the same for the browser that stays signed in. Forget says
	// that it does so no more.
	StayCookie string
	// KnownCookie is set when the browser shall remember for KnownLife that the
	// account signed in here.
	KnownCookie string
	StayLife    time.Duration
	Forget      bool
	// News is how many things happened to the account that its owner has not
	// marked as seen; see Login.News.
	News int
	// Next is where anyone who asked for the link that was followed wanted to go, as
	// he said it.
	Next string
	// Opens is when the recovery that was asked for opens.
	Opens time.Time
	// FirstFactor says that the account has just got its first second factor.
	FirstFactor bool
	// Left is how many recovery codes are left, if one was used.
	Left int
	// SignUp is the account that is being made through another site; nil: none is.
	SignUp *SignUp
}

// Opened is a session that was just issued.
type Opened struct {
	Token string // the cookie's value; empty if the caller keeps its header token
	// Header is a header token, if the browser wanted one.
	Header string
	// Refresh is a refresh token alongside it.
	Refresh string
	// Kept says that the sign-in called the deletion of the account off.
	Kept bool
	store.Session
}

// Pending is a sign-in that waits for the second factor, as its browser may
// see it.
type Pending struct {
	Token   string // the cookie's value; empty if the browser keeps the one it has
	State   store.PendingState
	Method  string   // the method to prove; empty unless State is Ready
	Factor  string   // id of the factor to prove; empty unless State is Ready
	Methods []string // the methods to choose from
	Factors []Choice // what stands behind them
	Primary string   // method of the primary factor
	Expires time.Time
	Verify  bool // re-authentication of a signed-in user
	Rescue  bool // a rescue code was mailed and will do instead
}

// Choice is a factor to choose.
type Choice struct {
	ID          string
	Method      string
	Name        string
	Destination string // masked by web
	LastUsed    time.Time
	Digits      int // of its codes
}

// subject is the account as events name it.
func subject(u store.User) event.Subject {
	return event.Subject{ID: u.ID, Email: u.Email, Username: u.Username}
}

func (l *Login) at(b Browser) event.Context {
	return event.Context{At: l.c.Now(), Address: b.Address, Agent: b.Agent, Request: b.Request}
}

// tell writes an event down and then lets subscribers know. A step whose event
// cannot be written down refuses: nothing happens unseen.
func (l *Login) tell(ctx context.Context, e event.Event) error {
	if err := l.record(ctx, e); err != nil {
		return err
	}
	l.emit(ctx, e)
	return nil
}

// tellOnce tells of a closed budget at most once a minute, so that anyone who goes
// on guessing cannot fill the trail.
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

// told is the refusal, unless it could not be written down: then that is.
func told(refusal, err error) error {
	if err != nil {
		return err
	}
	return refusal
}

// record writes an event down, in the audit trail and, if it is how a sign-in
// ended, in the log.
func (l *Login) record(ctx context.Context, e event.Event) error {
	Outcomes(l.c.Log)(ctx, e)
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

// enabled says whether a method is offered by policy and built.
func (l *Login) enabled(method string) bool {
	return slices.Contains(l.c.Policy.Methods, method) && l.c.Methods[method] != nil && !l.rules.Refuses(method)
}

// secondFactorPlace reserves a guess; a closed budget is told to subscribers.
func (l *Login) secondFactorPlace(ctx context.Context, u store.User, factorID string, b Browser) (*limit.Place, error) {
	place, err := l.claimPlace(ctx, u, b, func(f limit.From) (*limit.Place, error) {
		return l.c.Limits.SecondFactor(ctx, u.ID, factorID, f)
	})
	return place, l.toldPaused(ctx, u, err, b)
}

// mailedPlace reserves a guess at a code by which an address is proven.
func (l *Login) mailedPlace(ctx context.Context, u store.User, b Browser) (*limit.Place, error) {
	place, err := l.claimPlace(ctx, u, b, func(f limit.From) (*limit.Place, error) {
		return l.c.Limits.Mailed(ctx, u.ID, f)
	})
	return place, l.toldPaused(ctx, u, err, b)
}

// toldPaused tells subscribers of a closed budget of second factors.
func (l *Login) toldPaused(ctx context.Context, u store.User, err error, b Browser) error {
	var p *limit.Paused
	if errors.As(err, &p) {
		return told(err, l.tellOnce(ctx, u.ID, event.TFPaused{User: subject(u), Until: p.Until, Context: l.at(b)}))
	}
	return err
}

func hash(token string) string { return seal.HashToken(token) }
