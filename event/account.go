package event

// What owners do with their accounts.

// ConfirmInstructionsSent: a link to confirm an address was asked for. User is
// empty if no account waits for it: then nothing was sent.
type ConfirmInstructionsSent struct {
	User Subject
	Context
}

// UserConfirmed: an address was confirmed.
type UserConfirmed struct {
	User Subject
	Context
}

// ResetInstructionsSent: a link to set a new password was asked for. User is
// empty if there is no such account: then nothing was sent.
type ResetInstructionsSent struct {
	User Subject
	Context
}

// LoginInstructionsSent: a link to sign in with was asked for. User is empty if
// there is no such account: then nothing was sent.
type LoginInstructionsSent struct {
	User Subject
	Context
}

// PasswordReset: a new password was set through the mailbox.
type PasswordReset struct {
	User Subject
	Context
}

// PasswordChanged: a signed-in user changed their password.
type PasswordChanged struct {
	User Subject
	Context
}

// ChangeEmailInstructionsSent: a signed-in user wants another address. Refused
// says that it is taken: then its owner was told, and no link was sent.
type ChangeEmailInstructionsSent struct {
	User     Subject
	NewEmail string
	Refused  bool
	Context
}

// ChangeEmailConfirmed: the address was changed.
type ChangeEmailConfirmed struct {
	User     Subject
	OldEmail string
	Context
}

// UsernameChanged: a signed-in user changed their username.
type UsernameChanged struct {
	User        Subject
	OldUsername string
	Context
}

// UsernameRecoverySent: a username was asked for by mail. User is empty if
// nothing was sent.
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
	case UsernameRecoverySent:
		return e.User, e.Context, nobody(e.User), true
	}
	return Subject{}, Context{}, "", false
}
