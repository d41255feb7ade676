package password

import (
	"context"

	"github.com/twofold-auth/twofold/internal/legacy"
)

// AskLegacy stands in place of a stored hash: the account's password is with the
// [Legacy], which is asked at the next sign-in. See NewUser.PasswordHash at the root.
const AskLegacy = legacy.Ask

// A Legacy is the system that accounts came from, where it gives no hashes. It is asked
// with a password as it was typed, and with an identity: for an account whose stored hash
// is [AskLegacy] with its username or its address, as they are spelled here, and for an
// identity that no account here has with that, as it was typed. After it has said yes
// once the account is here, with a hash of that password, and it is not asked for it
// again.
//
// It is asked within the budgets of a sign-in, once an attempt. It must not follow an
// empty password, which never reaches it. Package send/gateway has one that asks by
// HTTPS, and package password/ldap one for directories.
type Legacy interface {
	// CheckPassword reports whether the password is that of the identity. An error
	// means that the system gave no answer: people get 503.
	CheckPassword(ctx context.Context, identity, password string) (LegacyAccount, bool, error)
}

// A LegacyAccount is what a [Legacy] knows of an account whose password was right.
type LegacyAccount struct {
	// Email is the account's address. If it is empty, the identity is.
	Email string
	// Proven means that the former system has seen that the address is the owner's. If
	// it is false, the answer opens no account that is here already under the address.
	Proven   bool
	Username string // optional
	Language string // optional, e.g. "de"
}
