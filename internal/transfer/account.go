package transfer

import "time"

// Account is one account: one line of the file. A part that the other system does
// not know stays empty.
type Account struct {
	// ID is the account's id in the other system. It is what makes an import
	// repeatable: a second import of the same source finds the account by it.
	ID string `json:"id"`
	// Addresses are the e-mail addresses. The first one is the account's; Twofold keeps
	// one address, so others are reported and left out.
	Addresses []Address `json:"addresses,omitempty"`
	Username  string    `json:"username,omitempty"`
	Roles     []string  `json:"roles,omitempty"`
	// Active is false for an account that is switched off. A line must say it.
	Active   bool      `json:"active"`
	Created  time.Time `json:"created,omitzero"`
	Language string    `json:"language,omitempty"` // BCP 47 tag of mails and texts
	// Fields are profile fields: texts, numbers and booleans by name.
	Fields map[string]any `json:"fields,omitempty"`

	Password       *Password       `json:"password,omitempty"` // nil: none
	Authenticators []Authenticator `json:"authenticators,omitempty"`
	Phones         []Phone         `json:"phones,omitempty"`
	Mailboxes      []Mailbox       `json:"mailboxes,omitempty"`
	RecoveryCodes  []RecoveryCode  `json:"recovery_codes,omitempty"`
	Passkeys       []Passkey       `json:"passkeys,omitempty"`
	Connections    []Connection    `json:"connections,omitempty"`
	SignIns        *SignIns        `json:"sign_ins,omitempty"`
}

// Address is an e-mail address. An address is proven only if the source says so.
type Address struct {
	Address  string    `json:"address"`
	Proven   bool      `json:"proven,omitempty"`
	ProvenAt time.Time `json:"proven_at,omitzero"`
}

// Password is a password as the other system stores it: a hash in parts, or, with
// nothing but Value, the line that the other system has. The words are those of
// package internal/legacy, whose Spec this is.
type Password struct {
	Scheme string            `json:"scheme,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Value  string            `json:"value"`
	// Pre is what was done to a password before it was hashed: "none", "nfkd", "flask"
	// (base64 of its HMAC-SHA512), "flask,k=NAME" or "pepper,k=NAME". NAME is that of a
	// secret in the settings, which is never in the file.
	Pre string `json:"pre,omitempty"`
}

// What a factor is for.
const (
	UseFirst  = "first"  // in place of the password
	UseSecond = "second" // the second factor; the default
)

// Authenticator is an authenticator app (RFC 6238).
type Authenticator struct {
	Secret    Base32    `json:"secret"`
	Digits    int       `json:"digits,omitempty"`    // 6 to 8; zero: 6
	Period    int       `json:"period,omitempty"`    // seconds; zero: 30
	Algorithm string    `json:"algorithm,omitempty"` // SHA1 (the default), SHA256 or SHA512
	LastStep  int64     `json:"last_step,omitempty"` // newest step that was accepted
	Name      string    `json:"name,omitempty"`
	Use       string    `json:"use,omitempty"`
	Primary   bool      `json:"primary,omitempty"` // the default at sign-in
	Created   time.Time `json:"created,omitzero"`
	Used      time.Time `json:"used,omitzero"`
}

// Phone is a number that codes are sent to.
type Phone struct {
	Number  string    `json:"number"` // E.164
	Name    string    `json:"name,omitempty"`
	Use     string    `json:"use,omitempty"`
	Primary bool      `json:"primary,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// Mailbox is an address that codes are sent to. Address may be left out: then it is
// the account's.
type Mailbox struct {
	Address string    `json:"address,omitempty"`
	Name    string    `json:"name,omitempty"`
	Use     string    `json:"use,omitempty"`
	Primary bool      `json:"primary,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// RecoveryCode is one code that was not used yet: in plain, or hashed.
type RecoveryCode struct {
	Plain string `json:"plain,omitempty"`
	// Scheme names how Value was made: "bcrypt", or "twofold", whose Key and User are
	// what the code was hashed with. docs/transfer.md lists them.
	Scheme  string    `json:"scheme,omitempty"`
	Value   string    `json:"value,omitempty"`
	Key     Base64    `json:"key,omitempty"`
	User    string    `json:"user,omitempty"`
	Created time.Time `json:"created,omitzero"`
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	CredentialID Base64   `json:"credential_id"`
	PublicKey    Base64   `json:"public_key"` // COSE
	Counter      uint32   `json:"counter,omitempty"`
	Transports   []string `json:"transports,omitempty"`
	// FlagsUnknown says that the source does not keep the next two. They become what
	// the first sign-in says.
	FlagsUnknown bool `json:"flags_unknown,omitempty"`
	// BackupEligible must be what the authenticator says: a sign-in that says
	// otherwise is refused.
	BackupEligible bool   `json:"backup_eligible,omitempty"`
	BackedUp       bool   `json:"backed_up,omitempty"`
	UserVerified   bool   `json:"user_verified,omitempty"` // at least once
	Attachment     string `json:"attachment,omitempty"`
	AAGUID         Base64 `json:"aaguid,omitempty"`
	// UserHandle are the bytes that the authenticator has. Empty: the source does not
	// keep them, and they become what the first sign-in says.
	UserHandle   Base64    `json:"user_handle,omitempty"`
	Discoverable *bool     `json:"discoverable,omitempty"` // nil: not known
	Name         string    `json:"name,omitempty"`
	Use          string    `json:"use,omitempty"`
	Primary      bool      `json:"primary,omitempty"`
	Created      time.Time `json:"created,omitzero"`
	Used         time.Time `json:"used,omitzero"`
}

// Connection is an account at another site that opens this account.
type Connection struct {
	Provider string    `json:"provider,omitempty"` // its name in the settings, e.g. "google"
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created,omitzero"`
}

// SignIns is what was counted of an account's sign-ins.
type SignIns struct {
	Count          int64     `json:"count"`
	CurrentAt      time.Time `json:"current_at,omitzero"`
	LastAt         time.Time `json:"last_at,omitzero"`
	CurrentAddress string    `json:"current_address,omitempty"`
	LastAddress    string    `json:"last_address,omitempty"`
}

// Role is a role and what it permits.
type Role struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
}
