package sqlstore

// parts are the verbs of each kind of record. Those that are not below are in the files of their
// names.
type parts struct {
	connections
	counters
	deletions
	devices
	events
	factors
	invitations
	marks
	outbox
	pendings
	sessions
	steps
	tokens
	transfers
	users
}

type (
	// connections stores accounts at other sites.
	connections struct{ *Store }
	// counters stores budgets.
	counters struct{ *Store }
	// devices stores browsers that are trusted or stay signed in.
	devices struct{ *Store }
	// factors stores second factors, other first factors, recovery codes and recoveries.
	factors struct{ *Store }
	// marks stores what owners have seen of their activity, the sizes of sets of recovery codes, and
	// used links.
	marks struct{ *Store }
	// outbox stores messages that wait to be sent.
	outbox struct{ *Store }
	// pendings stores sign-ins and set-ups under way, and codes that were sent for them.
	pendings struct{ *Store }
	// sessions stores sessions, and removes an account's oldest sessions, browsers and token families.
	sessions struct{ *Store }
	// tokens stores refresh tokens and personal access tokens.
	tokens struct{ *Store }
	// users stores accounts, counts of sign-ins, and roles.
	users struct{ *Store }
)

func partsOf(s *Store) parts {
	return parts{
		connections{s}, counters{s}, deletions{s}, devices{s}, events{s}, factors{s}, invitations{s}, marks{s},
		outbox{s}, pendings{s}, sessions{s}, steps{s}, tokens{s}, transfers{s}, users{s},
	}
}
