package event

// USSecurityTokenSent: a code for a first factor was sent. Destination is
// masked.
type USSecurityTokenSent struct {
	User                Subject
	Method, Destination string
	Context
}

// USProfileChanged: a factor that begins a sign-in was set up, or removed.
type USProfileChanged struct {
	User    Subject
	Methods []string
	Delete  bool
	Context
}

// TokenMinted: a personal access token, or a family of refresh tokens. Kind is
// "personal" or "refresh".
type TokenMinted struct {
	User Subject
	Kind string
	Context
}

// TokenRevoked: its owner ended a token.
type TokenRevoked struct {
	User Subject
	// Excess: the account had more of them than it may have.
	Excess bool
	Context
}

// TokenCopied: a refresh token came back that had been exchanged before; what
// was issued with it was ended.
type TokenCopied struct {
	User Subject
	Context
}

// The names of the wire contract; those it lacks are spelled the same way.
func (USSecurityTokenSent) Name() string { return "us-security-token-sent" }
func (USProfileChanged) Name() string    { return "us-profile-changed" }
func (TokenMinted) Name() string         { return "token-minted" }
func (TokenRevoked) Name() string        { return "token-revoked" }
func (TokenCopied) Name() string         { return "token-copied" }
