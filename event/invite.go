package event

// UserInvited reports that an invitation was mailed. The audit trail has the id of
// the invitation and not the address.
type UserInvited struct {
	Email, Invitation string
	Context
}

// InvitationRevoked reports that an invitation was ended before it was accepted.
type InvitationRevoked struct {
	Email string
	Context
}

// InvitationAccepted reports that an invitation became an account.
type InvitationAccepted struct {
	User       Subject
	Invitation string
	Context
}

// The names are spelled like those of the wire contract, which has none for these.
func (UserInvited) Name() string        { return "user-invited" }
func (InvitationRevoked) Name() string  { return "user-invitation-revoked" }
func (InvitationAccepted) Name() string { return "user-invitation-accepted" }

// invitationEntry is EntryOf for these.
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
