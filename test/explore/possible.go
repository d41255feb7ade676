package explore

// Possible is a promise that something stays possible: from every state that Asks selects, actions
// of the actors in By lead to a state that Goal selects. Others may act in between; then it must be
// possible from the resulting state.
type Possible struct {
	Words string
	Asks  func(m *World, s *State) bool
	Goal  func(m *World, s *State) bool
	By    func(By) bool
}

// possible lists the goals that no one can make impossible.
var possible = []Possible{
	{
		"An owner who has all their things gets in, and locks everyone else out.",
		func(m *World, s *State) bool {
			hers := s.Seconds&^ofPerson(Ann) == 0
			if m.NoReset && (m.planted(s) || s.HasPassword && !s.Knows[Ann]) { // she lacks some
				return false
			}
			if m.NoReset && !s.HasPassword && s.Blocked && m.eveHas(Mail) { // no rescue of a sign-in by mail
				return false
			}
			// Factors by mail have gone to an address that someone else set. It begins a sign-in too.
			onlyMail := s.Seconds != 0 && s.Seconds&^ofKind(Mail) == 0
			if m.NoReset && !s.HasPassword && onlyMail && s.EverProven && !s.Proven {
				return false
			}
			return s.Exists && s.Mailbox == Ann && m.mails(s) && (m.Recovers || hers && !s.Blocked)
		},
		func(m *World, s *State) bool {
			return m.anyone(s, (*Browser).isAnns) && !m.anyone(s, (*Browser).isAnothers)
		},
		func(b By) bool { return b == By(Ann) || b == Time },
	},
	{
		"With the operator's help, an owner gets the account back and no one else has anything in it.",
		func(m *World, s *State) bool {
			return s.Exists && (s.Mailbox == Ann || s.WasAnns) && !m.NoReset
		},
		func(m *World, s *State) bool {
			hers := s.Mailbox == Ann && !m.planted(s)
			return hers && m.anyone(s, (*Browser).isAnns) && !m.anyone(s, (*Browser).isAnothers)
		},
		func(b By) bool { return b == By(Ann) || b >= Operator },
	},
	{
		"Anyone who reads the mail of an account can stop its deletion.",
		func(m *World, s *State) bool { return s.Leaves && s.Mailbox == Ann && m.mails(s) },
		func(_ *World, s *State) bool { return s.Exists && !s.Leaves },
		func(b By) bool { return b == By(Ann) },
	},
	{
		"An owner can stop a recovery while it waits.",
		func(m *World, s *State) bool {
			return s.Exists && s.Recovery == Waits && s.Mailbox == Ann && m.mails(s) && !m.NoReset
		},
		func(_ *World, s *State) bool { return s.Exists && s.Recovery == NotAsked },
		func(b By) bool { return b == By(Ann) },
	},
}

func (m *World) mails(s *State) bool { return m.Mails || s.SendsMail }
