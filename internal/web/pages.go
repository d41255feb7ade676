package web

import (
	"html/template"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/store"
)

// Page is what every template gets. Templates call {{.T "key"}} for words, so
// a page needs no other copy of any text.
type Page struct {
	// Name is the template's name without ".html": login, register, verify,
	// tf_setup, tf_confirm, tf_validate, tf_select, tf_sessions, tf_devices,
	// tf_recovery, account, not_me, message.
	Name  string
	Lang  string // BCP 47, for the html element
	Site  string // the name of the site
	URL   URLs   // paths of this installation, prefix included
	CSRF  string // value of the hidden field csrf_token
	Next  string // checked path to go to afterwards; may be empty
	Notes []Note // flashed by the step before
	// Problems are all errors, for the summary on top; Field(name) gives those
	// of one field.
	Problems []Problem
	Values   map[string]string // what was typed, but never a password or a code
	User     *UserView         // who is signed in, if anybody
	Data     any               // one of the structs below
	Paused   time.Time         // when what was refused for now can be tried again; zero: nothing was
	Look     Look              // logo, style sheets and links of the site
	App      any               // what the application adds, for templates of its own
	Wait     int               // seconds until another code can be asked for
	Captcha  *captcha.Widget   // to be answered with the form; nil: none
	now      time.Time
	assets   *assets
	words    *Words
}

// Problem is an error that stands by a field, or, with an empty Field, by none.
type Problem struct{ Field, Text string }

// Note is a flashed message. Kind is success, info or error.
type Note struct{ Kind, Text string }

// Part is the page with other data, for a template that is part of several pages.
func (p *Page) Part(data any) *Page {
	part := *p
	part.Data = data
	return &part
}

// Scripted says whether the page needs the script of passkeys.
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

// Within says a duration in words: "5 minutes".
func (p *Page) Within(d time.Duration) string { return p.words.Duration(d) }

// When says a time as the language writes it.
func (p *Page) When(t time.Time) template.HTML {
	t = t.UTC()
	text := template.HTMLEscapeString(p.words.when(t))
	return template.HTML(`<time datetime="` + t.Format("2006-01-02T15:04:05Z") + `">` + text + `</time>`)
}

// Clock says a time of today.
func (p *Page) Clock(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(`<time data-short datetime="` + t.Format("2006-01-02T15:04:05Z") + `">` + t.Format("15:04 UTC") + `</time>`)
}

// Today is the date, as the language writes it, for sheets that are kept.
func (p *Page) Today() string { return p.words.date(p.now) }

// Asset is the path of one of our static files, with a mark of what it holds, so
// that browsers may keep it for good.
func (p *Page) Asset(name string) string {
	if p.assets == nil {
		return p.URL.Static + "/" + name
	}
	return p.URL.Static + "/" + p.assets.named(name)
}

// Summary says that errors are listed on top: where there are several. A single
// one stands where it belongs.
func (p *Page) Summary() bool {
	if p.Name == "message" || p.Name == "tf_validate" && !p.Paused.IsZero() {
		return false // the page itself says it
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

// Listed are the errors of the summary: what is said of two fields is listed
// once.
func (p *Page) Listed() (out []Problem) {
	for _, e := range p.Problems {
		if !slices.ContainsFunc(out, func(o Problem) bool { return o.Text == e.Text }) {
			out = append(out, e)
		}
	}
	return out
}

// MethodName is the name of a method for people.
func (p *Page) MethodName(method string) string { return p.words.Text("method_" + method) }

// Browser is the name of a browser in the language of the page.
func (p *Page) Browser(name string) string { return p.words.browser(name) }

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

// UserView is the signed-in user as pages show it.
type UserView struct {
	ID, Email, Username string
	Roles               []string
}

// LoginPage is the data of "login".
type LoginPage struct {
	Usernames  bool          // a username may be given in place of the e-mail address
	Remember   bool          // the box is ticked
	Register   bool          // registration is open
	RememberTF bool          // remembering skips the second factor for Trust
	Stay       time.Duration // remembering lets the browser stay signed in for so long; zero: it does not
	Passkey    bool          // a passkey may stand in the password's place
	Codes      []string      // methods that send a code in its place
	Link       bool          // a mailed link stands there, for everybody
	Sent       bool          // and was sent, if an account matches
	Trust      time.Duration
	Providers  []ProviderView // other sites to sign in through
}

// SwitchPage is the data of "switch": who is signed in here, for someone who
// meant to sign in to another account.
type SwitchPage struct {
	To    string // where to go on
	Email string
}

// VerifyPage is the data of "verify".
type VerifyPage struct {
	Passkey   bool // the user has one that will do in place of the password
	Keyless   bool // there is no password: signing in again is what proves it
	Providers []ProviderView
}

// ProviderView is another site to sign in through.
type ProviderView struct {
	Name, Title string
	Action      string // where its button posts
}

// AwayPage is the data of "oauth_away": the browser is leaving for another site.
type AwayPage struct{ Title, Address string }

// ConnectionsPart is the section of accounts at other sites.
type ConnectionsPart struct {
	Connections []ConnectionView
	Providers   []ProviderView // may be connected
}

// ConnectionView is an account at another site.
type ConnectionView struct {
	ID, Provider, Title, Label string
	Added                      time.Time
}

// RegisterPage is the data of "register".
type RegisterPage struct {
	Usernames        bool
	UsernameRequired bool
	Confirm          bool // the password is typed twice
	Keyless          bool // it may be left out
	Link             bool // there is none: people sign in with a mailed link
	MinLength        int
	Fields           []FieldView // of the profile
}

// FieldView is a profile field in a form.
type FieldView struct {
	Name, Label, Kind string
	Required          bool
	Options           []string
	Min, Max          int    // length of a text
	Value             string // of a text or a choice
	Checked           bool
	Complete          string // what a browser may fill in (HTML's autocomplete); empty: nothing
}

// ProfilePage is the data of "profile".
type ProfilePage struct{ Fields []FieldView }

// AskPage is the data of "ask": an address that something shall be mailed to.
// Its texts are ask_<kind>_title, _lead and _submit.
type AskPage struct {
	Kind   string // confirm, reset, username
	Action string
	Email  string // filled in
	Sent   bool   // it was mailed, if there is something to mail
}

// NewPassword is the data of the part "new_password": a field for a new
// password, a hint on its strength that leaves the browser nowhere, and the
// same once more.
type NewPassword struct {
	Field     string // name of the first field; the second is <name>_confirm
	MinLength int
	Twice     bool
	Focus     bool
	Optional  bool // it may be left out
	// Owner is whose it is, for password managers; empty where the form itself asks.
	Owner string
}

// NewPassword is the page as the part "new_password" wants it.
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

// Chooses says that a new password is chosen on this page.
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

// SetupPage is the data of "tf_setup": what the user has and may choose.
type SetupPage struct {
	Required bool           // a second factor must be kept
	Pending  bool           // asked by a sign-in that must enrol first
	Current  *FactorView    // the primary factor, if there is one
	Factors  []FactorView   // all of them
	Methods  []MethodChoice // may be set up, in display order
	Disable  bool           // switching off is offered
	Add      bool           // meant to be added, not to replace
	Open     string         // method of a set-up that waits for its code at URL.Validate
	Passkey  bool           // one may be set up, at URL.WanRegister
	Region   string         // of phone numbers without country code
}

// MethodChoice is a method on offer.
type MethodChoice struct {
	Method string
	Weak   bool // marked as weaker than the others
}

// FactorView is one factor of the user.
type FactorView struct {
	ID, Method, Name, Destination string // destination masked
	Added, LastUsed               time.Time
	Primary                       bool
	Action                        string // where its forms post, on a list of one's own
	Digits                        int    // of its codes, at a sign-in
}

// ValidatePage is the data of "tf_validate": the code of a sign-in.
type ValidatePage struct {
	Method      string
	Destination string      // masked
	Name        string      // of the factor
	Digits      int         // of its codes
	Sent        bool        // this method sends codes, so another may be asked for
	Rescued     bool        // a code was mailed and may be given instead
	Several     bool        // there is another way to choose
	Instead     *FactorView // offered because a code could not be sent; nil: nothing
	Verify      bool        // re-authentication of a signed-in user
	Rescue      []string    // "help", "email", "recovery_code"
	Meanwhile   string      // what works while codes are paused: "recovery_code", "webauthn", "both" or nothing
	Life        time.Duration
}

// SelectPage is the data of "tf_select".
type SelectPage struct {
	Factors []FactorView
	Verify  bool
	Codes   bool // a recovery code will do instead
}

// AccountPage is the data of "account". Each section of the page has a part of
// its own here, a template account_*.html and a function in Site.sections.
type AccountPage struct {
	Recovery    *RecoveryPart // nil: none was asked for
	News        NewsPart
	Checks      []Check // what protects the account and what is missing
	ByMailbox   bool    // the mailbox is the first factor, not a password
	Factors     FactorsPart
	Codes       CodesPart
	Session     SessionPart
	Sessions    SessionsPage
	Devices     DevicesPage
	Trusts      bool // browsers can be trusted here
	Password    bool // there is one
	Connections ConnectionsPart
	Lately      []Happened
	Attempts    []Happened // failed ones, counted by kind
	Passkeys    PasskeysPart
	Language    LanguagePart
	Profile     []FieldView // empty: there are no profile fields
}

// Check is one line of what protects the account: the text is
// "check_" + Key. One that is not Good may say where to mend it, with the text
// "check_" + Key + "_do".
type Check struct {
	Key  string
	Good bool
	N    int    // a number for the text
	To   string // path; empty if nothing can be done
}

// SessionPart is the section of this session.
type SessionPart struct {
	Level    int // 1 or 2
	Trusted  bool
	Proofs   []ProofView
	SignedIn time.Time
	SignIns  store.SignIns // zero where they are not counted
	Rescued  bool          // a recovery code, or one that was mailed, stood in for a second step
}

// ProofView is a proven factor of the session.
type ProofView struct {
	Method string
	At     time.Time
	Both   bool // a passkey that is both factors
}

// NotMePage is the data of "not_me": the answer to a notice.
type NotMePage struct {
	Action string // where the button posts
	Done   bool   // everything was ended
}

// MessagePage is the data of "message": an error that has no page of its own.
type MessagePage struct {
	Status    int
	Back      string // where to go from here
	Reference string // id of the request in the log, where an operator is needed
}

// URLs are the paths of the installation.
type URLs struct {
	Login, Logout, Register, Verify         string
	Setup, Validate, Select, Rescue, Resend string
	NotMe, Sessions, Devices, Recovery      string
	Factors, Codes, UseCode                 string
	Notices, Language                       string
	OAuth                                   OAuthPaths
	Life                                    LifePaths // what is switched off is empty
	Leaving                                 LeavingPaths
	// Of passkeys; empty where there are none.
	WanRegister, WanSignin, WanDelete, WanVerify string
	Account, Static                              string
	Profile                                      string // empty: there are no profile fields
	PostLogin, PostLogout                        string
	Unified                                      UnifiedPaths // empty: there is none
	Tokens                                       TokenPaths   // empty: there are none
}

// used are the paths of features that may be off.
func (u URLs) used() []string {
	all := append(u.Unified.all(), u.Tokens.Refresh, u.Tokens.Personal, u.Tokens.Check, u.Profile, u.WanRegister, u.WanSignin, u.WanDelete, u.WanVerify, u.Account)
	return slices.DeleteFunc(all, func(path string) bool { return path == "" })
}
