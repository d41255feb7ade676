package gate

import "time"

// Requirement is what a rule requires of a caller.
type Requirement string

// The requirements. The zero value is reported as an error, so that no page is public by omission.
const (
	Public     Requirement = "public" // everyone is allowed
	OneFactor  Requirement = "one"    // a session is required
	TwoFactors Requirement = "two"    // two factors, or one factor and a trusted browser
	Strong     Requirement = "strong" // two factors, one of which is an app, a passkey or a recovery code
	Deny       Requirement = "deny"   // every request is refused
)

// Rule describes what some requests require. The first rule that matches a request applies. A
// request that matches no rule is refused.
type Rule struct {
	// Hosts are names such as "app.example.org", with the port if it is not the
	// default port of the scheme. "*.example.org" matches names with one more
	// label.
	Hosts []string `toml:"hosts"`
	// Paths are prefixes of whole segments: "/admin" matches /admin and everything below it, not
	// /administrator. A path that ends in "{$}" matches only itself. If it is empty, every path
	// matches. A public rule compares letters exactly; the others ignore their case, so that no
	// spelling of a protected path matches a public rule.
	Paths []string `toml:"paths"`
	// Methods are the methods of requests, such as "GET", which includes HEAD. If it
	// is empty, every method matches.
	Methods []string `toml:"methods"`
	// Networks are addresses or networks of clients, such as "10.0.0.0/8". If
	// it is empty, every client matches.
	Networks []string `toml:"networks"`

	// Require is the requirement that the caller must meet.
	Require Requirement `toml:"require"`
	// Fresh is the maximum age of the last full proof. If it is zero, any age
	// is allowed.
	Fresh time.Duration `toml:"fresh"`
	// Roles and Permissions must all be granted to the caller.
	Roles       []string `toml:"roles"`
	Permissions []string `toml:"permissions"`
	// Scopes allow a personal access token that has all of them, regardless of Require and Fresh.
	// Roles and Permissions apply to its owner. If it is empty, no personal access token is
	// allowed.
	Scopes []string `toml:"scopes"`
}
