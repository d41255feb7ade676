package transfer

import "time"

// Account is one account: one line of the file. A field that the other system does
// not have is empty.
type Account struct {
	// ID is the account's ID in the other system. A second import of the same
	// source finds the account by it.
	ID string `json:"id"`
	// Addresses are the e-mail addresses. The first one becomes the address of the
	// account. Twofold keeps one address, so the others are reported and left out.
	Addresses []Address `json:"addresses,omitempty"`
	Username  string    `json:"username,omitempty"`
	Roles     []string  `json:"roles,omitempty"`
	// Active is false for an account that is switched off. Every line must contain
	// it.
	Active   bool      `json:"active"`
	Created  time.Time `json:"created,omitzero"`
	Language string    `json:"language,omitempty"` // BCP 47 tag for mails and text messages
	// Fields are profile fields by name: strings, numbers and booleans.
	Fields map[string]any `json:"fields,omitempty"`

	Password       *Password       `json:"password,omitempty"` // nil if it has none
	Authenticators []Authenticator `json:"authenticators,omitempty"`
	Phones         []Phone         `json:"phones,omitempty"`
	Mailboxes      []Mailbox       `json:"mailboxes,omitempty"`
	RecoveryCodes  []RecoveryCode  `json:"recovery_codes,omitempty"`
	Passkeys       []Passkey       `json:"passkeys,omitempty"`
	Connections    []Connection    `json:"connections,omitempty"`
	SignIns        *SignIns        `json:"sign_ins,omitempty"`
}

// Address is an e-mail address. It is proven only if the source says so.
type Address struct {
	Address  string    `json:"address"`
	Proven   bool      `json:"proven,omitempty"`
	ProvenAt time.Time `json:"proven_at,omitzero"`
}

// Password is a password as the other system stores it: a hash in parts, or a Value
// that is the line of the other system. The fields are those of legacy.Spec.
type Password struct {
	Scheme string            `json:"scheme,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Value  string            `json:"value"`
	// Pre names what the other system did to the password before it hashed it:
	// "none", "nfkd", "flask" (base64 of its HMAC-SHA512), "flask,k=NAME" or
	// "pepper,k=NAME". NAME is the name of a secret in the settings. The file never
	// contains that secret.
	Pre string `json:"pre,omitempty"`
}

// Uses of factors.
const (
	UseFirst  = "first"  // replaces the password
	UseSecond = "second" // the second factor; the default
)

// Authenticator is an authenticator app (RFC 6238).
type Authenticator struct {
	Secret    Base32    `json:"secret"`
	Digits    int       `json:"digits,omitempty"`    // 6 to 8; 6 if zero
	Period    int       `json:"period,omitempty"`    // in seconds; 30 if zero
	Algorithm string    `json:"algorithm,omitempty"` // SHA1 (the default), SHA256 or SHA512
	LastStep  int64     `json:"last_step,omitempty"` // newest accepted step
	Name      string    `json:"name,omitempty"`
	Use       string    `json:"use,omitempty"`
	Primary   bool      `json:"primary,omitempty"` // the default at sign-in
	Created   time.Time `json:"created,omitzero"`
	Used      time.Time `json:"used,omitzero"`
}

// Phone is a phone number to which codes are sent.
type Phone struct {
	Number  string    `json:"number"` // E.164
	Name    string    `json:"name,omitempty"`
	Use     string    `json:"use,omitempty"`
	Primary bool      `json:"primary,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// Mailbox is an e-mail address to which codes are sent. If Address is empty, it is
// the address of the account.
type Mailbox struct {
	Address string    `json:"address,omitempty"`
	Name    string    `json:"name,omitempty"`
	Use     string    `json:"use,omitempty"`
	Primary bool      `json:"primary,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// RecoveryCode is a code that was not used yet, in the clear or hashed.
type RecoveryCode struct {
	Plain string `json:"plain,omitempty"`
	// Scheme specifies how Value was made: "bcrypt", or "twofold", which needs Key
	// and User. docs/transfer.md lists the schemes.
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
	// FlagsUnknown reports whether the source lacks the next two fields. The first
	// sign-in sets them.
	FlagsUnknown bool `json:"flags_unknown,omitempty"`
	// BackupEligible must equal the value that the authenticator reports. Otherwise
	// sign-ins are refused.
	BackupEligible bool   `json:"backup_eligible,omitempty"`
	BackedUp       bool   `json:"backed_up,omitempty"`
	UserVerified   bool   `json:"user_verified,omitempty"` // at least once
	Attachment     string `json:"attachment,omitempty"`
	AAGUID         Base64 `json:"aaguid,omitempty"`
	// UserHandle is the user handle that the authenticator stores. If the source
	// does not have it, it is empty and the first sign-in sets it.
	UserHandle   Base64    `json:"user_handle,omitempty"`
	Discoverable *bool     `json:"discoverable,omitempty"` // nil if unknown
	Name         string    `json:"name,omitempty"`
	Use          string    `json:"use,omitempty"`
	Primary      bool      `json:"primary,omitempty"`
	Created      time.Time `json:"created,omitzero"`
	Used         time.Time `json:"used,omitzero"`
}

// Connection is an account at another site that opens this account.
type Connection struct {
	Provider string    `json:"provider,omitempty"` // name of the site in the settings, e.g. "google"
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created,omitzero"`
}

// SignIns counts an account's sign-ins.
type SignIns struct {
	Count          int64     `json:"count"`
	CurrentAt      time.Time `json:"current_at,omitzero"`
	LastAt         time.Time `json:"last_at,omitzero"`
	CurrentAddress string    `json:"current_address,omitempty"`
	LastAddress    string    `json:"last_address,omitempty"`
}

// Role is a role with its permissions.
type Role struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
}
