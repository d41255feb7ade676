package event

// The events below are actions of owners on their accounts.

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

// ChangeEmailInstructionsSent reports that a signed-in user asked to change their address. Refused
// is set if the address is taken; then the owner of that address was notified and no link was sent.
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

// ProfileChanged reports that a signed-in user changed their profile. Fields lists the names of the
// fields whose value changed.
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

// Current returns the current name of an event for a name that an earlier version may have written.
func Current(name string) string {
	if name == "reset-password-instructions-sent" {
		return ResetInstructionsSent{}.Name()
	}
	return name
}

// Name implements [Event].
func (ConfirmInstructionsSent) Name() string { return "confirm-instructions-sent" }

// Name implements [Event].
func (UserConfirmed) Name() string { return "user-confirmed" }

// Name implements [Event].
func (ResetInstructionsSent) Name() string { return "password-reset-instructions-sent" }

// Name implements [Event].
func (LoginInstructionsSent) Name() string { return "login-instructions-sent" }

// Name implements [Event].
func (PasswordReset) Name() string { return "password-reset" }

// Name implements [Event].
func (PasswordChanged) Name() string { return "password-changed" }

// Name implements [Event].
func (ChangeEmailInstructionsSent) Name() string { return "change-email-instructions-sent" }

// Name implements [Event].
func (ChangeEmailConfirmed) Name() string { return "change-email-confirmed" }

// Name implements [Event].
func (UsernameChanged) Name() string { return "username-changed" }

// Name implements [Event].
func (ProfileChanged) Name() string { return "profile-changed" }

// Name implements [Event].
func (UsernameRecoverySent) Name() string { return "username-recovery-email-sent" }

// accountEntry returns the entry of an event in this file.
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
