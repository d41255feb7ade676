package event

// UserInvited reports that an invitation was mailed. The audit trail has the ID of the invitation,
// not the address.
type UserInvited struct {
	Email, Invitation string
	Context
}

// InvitationRevoked reports that an invitation was ended before it was accepted.
type InvitationRevoked struct {
	Email string
	Context
}

// InvitationAccepted reports that an account was created from an invitation.
type InvitationAccepted struct {
	User       Subject
	Invitation string
	Context
}

// Name implements [Event].
func (UserInvited) Name() string { return "user-invited" }

// Name implements [Event].
func (InvitationRevoked) Name() string { return "user-invitation-revoked" }

// Name implements [Event].
func (InvitationAccepted) Name() string { return "user-invitation-accepted" }

// invitationEntry returns the entry of an event in this file.
func invitationEntry(e Event, entry Entry) (Entry, bool) {
	switch e := e.(type) {
	case UserInvited:
		entry.of(Subject{}, e.Context)
		entry.Reason = e.Invitation
	case InvitationRevoked:
		entry.of(Subject{}, e.Context)
	case InvitationAccepted:
		entry.of(e.User, e.Context)
		entry.Reason = e.Invitation
	default:
		return Entry{}, false
	}
	return entry, true
}
