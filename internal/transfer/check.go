package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of an account. An account that exceeds them is refused.
const (
	maxID      = 255
	maxText    = 255
	maxList    = 64 // of addresses, roles, factors of a kind, connections
	maxCodes   = 64
	maxFields  = 64
	maxField   = 4096
	maxSecret  = 128  // of an app's key, in bytes
	MinSecret  = 10   // in bytes: what several systems make, less than RFC 4226 requires
	maxCredID  = 1023 // WebAuthn section 4
	maxHandle  = 64   // WebAuthn section 5.4.3
	maxCOSE    = 4096
	maxHash    = 4096
	minCode    = 6
	maxCode    = 64
	maxStep    = 1 << 40
	maxSignIns = 1 << 50
)

// checker collects problems.
type checker struct{ problems []string }

func (c *checker) bad(format string, a ...any) {
	if len(c.problems) < 8 { // one account must not fill the report
		c.problems = append(c.problems, fmt.Sprintf(format, a...))
	}
}

// Check returns the problems of form and size of the account. The engine checks
// whether an address is valid, a hash is known or a name is taken.
func (a Account) Check() []string {
	c := &checker{}
	if a.ID == "" || len(a.ID) > maxID || !printable(a.ID) {
		c.bad("id must have 1 to %d bytes, without control characters", maxID)
	}
	c.list("addresses", len(a.Addresses), maxList)
	c.list("roles", len(a.Roles), maxList)
	c.text("username", a.Username)
	c.text("language", a.Language)
	for _, r := range a.Roles {
		c.text("role", r)
	}
	for _, d := range a.Addresses {
		c.text("address", d.Address)
		c.time("proven_at", d.ProvenAt)
	}
	c.time("created", a.Created)
	c.fields(a.Fields)
	c.password(a.Password)
	c.authenticators(a.Authenticators)
	c.codesTo(a.Phones, a.Mailboxes)
	c.recovery(a.RecoveryCodes)
	c.passkeys(a.Passkeys)
	c.connections(a.Connections)
	c.signIns(a.SignIns)
	c.primaries(a)
	return c.problems
}

func (c *checker) list(name string, n, limit int) {
	if n > limit {
		c.bad("%s: more than %d", name, limit)
	}
}

func (c *checker) text(name, s string) {
	if len(s) > maxText || !printable(s) {
		c.bad("%s: longer than %d bytes, or with control characters", name, maxText)
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// time checks that microseconds since 1970 can represent t, and JSON its year.
func (c *checker) time(name string, t time.Time) {
	if !t.IsZero() && (t.Year() < 1970 || t.Year() > 9999) {
		c.bad("%s: not between the years 1970 and 9999", name)
	}
}

func (c *checker) fields(fields map[string]any) {
	c.list("fields", len(fields), maxFields)
	for name, v := range fields {
		c.text("name of a field", name)
		switch v := v.(type) {
		case string:
			if len(v) > maxField {
				c.bad("a field has more than %d bytes", maxField)
			}
		case json.Number:
			c.text("number in a field", v.String())
		case bool, float64, int, int64:
		default:
			c.bad("a field is not a text, a number or a boolean")
		}
	}
}

func (c *checker) password(p *Password) {
	if p == nil {
		return
	}
	if p.Value == "" || len(p.Value) > maxHash {
		c.bad("password: value must have 1 to %d bytes", maxHash)
	}
	c.text("password: scheme", p.Scheme)
	c.list("password: params", len(p.Params), maxFields)
	for name, v := range p.Params {
		c.text("password: name of a parameter", name)
		if len(v) > maxHash {
			c.bad("password: a parameter has more than %d bytes", maxHash)
		}
	}
	c.text("password: pre", p.Pre)
}

func (c *checker) use(kind, use string) {
	if use != "" && use != UseFirst && use != UseSecond {
		c.bad("%s: use must be %q or %q", kind, UseFirst, UseSecond)
	}
}

func (c *checker) times(kind string, created, used time.Time) {
	c.time(kind+": created", created)
	c.time(kind+": used", used)
}

func (c *checker) authenticators(list []Authenticator) {
	c.list("authenticators", len(list), maxList)
	for _, a := range list {
		const kind = "authenticator"
		if len(a.Secret) < MinSecret || len(a.Secret) > maxSecret {
			c.bad("%s: secret must have %d to %d bytes", kind, MinSecret, maxSecret)
		}
		if a.Digits != 0 && (a.Digits < 6 || a.Digits > 8) {
			c.bad("%s: digits must be 6, 7 or 8", kind)
		}
		if a.Period != 0 && a.Period != 30 && a.Period != 60 {
			c.bad("%s: period must be 30 or 60 seconds", kind)
		}
		if !slices.Contains([]string{"", "SHA1", "SHA256", "SHA512"}, a.Algorithm) {
			c.bad("%s: algorithm must be SHA1, SHA256 or SHA512", kind)
		}
		if a.LastStep < 0 || a.LastStep > maxStep {
			c.bad("%s: last_step is not a step", kind)
		}
		c.text(kind+": name", a.Name)
		c.use(kind, a.Use)
		c.times(kind, a.Created, a.Used)
	}
}

func (c *checker) codesTo(phones []Phone, mailboxes []Mailbox) {
	c.list("phones", len(phones), maxList)
	c.list("mailboxes", len(mailboxes), maxList)
	for _, p := range phones {
		c.text("phone: number", p.Number)
		if p.Number == "" {
			c.bad("phone: number is missing")
		}
		c.text("phone: name", p.Name)
		c.use("phone", p.Use)
		c.times("phone", p.Created, p.Used)
	}
	for _, m := range mailboxes {
		c.text("mailbox: address", m.Address)
		c.text("mailbox: name", m.Name)
		c.use("mailbox", m.Use)
		c.times("mailbox", m.Created, m.Used)
	}
}

func (c *checker) recovery(list []RecoveryCode) {
	c.list("recovery_codes", len(list), maxCodes)
	seen := map[string]bool{}
	for _, r := range list {
		switch {
		case (r.Plain == "") == (r.Value == ""):
			c.bad("recovery code: needs either plain or scheme and value")
		case r.Plain != "" && (len(r.Plain) < minCode || len(r.Plain) > maxCode || !printable(r.Plain)):
			c.bad("recovery code: plain must have %d to %d characters", minCode, maxCode)
		case r.Value != "" && (r.Scheme == "" || len(r.Value) > maxHash):
			c.bad("recovery code: a value needs a scheme, and has at most %d bytes", maxHash)
		case seen[r.Plain+"\x00"+r.Value]:
			c.bad("recovery code: one is duplicated")
		}
		seen[r.Plain+"\x00"+r.Value] = true
		c.text("recovery code: scheme", r.Scheme)
		c.text("recovery code: user", r.User)
		c.time("recovery code: created", r.Created)
		if len(r.Key) > maxSecret {
			c.bad("recovery code: key has more than %d bytes", maxSecret)
		}
	}
}

func (c *checker) passkeys(list []Passkey) {
	c.list("passkeys", len(list), maxList)
	for _, p := range list {
		const kind = "passkey"
		if len(p.CredentialID) == 0 || len(p.CredentialID) > maxCredID {
			c.bad("%s: credential_id must have 1 to %d bytes", kind, maxCredID)
		}
		if len(p.PublicKey) == 0 || len(p.PublicKey) > maxCOSE {
			c.bad("%s: public_key must have 1 to %d bytes", kind, maxCOSE)
		}
		if len(p.UserHandle) > maxHandle {
			c.bad("%s: user_handle must have at most %d bytes", kind, maxHandle)
		}
		if len(p.AAGUID) != 0 && len(p.AAGUID) != 16 {
			c.bad("%s: aaguid must have 16 bytes", kind)
		}
		if p.BackedUp && !p.BackupEligible {
			c.bad("%s: marked as backed up but not backup-eligible", kind)
		}
		if p.FlagsUnknown && p.BackupEligible {
			c.bad("%s: flags_unknown and backup_eligible contradict each other", kind)
		}
		c.list(kind+": transports", len(p.Transports), 16)
		for _, t := range p.Transports {
			c.text(kind+": transport", t)
		}
		c.text(kind+": attachment", p.Attachment)
		c.text(kind+": name", p.Name)
		c.use(kind, p.Use)
		c.times(kind, p.Created, p.Used)
	}
}

func (c *checker) connections(list []Connection) {
	c.list("connections", len(list), maxList)
	for _, n := range list {
		if n.Issuer == "" || n.Subject == "" {
			c.bad("connection: needs an issuer and a subject")
		}
		for _, s := range []string{n.Provider, n.Issuer, n.Subject, n.Label} {
			c.text("connection", s)
		}
		c.time("connection: created", n.Created)
	}
}

func (c *checker) signIns(s *SignIns) {
	if s == nil {
		return
	}
	if s.Count < 0 || s.Count > maxSignIns {
		c.bad("sign_ins: count is not a number of sign-ins")
	}
	c.time("sign_ins: current_at", s.CurrentAt)
	c.time("sign_ins: last_at", s.LastAt)
	c.text("sign_ins: current_address", s.CurrentAddress)
	c.text("sign_ins: last_address", s.LastAddress)
}

// primaries checks that at most one second factor is the default.
func (c *checker) primaries(a Account) {
	n := 0
	count := func(primary bool, use string) {
		if primary && use == UseFirst {
			c.bad("a factor that begins a sign-in cannot be the primary second factor")
		}
		if primary {
			n++
		}
	}
	for _, f := range a.Authenticators {
		count(f.Primary, f.Use)
	}
	for _, f := range a.Phones {
		count(f.Primary, f.Use)
	}
	for _, f := range a.Mailboxes {
		count(f.Primary, f.Use)
	}
	for _, f := range a.Passkeys {
		count(f.Primary, f.Use)
	}
	if n > 1 {
		c.bad("more than one factor is primary")
	}
}

// check returns the problem of a header, or an empty string.
func (h Header) check() string {
	c := &checker{}
	if h.Source != "" && !ValidSource(h.Source) {
		c.bad("source must have 1 to 64 letters, digits, dots and dashes")
	}
	c.text("rp_id", h.RPID)
	c.list("roles", len(h.Roles), 1000)
	c.list("left_out", len(h.LeftOut), maxList)
	for _, r := range h.Roles {
		c.text("role", r.Name)
		c.list("permissions", len(r.Permissions), 1000)
		if r.Name == "" {
			c.bad("a role has no name")
		}
	}
	return strings.Join(c.problems, "; ")
}

// ValidSource reports whether a string can be the name of a source.
func ValidSource(s string) bool {
	return s != "" && len(s) <= 64 &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == ""
}
