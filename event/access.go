package event

// USSecurityTokenSent reports that a code for a first factor was sent.
// Destination is masked.
type USSecurityTokenSent struct {
	User                Subject
	Method, Destination string
	Context
}

// USProfileChanged reports that a factor that can start a sign-in was set up or
// removed.
type USProfileChanged struct {
	User    Subject
	Methods []string
	Delete  bool
	Context
}

// TokenMinted reports that a personal access token or a family of refresh
// tokens was created. Kind is "personal" or "refresh". By says who made a personal
// one for the user.
type TokenMinted struct {
	User Subject
	Kind string
	Context
}

// TokenRevoked reports that the owner revoked a token.
type TokenRevoked struct {
	User Subject
	// Excess: the account had more of them than it may have.
	Excess bool
	Context
}

// TokenCopied reports the reuse of a refresh token. The whole token family was
// revoked.
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
