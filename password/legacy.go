package password

import (
	"context"

	"github.com/twofold-auth/twofold/internal/legacy"
)

// AskLegacy is stored in place of a hash if the [Legacy] holds the password; it is asked at the
// next sign-in. See twofold.NewUser.PasswordHash.
const AskLegacy = legacy.Ask

// A Legacy is another system that accounts come from and that does not export its hashes. It checks
// a password for an identity. For an account whose stored hash is [AskLegacy], the identity is the
// account's username or address as stored here. If no account here has the identity, it is passed
// as the user typed it. Once the Legacy has accepted the password, the account exists here with a
// hash of that password, and the Legacy is not asked about it again.
//
// It is asked once for each sign-in attempt, within the budgets of sign-ins, and never with an
// empty password. Package send/gateway provides one that uses HTTPS, and package password/ldap one
// for directories.
type Legacy interface {
	// CheckPassword reports whether the password belongs to the identity. An error means that the
	// system did not answer; the user gets 503.
	CheckPassword(ctx context.Context, identity, password string) (LegacyAccount, bool, error)
}

// A LegacyAccount contains the data that a [Legacy] has about an account whose password was right.
type LegacyAccount struct {
	// Email is the account's address. If it is empty, the identity is used.
	Email string
	// Proven means that the other system has verified that the address is the owner's. If it is
	// false, the answer gives no access to an account that already exists here with the address.
	Proven   bool
	Username string // optional
	Language string // optional, e.g. "de"
}
