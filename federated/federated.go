package federated

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrRefused: the other site, or the person there, said no, or the answer
	// is not one that may be believed. The cause is wrapped.
	ErrRefused = errors.New("federated: no valid answer of the other site")
	// ErrUnreachable: the other site could not be asked.
	ErrUnreachable = errors.New("federated: the other site cannot be reached")
)

// Provider is another site whose users may sign in here.
type Provider interface {
	// Name stands in paths and settings, e.g. "google".
	Name() string
	// Title is shown to people, e.g. "Google".
	Title() string
	// Reauthenticates says whether the site can be made to ask its user for
	// proof again, and says when it did. Without that, coming back from it
	// shows that a browser is signed in there, not who sits before it.
	Reauthenticates() bool
	// Begin returns the address to send the browser to. ErrUnreachable.
	Begin(ctx context.Context, q Question) (address string, err error)
	// Finish reads the answer to a question. ErrRefused, ErrUnreachable.
	Finish(ctx context.Context, q Question, a Answer) (Identity, error)
}

// Question is what a browser is sent away with. Nonce and Verifier are secrets
// of this browser and of this one question.
type Question struct {
	Redirect string // where the answer comes to
	State    string
	Nonce    string // returned inside the signed answer (OpenID Connect Core 3.1.2.1)
	Verifier string // shown only with the code (PKCE, RFC 7636)
	// Since, if set, asks the other site to authenticate its user again,
	// and refuses an answer that does not say they did so since then.
	Since time.Time
	// Address also asks for the user's e-mail address and names, for an account to
	// be made here.
	Address bool
}

// Answer is what a browser came back with, as it stood in the address.
type Answer struct {
	Code   string
	Issuer string // RFC 9207; may be empty
	Error  string // of the other site; may be empty
}

// Identity is a user as the other site identifies them.
type Identity struct {
	Issuer  string // as configured, never as an answer spells it
	Subject string
	Label   string // for people to recognise the account by; proves nothing

	// What follows is for an account to be made here. It finds no account.

	// Email is the user's address, only if the site says that it was verified.
	Email string
	// Authoritative says that the site itself runs the mailboxes of the address's
	// domain. Then its word is proof of the address. The word of other sites may be
	// old: the mailbox may be another person's by now.
	Authoritative bool
	// Name, GivenName, FamilyName and Username are what the user goes by there.
	Name, GivenName, FamilyName, Username string
}
