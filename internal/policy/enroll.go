package policy

import "github.com/twofold-auth/twofold/internal/storage"

// Whether an account's address was proven is a fact (storage.User.Proven), not a
// setting. Anyone can register another person's address. So nothing that opens the
// account, or that a sign-in asks for, is added before a code or link that was
// mailed to the address has been used. Otherwise the owner of the address would
// find it in the account after the first reset of the password. Operators, imports
// and applications that create accounts vouch for the address.

// MayEnroll reports whether a way to open the account may be added to it: a second
// factor, a factor that begins a sign-in, a passkey, recovery codes, an account at
// another site, a personal token or a refresh token. If no mail is sent, no one can
// prove an address, and MayEnroll returns true.
func MayEnroll(r Rules, a Account) bool { return !r.Mails || a.Proven }

// MayChange is like MayEnroll, but for a change of factors. A factor by mail is
// itself a proof: it is added only after its code was entered. A factor that
// replaces another second factor adds nothing.
func MayChange(r Rules, a Account, c storage.FactorChange) bool {
	switch {
	case c.Add == nil && c.Codes == nil:
		return true
	case c.Add != nil && c.Add.Method == storage.Email:
		return true
	case c.Add != nil && c.Add.Usage != storage.UseFirst && len(c.Remove) > 0:
		return true
	}
	return MayEnroll(r, a)
}

// MailboxAlone reports whether a first factor proves only that its user reads the
// mail of an account that has a password. Another person may have chosen that
// password, and then the address is not proven.
func MailboxAlone(a Account, first storage.Proof) bool {
	return ThroughMailbox(first.Method) && a.Password
}

// Drops reports what is removed from an account when someone proves its mailbox and
// chooses a new password. Openers are the ways to open the account without the
// password. They are removed unless this address was proven before, because another
// person may have set them up. Second factors are removed unless some address of
// the account was proven before. A mailbox alone must not remove second factors
// that the owner set up.
func Drops(a Account) (openers, seconds bool) { return !a.Proven, !a.EverProven }

// Ways are the ways to begin a sign-in to an account.
type Ways struct {
	Password bool
	Passkey  bool            // a passkey that begins a sign-in
	Others   []storage.Proof // proofs by codes, links and accounts at other sites
}

// Opens reports whether one of the ways leads to a complete sign-in. If the account
// has second factors, one of them must be able to follow.
func Opens(r Rules, w Ways, seconds []storage.Factor) bool {
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
