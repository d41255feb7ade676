package gate

import "time"

// Requirement is what a rule requires of a caller.
type Requirement string

// The requirements. The zero value is a mistake that is reported, so that no page
// is open by omission.
const (
	Public     Requirement = "public" // nothing
	OneFactor  Requirement = "one"    // a session
	TwoFactors Requirement = "two"    // two factors, or one and a trusted browser
	Strong     Requirement = "strong" // two factors, one of them an app, a passkey or a recovery code
	Deny       Requirement = "deny"   // no one is let through
)

// Rule says what is required for some requests. The first rule that matches a
// request decides; a request that no rule matches is refused.
type Rule struct {
	// Hosts are names such as "app.example.org", with a port if it is not the
	// scheme's own. "*.example.org" is every name with one more label.
	Hosts []string `toml:"hosts"`
	// Paths are prefixes of whole segments: "/admin" matches /admin and everything
	// below it, not /administrator. A path that ends in "{$}" matches only itself.
	// Empty: every path. A public rule compares letters exactly; the others ignore
	// their case, so that no spelling of a protected path falls to a public rule.
	Paths []string `toml:"paths"`
	// Methods are the methods of requests, such as "GET", which includes HEAD. If it
	// is empty, every method matches.
	Methods []string `toml:"methods"`
	// Networks are addresses or networks of clients, e.g. "10.0.0.0/8". Empty: all.
	Networks []string `toml:"networks"`

	// Require is what the caller must have proven.
	Require Requirement `toml:"require"`
	// Fresh is how long ago, at most, the caller proved all that the account asks
	// for. Zero: any time.
	Fresh time.Duration `toml:"fresh"`
	// Roles and Permissions are those that the caller must have, all of them.
	Roles       []string `toml:"roles"`
	Permissions []string `toml:"permissions"`
	// Scopes let a personal access token through that has all of them, in place of
	// Require and Fresh. Roles and Permissions hold for the token's owner. Empty: no
	// personal access token passes.
	Scopes []string `toml:"scopes"`
}
