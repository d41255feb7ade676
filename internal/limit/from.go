package limit

import "github.com/twofold-auth/twofold/store"

// From says who asks. It proves nothing: it only chooses budgets.
type From struct {
	Address string // canonical client address; empty: not known
	// Browser is the id of a browser that signed in to this account before.
	Browser string
	// Network says that the account signed in from the address's network before.
	// It has the budgets of its network like a stranger, but what strangers of all
	// networks use up together does not count for it.
	Network bool
	// Session is the id of a living session of this account, or of a link that
	// was mailed to its owner.
	Session string
}

// Own says that the caller has budgets that no one else uses.
func (f From) Own() bool { return f.Browser != "" || f.Session != "" }

// mark names the caller's own budgets.
func (f From) mark() string {
	if f.Session != "" {
		return "session " + f.Session
	}
	return "browser " + f.Browser
}

// known says that the caller signed in to the account before.
func (f From) known() bool { return f.Own() || f.Network }

// among names the callers of an account that share a budget.
func (f From) among() string {
	if f.known() {
		return "known"
	}
	return ""
}

// kind is the kind of caller among those who proved a first factor.
func (f From) kind() string {
	if f.Own() {
		return "owner"
	}
	return "proven"
}

// sends is one place in the budgets of messages of the caller's networks.
func (l *Limiter) sends(f From) []store.Claim {
	who := ""
	if f.Own() {
		who = "owner"
	}
	return l.byNetwork(sendAddress, f.Address, who)
}
