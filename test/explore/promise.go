package explore

import (
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
)

// Promise is a property of every state. Broken reports that a state violates it; the search looks
// for such a state.
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
		// The next promise covers what Eve can do with one of Ann's things.
		"Once the owner has proven the address, nothing that someone else set up opens the account, " +
			"if no one else has any of the owner's things.",
		func(m *World, s *State) bool {
			owned := s.Proven && s.ProvenBy == Ann && s.Mailbox == Ann && m.EveHas == None
			in := func(b *Browser) bool { return b.Of != Ann && !b.Session.Copied }
			// An application can put Ann's address into a row whose owner was another person. So in
			// these worlds others may have second factors and codes there, and no sessions.
			others := *s
			if m.OwnTable {
				others.Seconds, others.Sheet = 0, 0
			}
			return owned && !m.EveHasTheLink && (m.planted(&others) || m.anyone(s, in))
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
		"Where a second factor is required, every session has one, except after a first factor for which the " +
			"operator does not force a set-up.",
		func(m *World, s *State) bool {
			one := func(b *Browser) bool {
				n := b.Session
				return n.Second == 0 && !n.Trusted && !slices.Contains(m.Unforced, methods[n.First.kind()])
			}
			return m.Required && m.anyone(s, one)
		},
	},
	{
		"Where mail was sent from the beginning, nothing that opens an account, except its mailbox, is added " +
			"before its address is proven.",
		func(m *World, s *State) bool {
			token := func(b *Browser) bool { return b.Token }
			added := (s.Seconds | s.Firsts | s.Sites | s.Sheet) &^ ofKind(Mail)
			return m.Mails && !s.EverProven && (added != 0 || m.anyone(s, token))
		},
	},
	{
		"No one is signed in to an account whose deletion was requested.",
		func(m *World, s *State) bool {
			return s.Leaves && m.anyone(s, func(*Browser) bool { return true })
		},
	},
}

// Move is a property of every action: l describes the action, before and after are the states
// around it.
type Move struct {
	Words  string
	Broken func(m *World, l Label, before, after *State) bool
}

// moves are the promises about all actions.
var moves = []Move{
	{
		"A change of what opens an account, or the end of all other sessions, ends all sessions and tokens " +
			"except the one that made it.",
		func(_ *World, l Label, a, b *State) bool {
			same := a.Seconds == b.Seconds && a.Firsts == b.Firsts && a.Sites == b.Sites && a.Sheet == b.Sheet &&
				a.HasPassword == b.HasPassword && a.Knows == b.Knows && a.Mailbox == b.Mailbox
			inside := l.By < By(people) && (changesAccess(l.Verb) || l.Verb == endsOthers)
			if !a.Exists || !b.Exists || same && !inside && l.Verb != resetsByMail {
				return false
			}
			enters := strings.HasPrefix(l.Verb, "signs in") || strings.HasPrefix(l.Verb, followsLink)
			if l.By < By(people) && (inside || enters) { // one session of the person who made it may be left
				return b.alive() > 1 || slices.ContainsFunc(b.Browsers[:], func(w Browser) bool {
					return w.Session.alive() && (w.Of != Person(l.By) || w.Token)
				})
			}
			return b.alive() > 0
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
		"A sign-in or a re-authentication begins with something that the account has.",
		func(_ *World, l Label, a, _ *State) bool {
			first, begins := l.With[0], a.Firsts|a.Sites
			switch again := l.Verb == provesAgain; {
			case again:
				begins |= a.Seconds & ofKind(Passkey)
			case !strings.HasPrefix(l.Verb, "signs in"):
				return false
			case first.kind() == Mail:
				return first.owner() != a.Mailbox
			}
			if first.kind() == Password {
				return !a.HasPassword
			}
			return !begins.has(first)
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
		"Only someone who has just proven all that the account asks for changes what opens it, " +
			"makes a personal token, or asks for its deletion.",
		func(m *World, l Label, a, _ *State) bool {
			if l.By >= By(people) || !changesAccess(l.Verb) && l.Verb != makesPersonal {
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
	{
		"Where an account has a second factor, a sign-in or a re-authentication needs one that it has.",
		func(_ *World, l Label, a, _ *State) bool {
			second := l.With[1]
			if l.Before != 0 { // another one was set up then
				second = l.Before
			}
			entered := strings.HasPrefix(l.Verb, "signs in") || l.Verb == provesAgain
			if !entered || a.Seconds == 0 || second == 0 || second == thing(Mended, a.Mailbox) {
				return false
			}
			if second == l.With[0] { // a passkey alone
				return !(a.Seconds | a.Firsts).has(second)
			}
			return !(a.Seconds | a.Sheet).has(second)
		},
	},
	{
		"If all things in a proven account are its owner's, the owner chose the password, and there is a second " +
			"factor, a thief of one thing does not get in, and a thief of the password and the mailbox gets in " +
			"only by a recovery.",
		func(m *World, l Label, a, _ *State) bool {
			recovers := strings.HasPrefix(l.Verb, followsLink) && l.With[1] != 0
			both := m.eveHas(Password) && m.eveHas(Mail) && l.By == By(Eve)
			if !strings.HasPrefix(l.Verb, "signs in") && (!recovers || both) {
				return false
			}
			guarded := a.Proven && a.Mailbox == Ann && a.Seconds != 0 && !m.planted(a)
			return guarded && l.By != By(Ann)
		},
	},
	{
		"The link of a recovery that someone asked for works a day later, and not before.",
		func(_ *World, l Label, a, b *State) bool {
			opened := b.Recovery == Opens && a.Recovery != Opens && l.Verb != ""
			waited := l.By == Time && a.Recovery == Waits || l.By == Operator
			return opened && !waited || strings.HasPrefix(l.Verb, followsLink) && a.Recovery != Opens
		},
	},
	{
		"Recovery codes end when a factor takes the place of a lost one.",
		func(_ *World, l Label, _, b *State) bool {
			return l.Before.kind() == Mended && b.Sheet != 0
		},
	},
	{
		"If one of an account's addresses was proven, a reset or a sign-in by mail removes no second factor.",
		func(_ *World, l Label, a, b *State) bool {
			mailed := l.Verb == resetsByMail ||
				strings.HasPrefix(l.Verb, "signs in") && l.With[0].kind() == Mail && l.Before == 0
			return mailed && a.EverProven && (a.Seconds&^b.Seconds != 0 || a.Sheet&^b.Sheet != 0)
		},
	},
	{
		"After a reset of the access, nothing but the password and the mailbox opens the account.",
		func(_ *World, l Label, _, b *State) bool {
			return l.Verb == "resets the access to the account" && (b.Seconds|b.Sheet|b.openers() != 0 || b.alive() > 0)
		},
	},
	{
		"What the application or the operator changes, and the answer to a notice, end all sessions and tokens.",
		func(_ *World, l Label, _, b *State) bool {
			outside := l.By == Application || strings.HasPrefix(l.Verb, "deactivates") ||
				strings.HasPrefix(l.Verb, "answers a notice")
			return outside && b.alive() > 0
		},
	},
	{
		"If the operator or the application sets another address, nothing but the password remains to begin a " +
			"sign-in. The address is proven only if it was before.",
		func(_ *World, l Label, a, b *State) bool {
			proven := b.Proven && !(a.EverProven && a.ProvenAt == b.Mailbox)
			set := l.Verb == givesBack || strings.HasSuffix(l.Verb, inOwnTable)
			return set && (proven || b.HasPassword && b.openers() != 0)
		},
	},
	{
		"With only the mailbox of an account, no one bypasses another second factor of its owner within a day of " +
			"a reset by mail, and later only with what is mailed or in a browser that was trusted since.",
		func(m *World, l Label, a, _ *State) bool {
			guarded := a.Proven && a.Mailbox == Ann && a.Seconds&^ofKind(Mail) != 0 && !m.plantedThings(a)
			if m.EveHas != Mail || !guarded || l.By == By(Ann) || !strings.HasPrefix(l.Verb, "signs in") {
				return false
			}
			second := l.With[1]
			if l.Before != 0 { // another one was set up then
				second = l.Before
			}
			return a.ResetLately || m.box(second.kind()) != Mail && l.Verb != inTrusted
		},
	},
}

// The verbs that more than one promise uses.
const (
	provesAgain   = "proves again who they are"
	followsLink   = "follows the link of a recovery"
	givesBack     = "gives the account its owner's address again"
	inOwnTable    = "'s in its own table"
	resetsByMail  = "resets the password by a mailed link"
	makesPersonal = "makes a personal token"
	endsOthers    = "ends all other sessions"
	inTrusted     = "signs in in a trusted browser"
)

// changesAccess reports whether a verb is that of a change that a session makes.
func changesAccess(verb string) bool {
	for _, begins := range [...]string{
		"sets up ", "removes a ", "switches all ", "makes recovery codes", "adds a way in", "changes the ",
		"asks for the deletion",
	} {
		if strings.HasPrefix(verb, begins) {
			return true
		}
	}
	return false
}

// anyone reports whether a session or token that currently opens the account satisfies is.
func (m *World) anyone(s *State, is func(*Browser) bool) bool {
	for i := range s.Browsers {
		if b := &s.Browsers[i]; m.usable(s, b) && is(b) {
			return true
		}
	}
	return false
}

// planted reports whether anything in the account belongs to a person other than Ann.
func (m *World) planted(s *State) bool {
	return m.plantedThings(s) || s.HasPassword && (s.Knows[Ben] || s.Knows[Eve])
}

// plantedThings is planted without the password.
func (m *World) plantedThings(s *State) bool {
	return (s.Seconds|s.Firsts|s.Sites|s.Sheet)&^ofPerson(Ann) != 0
}

// twoThings reports whether a session was opened with two different things. It does not use package
// policy, whose answers it checks.
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

// box returns the kind of thing that is required to prove another: mailed codes require the
// mailbox, and so do most accounts at providers.
func (m *World) box(k Kind) Kind {
	if k == Mended || k == Site && m.SharesMailbox {
		return Mail
	}
	return k
}
