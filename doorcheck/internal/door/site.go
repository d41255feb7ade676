package door

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Verb names a step of a person at a site.
type Verb string

// The steps. In and Out describe their inputs and results; a step that needs only a browser has no
// input.
const (
	Register       Verb = "register"          // Email, Password
	Confirm        Verb = "confirm"           // Link: of the mail that confirms an address
	Login          Verb = "login"             // Email, Password, Remember, Next: the first factor
	Code           Verb = "code"              // Code of the app: the second factor
	Who            Verb = "who"               // out: Email of the user that the protected page sees, or ""
	WhoToken       Verb = "who-token"         // Token; out: Email
	WhoByMethod    Verb = "who-by-method"     // Next: a method; out: Email of anyone whose page is shown
	TakeToken      Verb = "take-token"        // out: Token, of a browser that is signed in
	SetUp          Verb = "set-up"            // Password; out: Secret of an authenticator app
	SetUpEnd       Verb = "set-up-end"        // Code, Password
	Show           Verb = "show"              // out: Text of every page that may show the secret of an app
	Disable        Verb = "disable"           // takes the second factor off, by the session alone
	LoginNext      Verb = "login-next"        // Email, Password, Next; out: Location
	MakeCodes      Verb = "make-codes"        // out: Codes, of recovery; by the session alone unless Password is set
	UseCode        Verb = "use-recovery-code" // Code
	AskReset       Verb = "ask-reset"         // Email
	Reset          Verb = "reset"             // Link, Password
	SetUpMagic     Verb = "set-up-magic"      // lets mailed links sign in, where that is a choice
	SetUpMagicEnd  Verb = "set-up-magic-end"  // Code
	AskMagic       Verb = "ask-magic"         // Email: a link that signs in
	UseMagic       Verb = "use-magic"         // Link
	SetUpMail      Verb = "set-up-mail"       // Email, Password: mailed codes as second factor
	SetUpMailEnd   Verb = "set-up-mail-end"   // Code, Password
	AskMailCode    Verb = "ask-mail-code"     // in the second step
	UseMailCode    Verb = "use-mail-code"     // Code
	Logout         Verb = "logout"            //
	LogoutAll      Verb = "logout-all"        // all devices
	ChangePassword Verb = "change-password"   // Password, New
	ChangeEmail    Verb = "change-email"      // New: by the session alone
	ChangeEmailEnd Verb = "change-email-end"  // Link
	ForgedDisable  Verb = "forged-disable"    // what a form of another site can send to weaken an account
	ForgedLogin    Verb = "forged-login"      // Email, Password: the same for signing in
	LogoutByLink   Verb = "logout-by-link"    // a GET
	LoginPage      Verb = "login-page"        // out: Answer
	GoAway         Verb = "go-away"           // out: Location, at the other site, to sign in
	Connect        Verb = "connect"           // the same, to let an account there open this one
	ComeBack       Verb = "come-back"         // Link: the way back from there
	FinishSignUp   Verb = "finish-sign-up"    // Code: of the mail, for an account that comes from there
	DeleteAccount  Verb = "delete-account"    // by the session alone
	AskPasskey     Verb = "ask-passkey"       // out: Question for a new passkey that begins a sign-in, State
	AskSecond      Verb = "ask-second"        // the same for one that is a second factor
	AddPasskey     Verb = "add-passkey"       // State, Credential; out: Name of it, to remove it by
	RemovePasskey  Verb = "remove-passkey"    // Name: by the session alone
	AskAssertion   Verb = "ask-assertion"     // out: Question for a passkey, State, to sign in or as second factor
	GiveAssertion  Verb = "give-assertion"    // State, Credential
	Trust          Verb = "trust"             // Email, Password, Code: both factors, and trust in the browser
	EndTrust       Verb = "end-trust"         // in all browsers: by a session, and the password where it is asked for
	Invite         Verb = "invite"            // Email: what an operator does
	Revoke         Verb = "revoke"            // Email: the same for the end of an invitation
	AcceptInvite   Verb = "accept-invite"     // Link, Password, Email: another one than the link's
	ProbeLogin     Verb = "probe-login"       // Email, Password; out: Answer
	ProbeReset     Verb = "probe-reset"       // Email; out: Answer
	ProbeRegister  Verb = "probe-register"    // Email, Password; out: Answer
)

// In holds the inputs of a step.
type In struct {
	Email, Password, Code, Link, New, Next, Token string
	State, Credential, Name                       string // of passkeys
	Remember                                      bool
}

// Out holds the results of a step.
type Out struct {
	Secret, Email, Token, Location, Text string
	Question, State, Name                string // of passkeys
	Codes                                []string
	Answer                               *Answer
}

// Step runs one step. It returns a *Refusal if the site refuses.
type Step func(b *Browser, in In) (Out, error)

// Refusal is a site's refusal of a request.
type Refusal struct{ Status int }

func (r *Refusal) Error() string { return fmt.Sprintf("refused with status %d", r.Status) }

// Refused reports whether an error is the site's refusal.
func Refused(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}

// Judge returns a refusal if the status is 400 or above.
func Judge(a *Answer, err error) (*Answer, error) {
	if err == nil && !a.OK() {
		return a, &Refusal{a.Status}
	}
	return a, err
}

// Operator is a task of the site's operator on its machine.
type Operator struct{ Invite, Revoke func(email string) error }

// Site is a site under test. A verb without a step is not offered, unless Unwired gives the reason
// why doorcheck cannot run the product's step.
type Site struct {
	Name     string
	Version  string
	Settings string // what is set, and why
	Origin   string
	Mail     *Mailbox
	Provider *Provider // another site, through which people sign in; nil: none is set up
	Former   *Former   // the system that its accounts come from, or nil
	Steps    map[Verb]Step
	Unwired  map[Verb]string
	Remarks  map[string]string // by attack: what the documentation of the site says of it
	Proxied  bool              // our proxy stands in front and tells the site who asks
	Secure   bool              // the origin is https

	// TrustCookie is part of the name of the cookie of a trusted browser.
	TrustCookie string
	TrustLife   time.Duration // how long the site trusts a browser
	InviteLife  time.Duration // how long an invitation works
	Operator    *Operator     // nil: no one can be invited from here

	Timeless bool // passwords are hashed at less cost than by default, so times say nothing

	// The links in mails, by the verb that uses them.
	Links map[Verb]*regexp.Regexp
	// MailedCode matches a mailed code; its first group is the code.
	MailedCode *regexp.Regexp
	// Readable lists cookies that scripts may read by design, such as a CSRF token.
	Readable []string
}
