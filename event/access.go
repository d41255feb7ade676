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

// TokenMinted reports that a personal access token or a family of refresh tokens was created. Kind
// is "personal" or "refresh". If the application created a personal token for the user, By in
// Context names the actor.
type TokenMinted struct {
	User Subject
	Kind string
	Context
}

// TokenRevoked reports that the owner revoked a token.
type TokenRevoked struct {
	User Subject
	// Excess is set if the token was revoked because the account exceeded its limit.
	Excess bool
	Context
}

// TokenCopied reports the reuse of a refresh token. The whole token family was
// revoked.
type TokenCopied struct {
	User Subject
	Context
}

// Name implements [Event].
func (USSecurityTokenSent) Name() string { return "us-security-token-sent" }

// Name implements [Event].
func (USProfileChanged) Name() string { return "us-profile-changed" }

// Name implements [Event].
func (TokenMinted) Name() string { return "token-minted" }

// Name implements [Event].
func (TokenRevoked) Name() string { return "token-revoked" }

// Name implements [Event].
func (TokenCopied) Name() string { return "token-copied" }
