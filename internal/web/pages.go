package web

import (
	"html/template"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Page is the data of every template. Templates get texts with {{.T "key"}}.
type Page struct {
	// Name is the template's name without ".html": login, register, verify,
	// tf_setup, tf_confirm, tf_validate, tf_select, tf_sessions, tf_devices,
	// tf_recovery, account, not_me, message.
	Name  string
	Lang  string // BCP 47 tag, for the html element
	Site  string // the name of the site
	URL   URLs   // paths of this installation, with prefix
	CSRF  string // value of the hidden field csrf_token
	Next  string // checked path to go to afterwards; may be empty
	Notes []Note // notes of the previous step
	// Problems contains all errors, for the summary at the top. Field(name) returns those of one
	// field.
	Problems []Problem
	Values   map[string]string // typed values, except passwords and codes
	User     *UserView         // the signed-in user, if any
	Data     any               // one of the structs below
	Paused   time.Time         // end of a pause, or zero
	Look     Look              // logo, style sheets and links of the site
	App      any               // data of the application, for replaced templates
	Wait     int               // seconds until another code can be requested
	Captcha  *captcha.Widget   // captcha of the form, or nil
	now      time.Time
	assets   *assets
	words    *i18n.Words
}

// Problem is an error of a field, or of the whole form if Field is empty.
type Problem struct{ Field, Text string }

// Note is a message of the previous step. Kind is success, info or error.
type Note struct{ Kind, Text string }

// Part returns the page with other data, for a template that is part of several pages.
func (p *Page) Part(data any) *Page {
	part := *p
	part.Data = data
	return &part
}

// Scripted reports whether the page needs the passkey script.
func (p *Page) Scripted() bool {
	switch p.Name {
	case "login", "verify", "us_signin", "us_verify", "wan_register", "wan_signin", "wan_verify":
		return p.URL.WanSignin != ""
	case "choose":
		choose, _ := p.Data.(ChoosePage)
		return choose.Passkey
	}
	return p.Name == "invite_passkey"
}

// T returns a text of the catalogue. Arguments come in pairs: name, value.
func (p *Page) T(key string, pairs ...any) string { return p.words.Page(key, pairs...) }

// Within returns a duration in words, such as "5 minutes".
func (p *Page) Within(d time.Duration) string { return p.words.Duration(d) }

// When returns a time in the format of the language.
func (p *Page) When(t time.Time) template.HTML {
	t = t.UTC()
	text := template.HTMLEscapeString(p.words.Time(t))
	return template.HTML(`<time datetime="` + t.Format("2006-01-02T15:04:05Z") + `">` + text + `</time>`)
}

// Clock returns a time of today.
func (p *Page) Clock(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(`<time data-short datetime="` + t.Format("2006-01-02T15:04:05Z") + `">` +
		t.Format("15:04 UTC") + `</time>`)
}

// Today returns the date in the format of the language, for printed recovery codes.
func (p *Page) Today() string { return p.words.Date(p.now) }

// Asset returns the path of one of our static files, with a hash of its content, so that browsers
// may cache it forever.
func (p *Page) Asset(name string) string {
	if p.assets == nil {
		return p.URL.Static + "/" + name
	}
	return p.URL.Static + "/" + p.assets.named(name)
}

// Summary reports whether errors are listed at the top, which is the case if there are several. A
// single one is shown at its field.
func (p *Page) Summary() bool {
	if p.Name == "message" || p.Name == "tf_validate" && !p.Paused.IsZero() {
		return false // the page itself shows it
	}
	if len(p.Problems) != 1 {
		return len(p.Problems) > 1
	}
	switch field := p.Problems[0].Field; field {
	case "":
		return p.Name != "login" && p.Name != "us_signin"
	case "setup":
		return p.Name != "tf_setup" && p.Name != "tf_confirm"
	default:
		return !slices.Contains([]string{
			"email", "identity", "username", "password", "password_confirm", "new_password", "new_password_confirm",
			"passcode", "code", "phone", "name", "which", "saved", "help_setup", captchaField,
		}, field)
	}
}

// Listed returns the errors of the summary. An error of two fields is listed once.
func (p *Page) Listed() (out []Problem) {
	for _, e := range p.Problems {
		if !slices.ContainsFunc(out, func(o Problem) bool { return o.Text == e.Text }) {
			out = append(out, e)
		}
	}
	return out
}

// MethodName returns the name of a method in the language of the page.
func (p *Page) MethodName(method string) string { return p.words.Text("method_" + method) }

// Browser returns the name of a browser in the language of the page.
func (p *Page) Browser(name string) string { return p.words.Browser(name) }

// Field returns the errors of one field.
func (p *Page) Field(name string) []string {
	var out []string
	for _, e := range p.Problems {
		if e.Field == name {
			out = append(out, e.Text)
		}
	}
	return out
}

// UserView is the signed-in user as shown on pages.
type UserView struct {
	ID, Email, Username string
	Roles               []string
}

// LoginPage is the data of "login".
type LoginPage struct {
	Usernames  bool          // a username is accepted instead of the e-mail address
	Remember   bool          // the box is checked
	Register   bool          // registration is open
	RememberTF bool          // "remember me" skips the second factor for Trust
	Stay       time.Duration // time for which "remember me" keeps the browser signed in, or zero
	Passkey    bool          // a passkey may replace the password
	Codes      []string      // methods that send a code instead of the password
	Link       bool          // a mailed link replaces the password for all users
	Sent       bool          // the link was sent, if an account matches
	Trust      time.Duration
	Providers  []ProviderView // identity providers
}

// SwitchPage is the data of "switch", which shows who is signed in to a user who wanted to sign in
// to another account.
type SwitchPage struct {
	To    string // target that continues
	Email string
}

// VerifyPage is the data of "verify".
type VerifyPage struct {
	Passkey   bool // the user has a passkey that is accepted instead of the password
	Keyless   bool // there is no password: the user must sign in again
	Providers []ProviderView
}

// ProviderView is an identity provider.
type ProviderView struct {
	Name, Title string
	Action      string // target of its button
}

// AwayPage is the data of "oauth_away", which leads to an identity provider.
type AwayPage struct{ Title, Address string }

// ConnectionsPart is the section of connected accounts.
type ConnectionsPart struct {
	Connections []ConnectionView
	Providers   []ProviderView // providers that may be connected
}

// ConnectionView is a connected account.
type ConnectionView struct {
	ID, Provider, Title, Label string
	Added                      time.Time
}

// RegisterPage is the data of "register".
type RegisterPage struct {
	Usernames        bool
	UsernameRequired bool
	Confirm          bool // the password is typed twice
	Keyless          bool // the password is optional
	Link             bool // there is no password: users sign in with a mailed link
	MinLength        int
	Fields           []FieldView // profile fields
}

// FieldView is a profile field in a form.
type FieldView struct {
	Name, Label, Kind string
	Required          bool
	Options           []string
	Min, Max          int    // bounds of the length of a text
	Value             string // value of a text or a choice
	Checked           bool
	Complete          string // value of HTML's autocomplete, or empty
}

// ProfilePage is the data of "profile".
type ProfilePage struct{ Fields []FieldView }

// AskPage is the data of "ask", which asks for an address to send a mail to. Its texts are
// ask_<kind>_title, _lead and _submit.
type AskPage struct {
	Kind   string // confirm, reset, username
	Action string
	Email  string // prefilled
	Sent   bool   // the mail was sent, if an account matches
}

// NewPassword is the data of the part "new_password": a field for a new password, a hint about its
// strength that is computed in the browser, and a field to repeat it.
type NewPassword struct {
	Field     string // name of the first field; the second is <name>_confirm
	MinLength int
	Twice     bool
	Focus     bool
	Optional  bool // the password is optional
	// Owner is the account's identity, for password managers. It is empty if the form asks for it.
	Owner string
}

// NewPassword returns the page for the part "new_password".
func (p *Page) NewPassword(field string, minLength int, twice, focus bool) *Page {
	register, _ := p.Data.(RegisterPage)
	n := NewPassword{Field: field, MinLength: minLength, Twice: twice, Focus: focus, Optional: register.Keyless}
	if choose, ok := p.Data.(ChoosePage); ok {
		n.Owner = choose.Email
	} else if p.User != nil {
		n.Owner = p.User.Email
	}
	return p.Part(n)
}

// Chooses reports whether a new password is chosen on this page.
func (p *Page) Chooses() bool {
	return slices.Contains([]string{"register", "choose", "change"}, p.Name)
}

// ChangePage is the data of "change", "change_email" and "change_username".
type ChangePage struct {
	Has       bool // there is a password, a username
	Confirm   bool // the new password is typed twice
	MinLength int
	Current   string // address or username
}

// SetupPage is the data of "tf_setup": the user's factors and the available methods.
type SetupPage struct {
	Required bool           // a second factor is required
	Pending  bool           // requested by a sign-in that must set up a factor
	Current  *FactorView    // the primary factor, if there is one
	Factors  []FactorView   // all factors
	Methods  []MethodChoice // available methods, in display order
	Disable  bool           // turning two-factor authentication off is offered
	Add      bool           // add a factor instead of replacing one
	Open     string         // method of a set-up that waits for its code at URL.Validate
	Passkey  bool           // a passkey may be set up, at URL.WanRegister
	Region   string         // region of phone numbers without country code
}

// MethodChoice is an available method.
type MethodChoice struct {
	Method string
	Weak   bool // marked as weaker than the others
}

// FactorView is one factor of the user.
type FactorView struct {
	ID, Method, Name, Destination string // destination masked
	Added, LastUsed               time.Time
	Primary                       bool
	Action                        string // target of its forms, on the separate list
	Digits                        int    // number of digits of its codes, at a sign-in
}

// ValidatePage is the data of "tf_validate", which asks for the code of a sign-in.
type ValidatePage struct {
	Method      string
	Destination string      // masked
	Name        string      // name of the factor
	Digits      int         // number of digits of its codes
	Sent        bool        // this method sends codes, so another one may be requested
	Rescued     bool        // a rescue code was mailed and is accepted instead
	Several     bool        // another factor can be chosen
	Instead     *FactorView // alternative if a code could not be sent, or nil
	Verify      bool        // re-authentication of a signed-in user
	Rescue      []string    // "help", "email", "recovery_code"
	Meanwhile   string      // alternatives while codes are paused: "recovery_code", "webauthn", "both" or ""
	Life        time.Duration
}

// SelectPage is the data of "tf_select".
type SelectPage struct {
	Factors []FactorView
	Verify  bool
	Codes   bool // a recovery code is accepted instead
}

// AccountPage is the data of "account". Each section of the page has a field here, a template
// account_*.html and a function in profileSteps.sections.
type AccountPage struct {
	Recovery    *RecoveryPart // nil if none was requested
	News        NewsPart
	Checks      []Check // checks of the account's protection
	ByMailbox   bool    // the first factor is the mailbox, not a password
	Factors     FactorsPart
	Codes       CodesPart
	Session     SessionPart
	Sessions    SessionsPage
	Devices     DevicesPage
	Trusts      bool // browsers can be trusted
	Password    bool // there is a password
	Connections ConnectionsPart
	Recent      []Happened
	Attempts    []Happened // failed attempts, counted by kind
	Passkeys    PasskeysPart
	Language    LanguagePart
	Profile     []FieldView // empty if there are no profile fields
}

// Check is one check of the account's protection, with the text "check_" + Key. If it is not Good,
// it may have a link to fix it, with the text "check_" + Key + "_do".
type Check struct {
	Key  string
	Good bool
	N    int    // a number for the text
	To   string // target of the link, or empty
}

// SessionPart is the section about the current session.
type SessionPart struct {
	Level    int // 1 or 2
	Trusted  bool
	Proofs   []ProofView
	SignedIn time.Time
	SignIns  storage.SignIns // zero if sign-ins are not counted
	Rescued  bool            // a recovery code or a rescue code replaced the second factor
}

// ProofView is a proven factor of the session.
type ProofView struct {
	Method string
	At     time.Time
	Both   bool // a passkey that counts as both factors
}

// NotMePage is the data of "not_me": the answer to a notice.
type NotMePage struct {
	Action string // target of the button
	Done   bool   // all sessions were ended
}

// MessagePage is the data of "message": an error that has no page of its own.
type MessagePage struct {
	Status    int
	Back      string // target of the link
	Reference string // ID of the request in the log, if an operator is needed
}

// URLs contains the paths of the installation.
type URLs struct {
	Login, Logout, Register, Verify         string
	Setup, Validate, Select, Rescue, Resend string
	NotMe, Sessions, Devices, Recovery      string
	Factors, Codes, UseCode                 string
	Notices, Language                       string
	OAuth                                   OAuthPaths
	Life                                    LifePaths // empty if off
	Leaving                                 LeavingPaths
	// Paths of passkeys; empty if passkeys are off.
	WanRegister, WanSignin, WanDelete, WanVerify string
	Account, Static                              string
	Profile                                      string // empty if there are no profile fields
	PostLogin, PostLogout                        string
	Unified                                      UnifiedPaths // empty if unified sign-in is off
	Tokens                                       TokenPaths   // empty if there are no tokens
}

// used returns the paths of features that may be off.
func (u URLs) used() []string {
	all := append(u.Unified.all(), u.Tokens.Refresh, u.Tokens.Personal, u.Tokens.Check, u.Profile, u.WanRegister,
		u.WanSignin, u.WanDelete, u.WanVerify, u.Account)
	return slices.DeleteFunc(all, func(path string) bool { return path == "" })
}
