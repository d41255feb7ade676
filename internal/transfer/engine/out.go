package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
)

// account returns an account in the form of the file. Lists have an order that does
// not depend on IDs, because an import makes its own.
func (e *Engine) account(w storage.Whole) (a transfer.Account, err error) {
	u := w.User
	a = transfer.Account{
		ID: u.ID, Username: u.Username, Roles: u.Roles, Active: u.Active, Created: u.CreatedAt, Language: u.Language,
		Fields:    profile.Decode(u.Profile),
		Addresses: []transfer.Address{{Address: u.Email, Proven: u.Proven()}},
	}
	if u.Proven() {
		a.Addresses[0].ProvenAt = u.ConfirmedAt
	}
	if u.PasswordHash != "" {
		a.Password = &transfer.Password{Value: u.PasswordHash}
	}
	for _, f := range w.Factors {
		if err := e.factorOut(&a, f); err != nil {
			return a, err
		}
	}
	for _, kept := range w.Codes {
		c, err := e.c.Codes.Export(u.ID, kept)
		if err != nil {
			return a, err
		}
		a.RecoveryCodes = append(a.RecoveryCodes, transfer.RecoveryCode{
			Scheme: c.Scheme, Value: c.Value, Key: c.Key, User: c.User, Created: kept.CreatedAt,
		})
	}
	for _, c := range w.Connections {
		a.Connections = append(a.Connections, transfer.Connection{
			Provider: c.Provider, Issuer: c.Issuer, Subject: c.Subject, Label: c.Label, Created: c.CreatedAt,
		})
	}
	if n := w.SignIns; n.Count > 0 {
		a.SignIns = &transfer.SignIns{Count: n.Count, CurrentAt: n.CurrentAt, LastAt: n.LastAt,
			CurrentAddress: n.CurrentAddress, LastAddress: n.LastAddress}
	}
	sortLists(&a)
	return a, nil
}

// factorOut adds a factor to an account of the file.
func (e *Engine) factorOut(a *transfer.Account, f storage.Factor) error {
	use := ""
	if f.Usage == storage.UseFirst {
		use = transfer.UseFirst
	}
	switch f.Method {
	case storage.Authenticator:
		p, err := e.c.Apps.Export(f)
		if err != nil {
			return err
		}
		out := transfer.Authenticator{Secret: p.Secret, LastStep: f.LastStep, Name: f.Name, Use: use,
			Primary: f.Primary, Created: f.CreatedAt, Used: f.LastUsedAt}
		if p.Digits != totp.Size {
			out.Digits = p.Digits
		}
		if p.Period != totp.Period {
			out.Period = p.Period
		}
		out.Algorithm = map[totp.Algorithm]string{totp.SHA256: "SHA256", totp.SHA512: "SHA512"}[p.Algorithm]
		a.Authenticators = append(a.Authenticators, out)
	case storage.SMS:
		a.Phones = append(a.Phones, transfer.Phone{Number: f.Destination, Name: f.Name, Use: use, Primary: f.Primary,
			Created: f.CreatedAt, Used: f.LastUsedAt})
	case storage.Email:
		a.Mailboxes = append(a.Mailboxes, transfer.Mailbox{Name: f.Name, Use: use, Primary: f.Primary,
			Created: f.CreatedAt, Used: f.LastUsedAt})
	case storage.Passkey:
		c, err := e.c.Passkeys.Export(f)
		if err != nil {
			return err
		}
		a.Passkeys = append(a.Passkeys, transfer.Passkey{
			CredentialID: c.ID, PublicKey: c.PublicKey, Counter: c.Counter, Transports: c.Transports,
			BackupEligible: c.BackupEligible, BackedUp: c.BackedUp, UserVerified: c.Verified,
			Attachment: c.Attachment,
			AAGUID:     c.AAGUID, FlagsUnknown: c.FlagsUnknown, UserHandle: c.Handle, Discoverable: c.Discoverable,
			Name: f.Name, Use: use, Primary: f.Primary, Created: f.CreatedAt, Used: f.LastUsedAt,
		})
	default:
		return fmt.Errorf("engine: factor of an unknown method %q", f.Method)
	}
	return nil
}

// sortLists sorts lists by age, and entries of the same age by their content.
func sortLists(a *transfer.Account) {
	by := func(a, b time.Time, x, y string) int { return cmp.Or(a.Compare(b), strings.Compare(x, y)) }
	slices.SortStableFunc(a.Authenticators, func(x, y transfer.Authenticator) int {
		return by(x.Created, y.Created, string(x.Secret)+x.Use, string(y.Secret)+y.Use)
	})
	slices.SortStableFunc(a.Phones, func(x, y transfer.Phone) int {
		return by(x.Created, y.Created, x.Number+x.Use, y.Number+y.Use)
	})
	slices.SortStableFunc(a.Mailboxes, func(x, y transfer.Mailbox) int {
		return by(x.Created, y.Created, x.Use, y.Use)
	})
	slices.SortStableFunc(a.Passkeys, func(x, y transfer.Passkey) int {
		return by(x.Created, y.Created, string(x.CredentialID), string(y.CredentialID))
	})
	slices.SortStableFunc(a.RecoveryCodes, func(x, y transfer.RecoveryCode) int {
		return by(x.Created, y.Created, x.Value, y.Value)
	})
	slices.SortStableFunc(a.Connections, func(x, y transfer.Connection) int {
		return by(x.Created, y.Created, x.Issuer+x.Subject, y.Issuer+y.Subject)
	})
}
