package explore

import (
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
)

// Promise is something that must hold in every state. Broken reports whether it does
// not: the search looks for a state in which it says so.
type Promise struct {
	Words  string
	Broken func(m *World, s *State) bool
}

// promises hold whatever the people do.
var promises = []Promise{
	{
		"Where an account has a second factor, every session was opened by two different things.",
		func(m *World, s *State) bool {
			return s.Seconds != 0 && m.anyone(s, func(b *Browser) bool { return !m.twoThings(s, b) })
		},
	},
	{
		// If Eve has one of Ann's things, what she can do with it is in the next promise.
		"Once the owner has proven the address, nothing that someone else set up opens the account.",
		func(m *World, s *State) bool {
			owned := s.Proven && s.ProvenBy == Ann && s.Mailbox == Ann && m.EveHas == None
			in := func(b *Browser) bool { return b.Of != Ann && !b.Session.Copied }
			return owned && !m.EveHasTheLink && (m.planted(s) || m.anyone(s, in))
		},
	},
	{
		"Where an account has a second factor, no one signs in with only one of the owner's things.",
		func(m *World, s *State) bool {
			guarded := s.Proven && s.Mailbox == Ann && s.Seconds != 0 && !m.planted(s)
			return guarded && m.anyone(s, func(b *Browser) bool {
				n := b.Session
				return b.Of != Ann && !n.Copied && n.First.owner() == Ann && n.Second.owner() == Ann
			})
		},
	},
	{
		"A code that is a factor is mailed to the present address of the account.",
		func(_ *World, s *State) bool {
			return (s.Seconds|s.Firsts)&ofKind(Mail)&^set(thing(Mail, s.Mailbox)) != 0
		},
	},
	{
		"A session that a trusted browser opened ends when the trust ends.",
		func(m *World, s *State) bool {
			return m.anyone(s, func(b *Browser) bool {
				return b.Session.Trusted && (b.TrustSecond == 0 || s.Distrusts || !m.Trust)
			})
		},
	},
	{
		"A session whose second factor no longer counts opens nothing but the set-up of another.",
		func(m *World, s *State) bool {
			weak := func(t Thing) bool { return t.kind() == Mail || t.kind() == Phone || t.kind() == Mended }
			return (s.Strict || m.StrongOnly) && m.anyone(s, func(b *Browser) bool {
				return weak(b.Session.Second) || b.Session.Trusted && weak(b.TrustSecond)
			})
		},
	},
	{
		"Where a second factor is required, no session is without one.",
		func(m *World, s *State) bool {
			one := func(b *Browser) bool { return b.Session.Second == 0 && !b.Session.Trusted }
			return m.Required && m.anyone(s, one)
		},
	},
	{
		"Before an address is proven, nothing that opens the account is added but its mailbox.",
		func(m *World, s *State) bool {
			token := func(b *Browser) bool { return b.Token }
			return !s.EverProven && ((s.Seconds|s.Firsts|s.Sites|s.Sheet)&^ofKind(Mail) != 0 || m.anyone(s, token))
		},
	},
	{
		"No one is signed in to an account whose deletion is asked for.",
		func(m *World, s *State) bool {
			return s.Leaves && m.anyone(s, func(*Browser) bool { return true })
		},
	},
}

// Move is something that must hold for every action: l says who did what with what,
// before and after are the states around it.
type Move struct {
	Words  string
	Broken func(m *World, l Label, before, after *State) bool
}

// moves hold for everything that anyone does.
var moves = []Move{
	{
		"A change of what opens an account ends all sessions and tokens but the one that made it.",
		func(_ *World, _ Label, a, b *State) bool {
			same := a.Seconds == b.Seconds && a.Firsts == b.Firsts && a.Sites == b.Sites
			if !a.Exists || same && a.Knows == b.Knows && a.Mailbox == b.Mailbox {
				return false
			}
			alive := 0
			if b.away {
				alive++
			}
			for _, w := range b.Browsers {
				if w.Session.alive() {
					alive++
				}
			}
			return alive > 1
		},
	},
	{
		"The link of a recovery works once.",
		func(_ *World, l Label, _, b *State) bool {
			return strings.HasPrefix(l.Verb, "follows the link of a recovery") && b.Recovery != NotAsked
		},
	},
	{
		"Within a day of a reset by mail, a mailed code is not accepted as the second factor after the password " +
			"if the account has another factor.",
		func(_ *World, l Label, a, _ *State) bool {
			other := a.Seconds&^ofKind(Mail) != 0
			return l.Verb == "signs in" && l.With[0].kind() == Password && l.With[1].kind() == Mail &&
				other && a.ResetLately
		},
	},
	{
		"Within a day of a reset by mail, nothing that is mailed replaces the second factor after the password.",
		func(_ *World, l Label, a, _ *State) bool {
			rescued := l.Verb == "signs in" && l.With[1].kind() == Mended || l.Verb == "asks for a recovery"
			return rescued && l.With[0].kind() == Password && a.ResetLately
		},
	},
	{
		"In a sign-in that began by mail, nothing that is mailed replaces the second factor.",
		func(m *World, l Label, _, _ *State) bool {
			rescued := l.Verb == "signs in" && l.With[1].kind() == Mended || l.Verb == "asks for a recovery"
			return rescued && m.box(l.With[0].kind()) == Mail
		},
	},
	{
		"A session or token that was just issued opens the account.",
		func(m *World, l Label, _, b *State) bool {
			entered := strings.HasPrefix(l.Verb, "signs in")
			entered = entered || strings.HasPrefix(l.Verb, "makes a ") // a token
			if !entered && l.Verb != "proves again who they are" {
				return false
			}
			for i := range b.Browsers {
				w := &b.Browsers[i]
				this := w.Of == Person(l.By) && w.Session.First == l.With[0] && w.Session.Second == l.With[1]
				if this && (m.usable(b, w) || !entered && m.standing(b, w) == policy.Enrolls) {
					return false
				}
			}
			return true
		},
	},
	{
		"A sign-in begins with something that the account has.",
		func(_ *World, l Label, a, _ *State) bool {
			first := l.With[0]
			switch first.kind() {
			case Password:
				return strings.HasPrefix(l.Verb, "signs in") && !a.HasPassword
			case Mail:
				return strings.HasPrefix(l.Verb, "signs in") && first.owner() != a.Mailbox
			}
			return strings.HasPrefix(l.Verb, "signs in") && !(a.Firsts | a.Sites).has(first)
		},
	},
	{
		"An invitation makes one account, and only if its address has none.",
		func(_ *World, l Label, a, b *State) bool {
			spent := a.Invitation == Invited && b.Invitation == Spent
			return strings.HasPrefix(l.Verb, "accepts the invitation") && (a.Exists || !spent)
		},
	},
	{
		"A deletion leaves nothing that opens the next account of the same address.",
		func(_ *World, _ Label, a, b *State) bool {
			left := b.Invitation == Invited || b.Seconds|b.Firsts|b.Sites|b.Sheet != 0
			for _, w := range b.Browsers {
				left = left || w.Session.alive() || w.TrustSecond != 0
			}
			return a.Exists && !b.Exists && left
		},
	},
	{
		"Only someone who has just proven all that the account asks for can ask for its deletion.",
		func(m *World, l Label, a, b *State) bool {
			if !b.Leaves || a.Leaves || l.Verb == "" { // where it happened out of view, it is looked at in view
				return false
			}
			for i := range a.Browsers {
				w := &a.Browsers[i]
				full := a.Seconds == 0 || m.twoThings(a, w) && !w.Session.Trusted
				if w.Of == Person(l.By) && w.Session.Fresh && !w.Token && full {
					return false
				}
			}
			return true
		},
	},
	{
		"A session that a refresh token was exchanged for is not fresh.",
		func(_ *World, l Label, a, b *State) bool {
			return l.Verb == "exchanges a refresh token" && b.fresh() > a.fresh()
		},
	},
}

// Way is something that must be possible: from every state that Asks names, actions of
// those whom By names lead to a state that Goal names.
type Way struct {
	Words string
	Asks  func(m *World, s *State) bool
	Goal  func(m *World, s *State) bool
	By    func(By) bool
}

// ways say what no one can take away.
var ways = []Way{
	{
		"An owner who has all their things gets in.",
		func(m *World, s *State) bool {
			hers := s.Seconds&^ofPerson(Ann) == 0
			if m.NoReset && (m.planted(s) || s.HasPassword && !s.Knows[Ann]) { // she lacks some
				return false
			}
			return s.Exists && s.Mailbox == Ann && !m.WithinADay && (m.Recovers || hers && !s.Blocked)
		},
		func(m *World, s *State) bool { return m.anyone(s, (*Browser).isAnns) },
		func(b By) bool { return b == By(Ann) || b == Time },
	},
	{
		"With the operator's help, an owner gets the account back and no one else has anything in it.",
		func(m *World, s *State) bool {
			return s.Exists && (s.Mailbox == Ann || s.WasAnns) && !m.WithinADay && !m.NoReset
		},
		func(m *World, s *State) bool {
			others := func(b *Browser) bool { return b.Of != Ann }
			return s.Mailbox == Ann && !m.planted(s) && m.anyone(s, (*Browser).isAnns) && !m.anyone(s, others)
		},
		func(b By) bool { return b == By(Ann) || b == Time || b == Operator },
	},
	{
		"Anyone who reads the mail of an account can stop its deletion.",
		func(_ *World, s *State) bool { return s.Leaves && s.Mailbox == Ann },
		func(_ *World, s *State) bool { return s.Exists && !s.Leaves },
		func(b By) bool { return b == By(Ann) },
	},
}

// fresh is how many sessions are fresh.
func (s *State) fresh() (n int) {
	for _, w := range s.Browsers {
		if w.Session.Fresh {
			n++
		}
	}
	return n
}

func (b *Browser) isAnns() bool { return b.Of == Ann && !b.Token }

// anyone reports whether someone is in, by a session or token that opens the account
// today and of which is says so.
func (m *World) anyone(s *State, is func(*Browser) bool) bool {
	for i := range s.Browsers {
		if b := &s.Browsers[i]; m.usable(s, b) && is(b) {
			return true
		}
	}
	return false
}

// planted reports whether anything in the account belongs to someone but Ann.
func (m *World) planted(s *State) bool {
	return (s.Seconds|s.Firsts|s.Sites|s.Sheet)&^ofPerson(Ann) != 0 || s.HasPassword && (s.Knows[Ben] || s.Knows[Eve])
}

func ofPerson(p Person) (out Things) {
	for k := Mail; k < kinds; k++ {
		out |= set(thing(k, p))
	}
	return out
}

// twoThings reports whether what opened a session is two different things. It does not
// ask package policy, whose answers are what is checked.
func (m *World) twoThings(s *State, b *Browser) bool {
	n := b.Session
	if n.Trusted {
		return b.TrustSecond != 0 && m.differ(b.TrustFirst, b.TrustSecond)
	}
	both := n.First.kind() == Passkey && n.First == n.Second && m.PasskeyIsBoth
	return both || n.Second != 0 && m.differ(n.First, n.Second)
}

// differ reports whether two things are different: of two kinds, or two passkeys.
func (m *World) differ(a, b Thing) bool {
	return m.box(a.kind()) != m.box(b.kind()) || a.kind() == Passkey && a != b
}

// box is the kind of thing that has to be had to prove another: what is mailed takes the
// mailbox, and most accounts elsewhere can be opened by it too.
func (m *World) box(k Kind) Kind {
	if k == Mended || k == Site && m.SharesMailbox {
		return Mail
	}
	return k
}
