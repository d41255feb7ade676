package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/password"
)

// Config configures an Engine.
type Config struct {
	Store    storage.Store
	Keys     *seal.Keys
	Hasher   *password.Hasher
	Apps     *totp.Method
	Passkeys *passkey.Method
	Codes    *recovery.Codes
	// Scratch makes a temporary file for the accounts between the two passes of an
	// import.
	Scratch func() (transfer.Scratch, error)
	// Region is the region of phone numbers without a country code. Possible is
	// that of onetime.Config.
	Region   string
	Possible bool
	// Language returns the nearest language that is supported. ok is false if there
	// is none.
	Language func(tag string) (string, bool)
	// SMS and Mail report whether there is a sender.
	SMS, Mail bool
	// Mailed reports whether the mailbox opens an account without a password.
	Mailed bool
	Now    func() time.Time
	// Tell records an event before or after it happens. If it fails before anything
	// was changed or shown, nothing is changed or shown.
	Tell func(ctx context.Context, n News) error
}

// News is an event for the audit trail.
type News struct {
	Kind         Kind
	Source       string // of an import
	New, Updated int
	Refused      int
	Failed       bool
	UserID       string // of an export of one account
	Secrets      bool   // of an export
}

// Kind is the kind of an event.
type Kind int

// Kinds of events.
const (
	Importing Kind = iota // an import starts
	Imported
	Exporting // an export starts
)

// Engine moves accounts.
type Engine struct{ c Config }

// New returns an Engine.
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
