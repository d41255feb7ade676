package federated

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrRefused means that the provider or its user refused, or that the answer is not valid. The
	// returned error also wraps the cause.
	ErrRefused = errors.New("federated: no valid answer from the provider")
	// ErrUnreachable means that the provider could not be reached.
	ErrUnreachable = errors.New("federated: the provider cannot be reached")
)

// Provider is an identity provider whose users may sign in.
type Provider interface {
	// Name returns the name used in paths and settings, e.g. "google".
	Name() string
	// Title returns the name shown to users, e.g. "Google".
	Title() string
	// Reauthenticates reports whether the provider can be made to authenticate its user again and
	// reports the time at which it did. Without that, an answer shows only that the browser is
	// signed in there, not who is using it.
	Reauthenticates() bool
	// Begin returns the URL to which the browser is redirected. It returns ErrUnreachable if the
	// provider cannot be reached.
	Begin(ctx context.Context, q Question) (address string, err error)
	// Finish reads the answer to a question. It returns ErrRefused or ErrUnreachable.
	Finish(ctx context.Context, q Question, a Answer) (Identity, error)
}

// Question is an authentication request. Nonce and Verifier are secrets of one browser and one
// request.
type Question struct {
	Redirect string // URL that receives the answer
	State    string
	Nonce    string // returned inside the signed answer (OpenID Connect Core 3.1.2.1)
	Verifier string // sent only with the code (PKCE, RFC 7636)
	// If Since is set, the provider is asked to authenticate its user again, and an answer is
	// refused if the user has not authenticated since then.
	Since time.Time
	// Address also requests the user's e-mail address and names, from which an account is created.
	Address bool
}

// Answer contains the query parameters with which the browser came back.
type Answer struct {
	Code   string
	Issuer string // RFC 9207; may be empty
	Error  string // error code of the provider; may be empty
}

// Identity is a user as the provider identifies them.
type Identity struct {
	Issuer  string // as configured, not as spelled in the answer
	Subject string
	Label   string // helps users recognize the account; proves nothing

	// The fields below are used to create an account, never to find one.

	// Email is the user's address, set only if the provider states that it is verified.
	Email string
	// Authoritative is set if the provider runs the mailboxes of the address's domain. Then its
	// statement proves the address. The statement of another provider may be outdated: the mailbox
	// may belong to another person now.
	Authoritative bool
	// Name, GivenName, FamilyName and Username are the user's names at the provider.
	Name, GivenName, FamilyName, Username string
}
