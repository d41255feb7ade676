package transfer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Draft is an account that a reader is composing.
type Draft struct {
	Account
	refused, left []string
}

// Refuse adds a reason for which the account cannot be imported.
func (d *Draft) Refuse(format string, a ...any) { d.refused = add(d.refused, format, a) }

// Leave adds something that is not imported with the account.
func (d *Draft) Leave(format string, a ...any) { d.left = add(d.left, format, a) }

func add(list []string, format string, a []any) []string {
	s := plainText(fmt.Sprintf(format, a...))
	if len(list) >= 8 || slices.Contains(list, s) { // one account must not fill the report
		return list
	}
	return append(list, s)
}

// AddAddress adds an address, unless it is empty or the account already has it.
func (d *Draft) AddAddress(a Address) {
	a.Address = strings.TrimSpace(a.Address)
	for _, had := range d.Addresses {
		if a.Address == "" || strings.EqualFold(had.Address, a.Address) {
			return
		}
	}
	if a.Address != "" {
		d.Addresses = append(d.Addresses, a)
	}
}

// AddRole adds a role, unless it is empty or the account already has it.
func (d *Draft) AddRole(name string) {
	if name != "" && !slices.Contains(d.Roles, name) {
		d.Roles = append(d.Roles, name)
	}
}

// SetUsername sets the username. A username that repeats an address is left out,
// because users can sign in with the address. Call AddAddress first.
func (d *Draft) SetUsername(name string) {
	for _, a := range d.Addresses {
		if strings.EqualFold(a.Address, name) {
			return
		}
	}
	d.Username = name
}

// SetField sets a profile field, unless it is empty.
func (d *Draft) SetField(name, value string) {
	if value == "" || name == "" {
		return
	}
	if d.Fields == nil {
		d.Fields = map[string]any{}
	}
	d.Fields[name] = value
}

// AddCode adds a plain recovery code. A code that cannot be typed here is left out,
// and a duplicate is ignored.
func (d *Draft) AddCode(c RecoveryCode) {
	bare := strings.Trim(strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(c.Plain)),
		"abcdefghijklmnopqrstuvwxyz0123456789")
	if n := len(c.Plain); bare != "" || n < minCode || n > maxCode {
		d.Leave("a recovery code that does not have %d to %d letters and digits", minCode, maxCode)
		return
	}
	for _, had := range d.RecoveryCodes {
		if had.Plain == c.Plain {
			return
		}
	}
	d.RecoveryCodes = append(d.RecoveryCodes, c)
}

// HasSecond reports whether the account has a second factor other than recovery
// codes.
func (d *Draft) HasSecond() bool {
	second := func(use string) bool { return use != UseFirst }
	return slices.ContainsFunc(d.Authenticators, func(f Authenticator) bool { return second(f.Use) }) ||
		slices.ContainsFunc(d.Passkeys, func(f Passkey) bool { return second(f.Use) }) ||
		slices.ContainsFunc(d.Phones, func(f Phone) bool { return second(f.Use) }) ||
		slices.ContainsFunc(d.Mailboxes, func(f Mailbox) bool { return second(f.Use) })
}

// Entry checks the account and returns it as an entry of a source.
func (d *Draft) Entry(line int64) Entry {
	e := Entry{Line: line, Account: d.Account, Left: d.left}
	problems := append(slices.Clone(d.refused), d.Check()...)
	texts := []string{d.ID, d.Username}
	for _, a := range d.Addresses {
		texts = append(texts, a.Address)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }) {
		problems = append(problems, "a name has a character that is not valid UTF-8")
	}
	e.Refused = strings.Join(problems, "; ")
	return e
}

// issuers are the issuers of sites that other systems name by a word. GitHub has no
// issuer of OpenID Connect; package federated uses its address.
var issuers = map[string]string{
	"google":  "https://accounts.google.com",
	"github":  "https://github.com",
	"gitlab":  "https://gitlab.com",
	"apple":   "https://appleid.apple.com",
	"twitch":  "https://id.twitch.tv/oauth2",
	"slack":   "https://slack.com",
	"line":    "https://access.line.me",
	"spotify": "https://accounts.spotify.com",
}

// Issuer returns the issuer of a site that other systems name by a word, or "".
func Issuer(name string) string { return issuers[strings.ToLower(name)] }
