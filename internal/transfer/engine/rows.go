package engine

import (
	"context"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
)

// keepable reports whether the ID of another system can be an account's ID here. An
// ID that looks like a pseudonym of the audit trail, or like "-", cannot.
func keepable(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id[:1], "._-") != "" && !strings.HasPrefix(id, "deleted-") &&
		strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// build returns the records of an account that has an ID here. Adopting its
// password can be slow, unless keepPassword is set.
func (e *Engine) build(ctx context.Context, d *draft, source, id string,
	keepPassword bool) (w storage.Whole, err error) {
	now := e.c.Now().Truncate(time.Microsecond)
	w.User = d.user
	u := &w.User
	u.ID, u.CredentialVersion, u.UpdatedAt = id, account.NewUniquifier(), now
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	if u.ProvenKey != "" && u.ConfirmedAt.IsZero() {
		u.ConfirmedAt = u.CreatedAt
	}
	if d.line != "" && !keepPassword {
		if u.PasswordHash, err = e.c.Hasher.Adopt(ctx, d.line); err != nil {
			return w, err
		}
	}
	b := &factors{e: e, d: d, user: *u, now: now}
	if err := b.all(); err != nil {
		return w, err
	}
	w.Factors = b.list
	if w.Codes, err = e.keptCodes(d, *u); err != nil {
		return w, err
	}
	for _, c := range d.Connections {
		w.Connections = append(w.Connections, storage.Connection{
			ID: storage.NewID(), UserID: id, Provider: c.Provider, Issuer: c.Issuer, Subject: c.Subject, Label: c.Label,
			CreatedAt: or(c.Created, u.CreatedAt),
		})
	}
	if n := d.SignIns; n != nil && n.Count > 0 {
		w.SignIns = storage.SignIns{CurrentAt: n.CurrentAt, LastAt: n.LastAt, CurrentAddress: n.CurrentAddress,
			LastAddress: n.LastAddress, Count: n.Count}
	}
	all, password, err := e.digests(d.Account)
	if err != nil {
		return w, err
	}
	w.Origin = &storage.Origin{
		Source: source, OldID: d.ID, UserID: id, CredentialVersion: u.CredentialVersion, UpdatedAt: now,
		Codes:  len(w.Codes),
		Digest: all[0], Password: password[0], At: now,
	}
	return w, nil
}

func or(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// keptCodes returns the recovery codes with one age, because all belong to one set.
func (e *Engine) keptCodes(d *draft, u storage.User) (out []storage.KeptCode, err error) {
	var made time.Time
	for _, r := range d.RecoveryCodes {
		if made.IsZero() || !r.Created.IsZero() && r.Created.Before(made) {
			made = r.Created
		}
	}
	made = or(made, e.c.Now().Truncate(time.Microsecond))
	if out, err = e.c.Codes.Import(u.ID, d.codes); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].CreatedAt = made
	}
	return out, nil
}

// factors collects the factors of an account.
type factors struct {
	e    *Engine
	d    *draft
	user storage.User
	now  time.Time
	list []storage.Factor
}

// common contains the fields that all factors have.
type common struct {
	method, name, use string
	primary           bool
	created, used     time.Time
}

func (b *factors) factor(c common) storage.Factor {
	f := storage.Factor{
		ID: storage.NewID(), UserID: b.user.ID, Method: c.method, Name: c.name, Primary: c.primary,
		CreatedAt: or(c.created, b.user.CreatedAt), LastUsedAt: c.used,
	}
	switch {
	case c.use == transfer.UseFirst:
		f.Usage = storage.UseFirst
	case c.method == storage.Passkey:
		f.Usage = storage.UseSecond
	}
	return f
}

func (b *factors) all() error {
	for _, a := range b.d.Authenticators {
		f := b.factor(common{storage.Authenticator, a.Name, a.Use, a.Primary, a.Created, a.Used})
		f.LastStep = a.LastStep
		if err := b.e.c.Apps.Import(&f, parametersOf(a)); err != nil {
			return err
		}
		b.list = append(b.list, f)
	}
	for i, p := range b.d.Phones {
		f := b.factor(common{storage.SMS, p.Name, p.Use, p.Primary, p.Created, p.Used})
		f.Destination = b.d.phones[i]
		b.list = append(b.list, f)
	}
	for _, m := range b.d.Mailboxes {
		f := b.factor(common{storage.Email, m.Name, m.Use, m.Primary, m.Created, m.Used})
		f.Destination = b.user.Email
		b.list = append(b.list, f)
	}
	for i, p := range b.d.Passkeys {
		f := b.factor(common{storage.Passkey, p.Name, p.Use, p.Primary, p.Created, p.Used})
		if err := b.e.c.Passkeys.Import(&f, b.d.passkeys[i]); err != nil {
			return err
		}
		b.list = append(b.list, f)
	}
	b.begins()
	b.prefer()
	return nil
}

// begins lets the mailbox open an account that nothing else opens, if that is
// switched on.
func (b *factors) begins() {
	if !b.e.c.Mailed || b.d.line != "" || len(b.d.Connections) > 0 {
		return
	}
	for _, f := range b.list {
		if f.Usage == storage.UseFirst {
			return
		}
	}
	f := b.factor(common{method: storage.Email, use: transfer.UseFirst})
	f.Destination = b.user.Email
	b.list = append(b.list, f)
}

// prefer makes the first second factor the primary one, unless one is primary.
func (b *factors) prefer() {
	first := -1
	for i, f := range b.list {
		if f.Primary {
			return
		}
		if first < 0 && f.Usage != storage.UseFirst {
			first = i
		}
	}
	if first >= 0 {
		b.list[first].Primary = true
	}
}

func parametersOf(a transfer.Authenticator) totp.Parameters {
	p := totp.Parameters{Secret: a.Secret, Digits: a.Digits, Period: a.Period}
	if p.Digits == 0 {
		p.Digits = totp.Size
	}
	if p.Period == 0 {
		p.Period = totp.Period
	}
	switch a.Algorithm {
	case "SHA256":
		p.Algorithm = totp.SHA256
	case "SHA512":
		p.Algorithm = totp.SHA512
	}
	return p
}
