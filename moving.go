package twofold

import (
	"context"
	"errors"
	"strings"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
)

// errOwnTable means that the accounts are in the application's own table.
var errOwnTable = errors.New("twofold: accounts are in the application's own table: import or export them there")

// moving gives the commands import and export access to an Auth.
type moving struct{ b *builder }

// Transfers returns the importer and exporter of accounts. It is for the command twofold: its type
// cannot be named outside of this module. scratch creates the temporary file of an import. It is a
// parameter so that applications do not link the code that encrypts files.
func (m moving) Transfers(scratch func() (transfer.Scratch, error)) (*engine.Engine, error) {
	b := m.b
	if b.c.Users != nil {
		return nil, errOwnTable
	}
	apps, err := totp.New(totp.Config{
		Factors: b.c.Store, Ring: b.ring, Issuer: b.c.TwoFactor.Issuer, Now: b.c.Advanced.Now,
		Window: int(b.c.TwoFactor.AuthenticatorValidity.Seconds()),
	})
	if err != nil {
		return nil, err
	}
	passkeys,
		err := passkey.New(passkey.Config{Factors: b.c.Store, Ring: b.ring, Origin: b.c.Origin, Now: b.c.Advanced.Now})
	if err != nil {
		return nil, err
	}
	codes, err := recovery.New(recovery.Config{Codes: b.c.Store, Keys: b.keys, Ring: b.ring, Now: b.c.Advanced.Now})
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Store: b.c.Store, Keys: b.keys, Hasher: b.a.hasher, Apps: apps, Passkeys: passkeys, Codes: codes,
		Region: b.c.TwoFactor.PhoneRegion, Possible: b.c.TwoFactor.PossiblePhones, Language: b.nearest,
		SMS: b.c.SMS != nil, Mail: b.c.Mail != nil, Mailed: b.c.Accounts.PasswordOptional, Now: b.c.Advanced.Now,
		Scratch: scratch, Tell: b.moved,
	})
}

// nearest returns the available language nearest to a tag, such as "de" for "de-AT".
func (b *builder) nearest(tag string) (string, bool) {
	for {
		if b.a.words.Has(tag) {
			return tag, true
		}
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			return "", false
		}
		tag = tag[:i]
	}
}

// moved records an import or export in the audit trail and calls OnEvent.
func (b *builder) moved(ctx context.Context, n engine.News) error {
	var e event.Event
	at := event.Context{At: b.c.Advanced.Now()}
	switch n.Kind {
	case engine.Importing:
		e = event.ImportStarted{Source: n.Source, New: n.New, Updated: n.Updated, Refused: n.Refused, Context: at}
	case engine.Imported:
		e = event.AccountsImported{Source: n.Source, New: n.New, Updated: n.Updated, Failed: n.Failed, Context: at}
	default:
		e = event.AccountsExported{User: event.Subject{ID: n.UserID}, Secrets: n.Secrets, Context: at}
	}
	return b.a.trail.Tell(ctx, e, b.c.Advanced.OnEvent)
}
