package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/legacy"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/password"
)

// draft is a checked account. It lacks only the values that are slow to compute.
type draft struct {
	transfer.Account
	user     storage.User // without ID and version
	line     string       // line for Hasher.Adopt; empty if it has no password
	scheme   string       // of the password
	phones   []string     // the numbers of Phones
	codes    []recovery.Code
	passkeys []passkey.Credential
	left     []string // what is not imported
}

// judge returns the draft of an account, or the reason why it cannot be imported.
// The reason contains no secret.
func (e *Engine) judge(a transfer.Account) (*draft, error) {
	d := &draft{Account: a}
	if err := e.judgePassword(d); err != nil {
		return nil, err
	}
	return d, e.judgeRest(d)
}

// judgeItem is like judge, but for an account that was checked before: its password
// is known.
func (e *Engine) judgeItem(n item) (*draft, error) {
	d := &draft{Account: n.Account, line: n.Password, scheme: n.Scheme}
	return d, e.judgeRest(d)
}

func (e *Engine) judgeRest(d *draft) error {
	if err := e.judgeIdentity(d); err != nil {
		return err
	}
	return e.judgeFactors(d)
}

func (d *draft) leave(format string, a ...any) { d.left = append(d.left, fmt.Sprintf(format, a...)) }

// judgeIdentity checks addresses, username, roles and the like. Only the account's
// own address can be proven, and only if the source says so.
func (e *Engine) judgeIdentity(d *draft) error {
	if len(d.Addresses) == 0 || d.Addresses[0].Address == "" {
		return errors.New("it has no e-mail address")
	}
	first := d.Addresses[0]
	parse := account.ParseNewEmail
	if first.Proven { // it belongs to the owner, in any spelling
		parse = account.ParseEmail
	}
	var err error
	u := &d.user
	if u.Email, u.EmailKey, err = parse(first.Address); errors.Is(err, account.ErrEmailSpelling) {
		return errors.New("its e-mail address has another, plain spelling, and is not proven")
	} else if err != nil {
		return errors.New("its e-mail address is not valid")
	}
	if first.Proven {
		u.ProvenKey, u.ConfirmedAt = u.EmailKey, first.ProvenAt
	}
	if n := len(d.Addresses) - 1; n > 0 {
		d.leave("addresses but the first one")
	}
	if d.Username != "" {
		u.Username, u.UsernameKey, err = account.ParseUsername(d.Username, account.Lengths{Min: 1, Max: 128})
		if err != nil {
			d.leave("usernames with characters other than letters and digits")
		}
	}
	for _, r := range d.Roles {
		switch r = strings.TrimSpace(r); {
		case r == "" || slices.Contains(u.Roles, r):
		case account.CheckNames(r) != nil:
			d.leave("roles whose names have spaces, commas or nonprintable characters")
		default:
			u.Roles = append(u.Roles, r)
		}
	}
	u.Active, u.CreatedAt = d.Active, d.Created
	if d.Language != "" {
		tag, ok := e.c.Language(d.Language)
		if u.Language = tag; !ok {
			u.Language = ""
			d.leave("languages without texts")
		}
	}
	u.Profile = profile.Encode(d.Fields)
	return nil
}

// judgePassword reads the hash. It hashes nothing.
func (e *Engine) judgePassword(d *draft) (err error) {
	p := d.Password
	if p == nil {
		return nil
	}
	if d.line, d.scheme, err = e.lineOf(p); err != nil {
		return fmt.Errorf("its password cannot be imported: %w", err)
	}
	return nil
}

// lineOf returns the stored form of a password. A line of package password is not
// changed.
func (e *Engine) lineOf(p *transfer.Password) (line, scheme string, err error) {
	scheme = legacy.Scheme(p.Value)
	ours := strings.HasPrefix(scheme, "twofold-") || strings.HasPrefix(scheme, "wrapped-")
	if p.Scheme == "" && p.Pre == "" && ours {
		_, err := e.c.Hasher.Adopt(context.Background(), p.Value) // runs no hash, and checks the bounds
		return p.Value, scheme, reason(err)
	}
	line, err = legacy.Text(legacy.Spec{Scheme: p.Scheme, Params: p.Params, Value: p.Value, Pre: p.Pre})
	if err != nil {
		return "", "", reason(err)
	}
	h, err := legacy.Parse(line)
	if err != nil {
		return "", "", reason(err)
	}
	if plain, ok := h.Plain(); ok {
		if plain == "" || len(plain) > password.MaxBytes || strings.ContainsRune(plain, 0) {
			return "", "", errors.New("it is empty or too long")
		}
		return line, h.Scheme, nil
	}
	if h.Weak() {
		return line, h.Scheme, reason(e.c.Hasher.Check(line))
	}
	_, err = e.c.Hasher.Adopt(context.Background(), line) // runs no hash, and checks the bounds
	return line, h.Scheme, reason(err)
}

// reason describes an error of a hash, without the hash.
func reason(err error) error {
	for _, known := range []struct {
		err  error
		text string
	}{
		{legacy.ErrCost, "its hash costs too much"},
		{legacy.ErrKey, "its hash needs a secret that is not in the settings"},
		{legacy.ErrMalformed, "its hash is damaged"},
		{password.ErrMalformed, "its hash is damaged"},
		{legacy.ErrUnknown, "its hash is of an unknown kind"},
		{password.ErrUnknownScheme, "its hash is of an unknown kind"},
	} {
		if errors.Is(err, known.err) {
			return errors.New(known.text)
		}
	}
	return err
}

// judgeFactors refuses an account that would lose a second factor.
func (e *Engine) judgeFactors(d *draft) error {
	for _, p := range d.Phones {
		number, err := onetime.ParsePhone(p.Number, e.c.Region, e.c.Possible)
		if err != nil {
			return fmt.Errorf("its phone number cannot be used: %s", strings.TrimPrefix(err.Error(), "factor: "))
		}
		d.phones = append(d.phones, number)
	}
	for _, m := range d.Mailboxes {
		if m.Address != "" && account.Key(m.Address) != d.user.EmailKey {
			d.leave("mailboxes for codes other than the account's own, which replaces them")
		}
	}
	for _, p := range d.Passkeys {
		c := credentialOf(p)
		if err := c.Check(); err != nil {
			return errors.New(strings.Replace(err.Error(), "passkey: ", "its passkey cannot be used: ", 1))
		}
		d.passkeys = append(d.passkeys, c)
	}
	for _, r := range d.RecoveryCodes {
		d.codes = append(d.codes, recovery.Code{Scheme: r.Scheme, Value: r.Plain + r.Value, Key: r.Key, User: r.User})
	}
	if err := recovery.Check(d.codes); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "recovery: "))
	}
	if len(d.codes) > 0 && d.seconds() == 0 {
		d.codes = nil
		d.leave("recovery codes of accounts without second factor")
	}
	return nil
}

// seconds returns the number of second factors.
func (d *draft) seconds() (n int) {
	for _, use := range d.uses() {
		if use != transfer.UseFirst {
			n++
		}
	}
	return n
}

// uses returns the uses of all factors.
func (d *draft) uses() (out []string) {
	for _, f := range d.Authenticators {
		out = append(out, f.Use)
	}
	for _, f := range d.Phones {
		out = append(out, f.Use)
	}
	for _, f := range d.Mailboxes {
		out = append(out, f.Use)
	}
	for _, f := range d.Passkeys {
		out = append(out, f.Use)
	}
	return out
}

func credentialOf(p transfer.Passkey) passkey.Credential {
	c := passkey.Credential{
		ID: p.CredentialID, PublicKey: p.PublicKey, Handle: p.UserHandle, Counter: p.Counter,
		FlagsUnknown:   p.FlagsUnknown,
		BackupEligible: p.BackupEligible, BackedUp: p.BackedUp, Verified: p.UserVerified, Attachment: p.Attachment,
		AAGUID: p.AAGUID, Discoverable: p.Discoverable,
	}
	for _, t := range p.Transports { // browsers get these, so other values are left out
		if slices.Contains([]string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}, t) {
			c.Transports = append(c.Transports, t)
		}
	}
	return c
}

// name is a value that no two accounts may share.
type name struct{ kind, text string }

// names returns the names of an account.
func (d *draft) names() []name {
	out := []name{{"old id", d.ID}, {"identity", d.user.EmailKey}}
	if d.user.UsernameKey != "" && d.user.UsernameKey != d.user.EmailKey {
		out = append(out, name{"identity", d.user.UsernameKey})
	}
	for _, c := range d.passkeys {
		out = append(out, name{"passkey", passkey.KeyOf(c.ID)})
	}
	for _, c := range d.Connections {
		out = append(out, name{"subject", c.Issuer + "\n" + c.Subject})
	}
	for i, p := range d.Phones {
		if p.Use == transfer.UseFirst {
			out = append(out, name{"phone", d.phones[i]})
		}
	}
	return out
}

// digests returns the keyed hashes with which imports are compared: of the account
// without everything that a sign-in changes, and of its password.
func (e *Engine) digests(a transfer.Account) (all, password [][]byte, err error) {
	a.SignIns = nil
	a.Authenticators, a.Phones = slices.Clone(a.Authenticators), slices.Clone(a.Phones)
	a.Mailboxes, a.Passkeys = slices.Clone(a.Mailboxes), slices.Clone(a.Passkeys)
	for i := range a.Authenticators {
		f := &a.Authenticators[i]
		f.LastStep, f.Used = 0, f.Created
	}
	for i := range a.Phones {
		a.Phones[i].Used = a.Phones[i].Created
	}
	for i := range a.Mailboxes {
		a.Mailboxes[i].Used = a.Mailboxes[i].Created
	}
	for i := range a.Passkeys {
		f := &a.Passkeys[i]
		f.Counter, f.BackedUp, f.UserVerified, f.Used = 0, false, false, f.Created
	}
	whole, err := json.Marshal(a)
	if err != nil {
		return nil, nil, err
	}
	secret, err := json.Marshal(a.Password)
	if err != nil {
		return nil, nil, err
	}
	return e.c.Keys.MACs("transfer/account", string(whole)), e.c.Keys.MACs("transfer/password", string(secret)), nil
}
