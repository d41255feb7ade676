package policy

import "github.com/twofold-auth/twofold/store"

// Whether an account's address was proven is a fact (store.User.Proven), not a
// setting. Anyone can register an address of someone else. So until a code or
// link that was mailed to the address has come back, nothing is added to the
// account that opens it or is asked for to open it: its owner would find it
// there after the first reset of the password. Operators, imports and
// applications that create accounts vouch for the address.

// MayEnroll reports whether something that opens the account may be added to it:
// second factors, factors that begin a sign-in, passkeys, recovery codes, accounts
// at other sites, personal and refresh tokens. Where no mail is sent, no one could
// prove an address, and nothing is refused.
func MayEnroll(r Rules, a Account) bool { return !r.Mails || a.Proven }

// MayChange is MayEnroll for a change of factors. A factor by mail is proof
// itself: it is added after its code came back. A factor that takes the place of
// another second factor adds nothing.
func MayChange(r Rules, a Account, c store.FactorChange) bool {
	switch {
	case c.Add == nil && c.Codes == nil:
		return true
	case c.Add != nil && c.Add.Method == store.Email:
		return true
	case c.Add != nil && c.Add.Usage != store.UseFirst && len(c.Remove) > 0:
		return true
	}
	return MayEnroll(r, a)
}

// MailboxAlone reports whether a first factor shows that its user reads the mail of
// an account, and not that they know its password: the one who chose the password
// may be another person, and then the address is not proven.
func MailboxAlone(a Account, first store.Proof) bool {
	return ThroughMailbox(first.Method) && a.Password
}

// Drops reports what goes from an account when someone proves its mailbox and
// chooses a new password: what opens it by itself, unless this address was proven
// before, since someone else may have set it up; and its second factors, unless
// any address was. A mailbox alone must not remove those that an owner set up.
func Drops(a Account) (openers, seconds bool) { return !a.Proven, !a.EverProven }

// Ways are what can begin a sign-in to an account.
type Ways struct {
	Password bool
	Passkey  bool          // one that begins a sign-in
	Others   []store.Proof // what codes, links and accounts at other sites prove
}

// Opens reports whether a sign-in can begin by one of the ways and end: where the
// account has second factors, one of them must be able to follow.
func Opens(r Rules, w Ways, seconds []store.Factor) bool {
	if w.Password || w.Passkey {
		return true
	}
	for _, first := range w.Others {
		if len(seconds) == 0 || len(r.Following(first, seconds)) > 0 {
			return true
		}
	}
	return false
}
