package limit

import "github.com/twofold-auth/twofold/internal/storage"

// From describes the caller. It proves nothing and only selects budgets.
type From struct {
	Address string // canonical client address; empty if unknown
	// Browser is the ID of a browser that has signed in to this account before.
	Browser string
	// Network is set if the account has signed in from the address's network before. The caller
	// then has the budgets of the network like a stranger, but not those that strangers of all
	// networks share.
	Network bool
	// Session is the ID of a valid session of this account, or of a link mailed to its owner.
	Session string
}

// Own reports whether the caller has their own budgets.
func (f From) Own() bool { return f.Browser != "" || f.Session != "" }

// mark returns the key of the caller's own budgets.
func (f From) mark() string {
	if f.Session != "" {
		return "session " + f.Session
	}
	return "browser " + f.Browser
}

// known reports whether the caller has signed in to the account before.
func (f From) known() bool { return f.Own() || f.Network }

// among returns the key of the callers of an account that share a budget.
func (f From) among() string {
	if f.known() {
		return "known"
	}
	return ""
}

// kind returns the kind of a caller who has proven a first factor.
func (f From) kind() string {
	if f.Own() {
		return "owner"
	}
	return "proven"
}

// sends returns claims of one place in the budgets of messages of the caller's networks.
func (l *Limiter) sends(f From) []storage.Claim {
	who := ""
	if f.Own() {
		who = "owner"
	}
	return l.byNetwork(sendAddress, f.Address, who)
}
