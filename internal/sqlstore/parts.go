package sqlstore

// parts are the verbs of each kind of record.
type parts struct {
	connections
	counters
	deletions
	devices
	events
	factors
	invitations
	outbox
	pendings
	sessions
	steps
	tokens
	transfers
	users
}

type (
	// connections are accounts at other sites.
	connections struct{ *Store }
	// counters are budgets.
	counters struct{ *Store }
	// devices are browsers that are trusted or stay signed in.
	devices struct{ *Store }
	// factors are second factors, other first factors, recovery codes and recoveries.
	factors struct{ *Store }
	// outbox contains messages that wait to be sent.
	outbox struct{ *Store }
	// pendings are sign-ins and set-ups under way, and codes that were sent for them.
	pendings struct{ *Store }
	// sessions are sessions, and the limits on how many there are.
	sessions struct{ *Store }
	// tokens are refresh tokens and personal access tokens.
	tokens struct{ *Store }
	// users are accounts, and roles.
	users struct{ *Store }
)

func partsOf(s *Store) parts {
	return parts{
		connections{s}, counters{s}, deletions{s}, devices{s}, events{s}, factors{s}, invitations{s}, outbox{s},
		pendings{s}, sessions{s}, steps{s}, tokens{s}, transfers{s}, users{s},
	}
}
