package event

// What owners do with their accounts.

// ConfirmInstructionsSent reports a request for a confirmation link. User is
// empty if no account waits for confirmation; then nothing was sent.
type ConfirmInstructionsSent struct {
	User Subject
	Context
}

// UserConfirmed reports that an address was confirmed.
type UserConfirmed struct {
	User Subject
	Context
}

// ResetInstructionsSent reports a request for a link to reset a password. User
// is empty if there is no such account; then nothing was sent.
type ResetInstructionsSent struct {
	User Subject
	Context
}

// LoginInstructionsSent reports a request for a sign-in link. User is empty if
// there is no such account; then nothing was sent.
type LoginInstructionsSent struct {
	User Subject
	Context
}

// PasswordReset reports that a new password was set with a mailed link.
type PasswordReset struct {
	User Subject
	Context
}

// PasswordChanged reports that a signed-in user changed their password.
type PasswordChanged struct {
	User Subject
	Context
}

// ChangeEmailInstructionsSent reports that a signed-in user asked to change
// their address. Refused is set if the address is taken; then its owner was
// told and no link was sent.
type ChangeEmailInstructionsSent struct {
	User     Subject
	NewEmail string
	Refused  bool
	Context
}

// ChangeEmailConfirmed reports that the address of an account was changed.
type ChangeEmailConfirmed struct {
	User     Subject
	OldEmail string
	Context
}

// UsernameChanged reports that a signed-in user changed their username.
type UsernameChanged struct {
	User        Subject
	OldUsername string
	Context
}

// ProfileChanged reports that a signed-in user changed their profile. Fields are
// the names of the fields that have another value now.
type ProfileChanged struct {
	User   Subject
	Fields []string
	Context
}

// UsernameRecoverySent reports a request for a forgotten username. User is
// empty if nothing was sent.
type UsernameRecoverySent struct {
	User Subject
	Context
}

// Current returns the present name of an event. Rows written by earlier
// versions have the former one.
func Current(name string) string {
	if name == "reset-password-instructions-sent" {
		return ResetInstructionsSent{}.Name()
	}
	return name
}

// The names of the wire contract.
func (ConfirmInstructionsSent) Name() string     { return "confirm-instructions-sent" }
func (UserConfirmed) Name() string               { return "user-confirmed" }
func (ResetInstructionsSent) Name() string       { return "password-reset-instructions-sent" }
func (LoginInstructionsSent) Name() string       { return "login-instructions-sent" }
func (PasswordReset) Name() string               { return "password-reset" }
func (PasswordChanged) Name() string             { return "password-changed" }
func (ChangeEmailInstructionsSent) Name() string { return "change-email-instructions-sent" }
func (ChangeEmailConfirmed) Name() string        { return "change-email-confirmed" }
func (UsernameChanged) Name() string             { return "username-changed" }
func (ProfileChanged) Name() string              { return "profile-changed" }
func (UsernameRecoverySent) Name() string        { return "username-recovery-email-sent" }

// accountEntry is EntryOf for these.
func accountEntry(e Event) (s Subject, c Context, refused string, ok bool) {
	nobody := func(s Subject) string {
		if s.ID == "" {
			return "no such account"
		}
		return ""
	}
	switch e := e.(type) {
	case ConfirmInstructionsSent:
		return e.User, e.Context, nobody(e.User), true
	case UserConfirmed:
		return e.User, e.Context, "", true
	case ResetInstructionsSent:
		return e.User, e.Context, nobody(e.User), true
	case LoginInstructionsSent:
		return e.User, e.Context, nobody(e.User), true
	case PasswordReset:
		return e.User, e.Context, "", true
	case PasswordChanged:
		return e.User, e.Context, "", true
	case ChangeEmailInstructionsSent:
		if e.Refused {
			refused = "identity is taken"
		}
		return e.User, e.Context, refused, true
	case ChangeEmailConfirmed:
		return e.User, e.Context, "", true
	case UsernameChanged:
		return e.User, e.Context, "", true
	case ProfileChanged:
		return e.User, e.Context, "", true
	case UsernameRecoverySent:
		return e.User, e.Context, nobody(e.User), true
	}
	return Subject{}, Context{}, "", false
}
