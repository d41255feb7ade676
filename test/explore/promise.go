package explore

import (
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
)

// Promise is something that must hold in every state.
type Promise struct {
	Words  string
	Broken func(m *World, s *State) bool
}

// promises hold whatever the people do.
var promises = []Promise{
	{
		"A session of an account with a second factor rests on two things.",
		func(m *World, s *State) bool {
			return s.Seconds != 0 && m.anyone(s, func(b *Browser) bool { return !m.twoThings(s, b) })
		},
	},
	{
		"What others set up opens nothing after the owner proved the address.",
		func(m *World, s *State) bool {
			owned := s.Proven && s.ProvenBy == Ann && s.Mailbox == Ann && m.EveHas == None
			in := func(b *Browser) bool { return b.Of != Ann && !b.Session.Copied }
			return owned && (m.planted(s) || m.anyone(s, in))
		},
	},
	{
		"One thing of the owner's is not enough to sign in to an account with a second factor.",
		func(m *World, s *State) bool {
			guarded := s.Proven && s.Mailbox == Ann && s.Seconds != 0 && !m.planted(s)
			return guarded && m.anyone(s, func(b *Browser) bool {
				n := b.Session
				return b.Of != Ann && !n.Copied && n.First.owner() == Ann && n.Second.owner() == Ann
			})
		},
	},
	{
		"A factor by mail is at the address of the account.",
		func(_ *World, s *State) bool {
			return (s.Seconds|s.Firsts)&ofKind(Mail)&^set(thing(Mail, s.Mailbox)) != 0
		},
	},
	{
		"A session does not outlive the trust that it rests on.",
		func(m *World, s *State) bool {
			return m.anyone(s, func(b *Browser) bool {
				return b.Session.Trusted && (b.TrustSecond == 0 || s.Distrusts || !m.Trust)
			})
		},
	},
	{
		"A session by a factor that does not count anymore opens nothing but a set-up.",
		func(m *World, s *State) bool {
			weak := func(t Thing) bool { return t.kind() == Mail || t.kind() == Phone || t.kind() == Mended }
			return (s.Strict || m.StrongOnly) && m.anyone(s, func(b *Browser) bool {
				return weak(b.Session.Second) || b.Session.Trusted && weak(b.TrustSecond)
			})
		},
	},
	{
		"Where a second factor is required, no session is without.",
		func(m *World, s *State) bool {
			one := func(b *Browser) bool { return b.Session.Second == 0 && !b.Session.Trusted }
			return m.Required && m.anyone(s, one)
		},
	},
	{
		"Before an address is proven, nothing is set up but its mailbox.",
		func(_ *World, s *State) bool {
			return !s.EverProven && (s.Seconds|s.Firsts|s.Sites|s.Sheet)&^ofKind(Mail) != 0
		},
	},
}

// Move is something that must hold for every action.
type Move struct {
	Words  string
	Broken func(m *World, l Label, before, after *State) bool
}

// moves hold for everything that anyone does.
var moves = []Move{
	{
		"A change of what opens an account ends everything that was issued before.",
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
		"A sign-in within a day of a reset by mail does not end by mail if there is another factor.",
		func(_ *World, l Label, a, _ *State) bool {
			other := a.Seconds&^ofKind(Mail) != 0
			return l.Verb == "signs in" && l.With[0].kind() == Password && l.With[1].kind() == Mail &&
				other && a.ResetLately
		},
	},
	{
		"Within a day of a reset by mail, nothing that is mailed rescues a sign-in by the password.",
		func(_ *World, l Label, a, _ *State) bool {
			rescued := l.Verb == "signs in" && l.With[1].kind() == Mended || l.Verb == "asks for a recovery"
			return rescued && l.With[0].kind() == Password && a.ResetLately
		},
	},
	{
		"Nothing that is mailed rescues a sign-in that began by mail.",
		func(m *World, l Label, _, _ *State) bool {
			rescued := l.Verb == "signs in" && l.With[1].kind() == Mended || l.Verb == "asks for a recovery"
			return rescued && m.box(l.With[0].kind()) == Mail
		},
	},
	{
		"A session that was just issued opens the account.",
		func(m *World, l Label, _, b *State) bool {
			entered := strings.HasPrefix(l.Verb, "signs in")
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
}

// Way is something that must be possible in every state.
type Way struct {
	Words string
	Asks  func(m *World, s *State) bool // the states that it is about
	Goal  func(m *World, s *State) bool
	By    func(By) bool // whose actions lead there
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
		func(m *World, s *State) bool { return m.anyone(s, func(b *Browser) bool { return b.Of == Ann }) },
		func(b By) bool { return b == By(Ann) || b == Time },
	},
	{
		"With the operator's help, an owner gets the account back and no one else has anything in it.",
		func(m *World, s *State) bool {
			return s.Exists && (s.Mailbox == Ann || s.WasAnns) && !m.WithinADay && !m.NoReset
		},
		func(m *World, s *State) bool {
			ann := func(b *Browser) bool { return b.Of == Ann }
			others := func(b *Browser) bool { return b.Of != Ann }
			return s.Mailbox == Ann && !m.planted(s) && m.anyone(s, ann) && !m.anyone(s, others)
		},
		func(b By) bool { return b == By(Ann) || b == Time || b == Operator },
	},
}

// anyone reports whether a browser is signed in of which is says so.
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

// twoThings is the promise's own idea of what two factors are. It asks the world,
// not the policy.
func (m *World) twoThings(s *State, b *Browser) bool {
	n := b.Session
	if n.Trusted {
		return b.TrustSecond != 0 && m.differ(b.TrustFirst, b.TrustSecond)
	}
	both := n.First.kind() == Passkey && n.First == n.Second && m.PasskeyIsBoth
	return both || n.Second != 0 && m.differ(n.First, n.Second)
}

func (m *World) differ(a, b Thing) bool {
	return m.box(a.kind()) != m.box(b.kind()) || a.kind() == Passkey && a != b
}

// box is the kind of thing that a proof is, in truth.
func (m *World) box(k Kind) Kind {
	if k == Mended || k == Site && m.SharesMailbox {
		return Mail
	}
	return k
}
