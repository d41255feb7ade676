package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store"
)

// Config says what moving accounts needs.
type Config struct {
	Store    store.Store
	Keys     *seal.Keys
	Hasher   *password.Hasher
	Apps     *totp.Method
	Passkeys *passkey.Method
	Codes    *recovery.Codes
	// Scratch makes a file for what waits between the two passes of an import.
	Scratch func() (transfer.Scratch, error)
	// Region is that of phone numbers without a country code; Possible as in
	// onetime.Config.
	Region   string
	Possible bool
	// Language returns the nearest language that there are texts in, or false.
	Language func(tag string) (string, bool)
	// SMS and Mail say whether there is a sender.
	SMS, Mail bool
	// Mailed: an account without password is opened by its mailbox.
	Mailed bool
	Now    func() time.Time
	// Tell writes down what is about to happen or has happened. If it fails before
	// anything was changed or shown, nothing will be.
	Tell func(ctx context.Context, n News) error
}

// News is a fact for the audit trail.
type News struct {
	Kind         Kind
	Source       string // of an import
	New, Updated int
	Refused      int
	Failed       bool
	UserID       string // of an export of one account
	Secrets      bool   // of an export
}

// Kind says what News are about.
type Kind int

// The kinds.
const (
	Importing Kind = iota // begins
	Imported
	Exporting // begins
)

// Engine moves accounts.
type Engine struct{ c Config }

// New returns an engine.
func New(c Config) (*Engine, error) {
	if c.Store == nil || c.Keys == nil || c.Hasher == nil || c.Apps == nil || c.Passkeys == nil || c.Codes == nil ||
		c.Scratch == nil {
		return nil, errors.New("engine: incomplete configuration")
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, News) error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Language == nil {
		c.Language = func(tag string) (string, bool) { return tag, true }
	}
	return &Engine{c}, nil
}
