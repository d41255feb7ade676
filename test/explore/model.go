package explore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Person is one of the people.
type Person uint8

// The people. Ann has the account's first mailbox. Ben is another user, who may
// enter Ann's address by mistake. Eve attacks.
const (
	Ann Person = iota
	Ben
	Eve
	people
)

func (p Person) String() string { return [...]string{"Ann", "Ben", "Eve", "no one"}[p] }

// Kind is a kind of thing that a proof rests on.
type Kind uint8

// The kinds of things. Each person has one of each kind except the password, which belongs to the account.
const (
	None Kind = iota
	Password
	Mail
	Phone
	App
	Passkey
	Site   // an account at another site
	Sheet  // recovery codes
	Mended // a mailed code that takes the place of a lost second factor: a rescue
	kinds
)

var kindNames = [...]string{
	"nothing", "the password", "mailbox", "phone", "app", "passkey", "account elsewhere", "recovery codes",
	"mailed rescue code",
}

// Thing is what a person proves: a kind and its owner.
type Thing uint8

func thing(k Kind, p Person) Thing { return Thing(k)*Thing(people) + Thing(p) }

func (t Thing) kind() Kind    { return Kind(t / Thing(people)) }
func (t Thing) owner() Person { return Person(t % Thing(people)) }

func (t Thing) String() string {
	if k := t.kind(); k == None || k == Password {
		return kindNames[k]
	}
	return t.owner().String() + "'s " + kindNames[t.kind()]
}

var methods = [...]string{Password: "password", Mail: storage.Email, Phone: storage.SMS, App: storage.Authenticator,
	Passkey: storage.Passkey, Site: policy.Elsewhere, Sheet: storage.RecoveryCode, Mended: policy.Rescued}

// proofs returns the proofs of a thing for package policy.
var proofs = func() (all [int(kinds) * int(people)]storage.Proof) {
	for k := Password; k < kinds; k++ {
		for p := range people {
			t := thing(k, p)
			switch k {
			case Passkey:
				all[t] = policy.ByFactor(storage.Factor{ID: p.String(), Method: storage.Passkey})
			case Site:
				all[t] = storage.Proof{Method: policy.Elsewhere, Rests: []string{storage.OnElsewhere, siteName}}
			default:
				all[t] = policy.By(methods[k])
			}
		}
	}
	return all
}()

const siteName = storage.OnElsewhere + ":site"

var independent = []string{siteName}

// Things is a set of things.
type Things uint32

func set(ts ...Thing) (out Things) {
	for _, t := range ts {
		out |= 1 << t
	}
	return out
}

func (s Things) has(t Thing) bool { return s&(1<<t) != 0 }

func (s Things) each(f func(Thing)) {
	for t := Thing(0); s>>t != 0; t++ {
		if s.has(t) {
			f(t)
		}
	}
}

// factors returns the factors of a set of things for package policy.
func (s Things) factors() []storage.Factor { return factors[s>>thing(Mail, Ann)] }

var factors = func() (all [1 << (4 * people)][]storage.Factor) {
	for n := range all {
		(Things(n) << thing(Mail, Ann)).each(func(t Thing) {
			all[n] = append(all[n], storage.Factor{ID: t.owner().String(), Method: methods[t.kind()]})
		})
		all[n] = slices.Clip(all[n])
	}
	return all
}()

// Session holds the proofs of a browser's session. The zero value means no session.
type Session struct {
	First, Second Thing
	Trusted       bool // the browser stood for the second factor
	Fresh         bool
	Copied        bool // Eve copied it
}

func (s Session) alive() bool { return s.First != 0 }

// Browser is a browser of a person.
type Browser struct {
	Of      Person
	Session Session
	// TrustFirst and TrustSecond are the proofs for which the browser was trusted.
	TrustFirst, TrustSecond Thing
	Known                   bool // it signed in to the account before
	// Token is set for a token instead of a browser. Its Session holds the proofs for which it was
	// issued. If Refreshes is set, it can be exchanged for sessions; otherwise it is used directly.
	Token, Refreshes bool
}

func (b Browser) empty() bool { return b == Browser{Of: b.Of} }

// Recovery is the state of a recovery: a person who lost a second factor requests it, a day later a
// link is mailed, and the link enrolls another factor.
type Recovery uint8

// The states of a request.
const (
	NotAsked Recovery = iota
	Waits             // for the day to go by
	Opens             // by the link
)

// browsersEach is the maximum number of Ann's browsers, and of the others' together, that are in
// view. A crowd has one of each in view, and any number out of view.
const (
	browsersEach = 2
	browsers     = 2 * browsersEach
)

// State is the complete state of one account and the people around it. Two accounts share only the
// rule that an address or an account at a provider belongs to one of them, so one account is
// explored.
type State struct {
	Exists bool
	// Mailbox is whose mailbox the account's address is. Proven: someone has shown that
	// they read it. EverProven: that, or the same of an address that it had before.
	Mailbox            Person
	Proven, EverProven bool
	ProvenAt           Person // whose mailbox was proven last
	ProvenBy           Person // who proved it
	WasAnns            bool   // Ann has proven the address at some time
	HasPassword        bool
	Knows              [people]bool // who knows the password
	ResetLately        bool         // the password, by mail, within a day
	Seconds, Firsts    Things       // second factors, and what begins a sign-in
	Sites              Things       // connections
	Sheet              Things       // recovery codes, by their holder
	Blocked            bool         // strangers have used up the guesses at the second factors
	Recovery           Recovery
	Invitation         Invitation
	AtFormer           bool // only the former system knows the password
	Leaves             bool // the deletion of the account is asked for
	Browsers           [browsers]Browser
	Stolen             bool // Eve has copied what this run lets her copy
	Strict             bool // the operator has switched weak factors off
	Distrusts          bool // the operator has switched trust off
	SendsMail          bool // the operator has set up mail, where there was none
	// The last action sets these two fields, which are not packed. ended is what the action ended
	// in other browsers; away reports that it signed in a browser out of view.
	ended ended
	away  bool
}

// ended is what an action ends in other browsers.
type ended uint8

const (
	nothing ended = iota
	trusts
	sessions // but not tokens: a fault
	everything
)

// World is one run of the search: the operator's settings and the things that Eve has. The
// policy.Rules are the settings that package policy reads.
type World struct {
	Name     string
	settings []string // their names
	policy.Rules
	Required          bool // every account must have a second factor
	Trust             bool // a browser can be trusted in place of the second factor
	MailBegins        bool // a mailed code or link begins a sign-in
	Recovers          bool // a lost factor can be replaced after a wait
	Seconds           []Kind
	Firsts            []Kind
	OperatorChanges   bool
	Codes             bool // an account can have recovery codes
	Guesses           bool // strangers can use up the guesses at a second factor
	SharesMailbox     bool // anyone who reads a person's mail also gets into their account elsewhere
	NoReset           bool // a password cannot be reset by mail
	Acts              bool // the application and the operator change accounts by their programs
	OwnTable          bool // the application keeps the accounts in its own table, and changes addresses there
	Invites           bool // the operator invites people
	SignsUp           bool // an account can be made through another site
	SiteRunsMailboxes bool // that site runs Ann's mailbox, so it knows whose it is
	Arrives           bool // the passwords of a former system are accepted
	FormerProves      bool // that system says which addresses its users proved
	Deletes           bool // an account can be deleted
	Tokens            bool // there are personal and refresh tokens
	EveHas            Kind // the thing of Ann's that Eve has; None: nothing
	EveHasMailToo     bool // and also Ann's mailbox
	EveHasTheLink     bool // of the invitation
	EveCopiesASession bool // or token of Ann's, once: the copy is never fresh, and stays trusted if Ann's is
	Crowd             bool // each person has any number of browsers, not only two: see crowd.go
	Alone             bool // Ann has everything, and no one else acts: see Explain
	Fault             Fault
}

// reads reports whether a person can read the mail of a mailbox. If no mail is sent, no one can.
func (m *World) reads(p, mailbox Person) bool {
	return m.Mails && (m.Alone || p == mailbox || p == Eve && mailbox == Ann && m.eveHas(Mail))
}

// eveHas reports whether Eve has one of Ann's things.
func (m *World) eveHas(k Kind) bool { return m.EveHas == k || k == Mail && m.EveHasMailToo }

// acts reports whether a person acts in this world. Ben acts only where Eve has none of Ann's
// things, because otherwise Eve can do everything that Ben can.
func (m *World) acts(p Person) bool { return p == Ann || !m.Alone && (p == Eve || m.EveHas == None) }

// owns reports whether a person has a thing like its owner.
func (m *World) owns(p Person, t Thing) bool { return m.Alone || p == t.owner() }

// can reports whether a person can prove a thing of the account.
func (m *World) can(s *State, p Person, t Thing) bool {
	switch t.kind() {
	case Password:
		return s.HasPassword && (s.Knows[p] || p == Eve && s.Knows[Ann] && m.eveHas(Password))
	case Mail, Mended:
		return m.reads(p, s.Mailbox)
	case Site: // most accounts elsewhere can be opened through the same mailbox
		stolen := m.eveHas(Site) || m.eveHas(Mail) && m.SharesMailbox
		return m.owns(p, t) || p == Eve && t.owner() == Ann && stolen
	}
	mailed := m.Fault == AppCodesAreMailed && t.kind() == App && m.reads(p, s.Mailbox)
	return mailed || m.owns(p, t) || p == Eve && t.owner() == Ann && m.eveHas(t.kind())
}

func ofPerson(p Person) (out Things) {
	for k := Mail; k < kinds; k++ {
		out |= set(thing(k, p))
	}
	return out
}

// alive returns the number of sessions and tokens in view.
func (s *State) alive() (n int) {
	for _, w := range s.Browsers {
		if w.Session.alive() {
			n++
		}
	}
	return n
}

// fresh returns the number of fresh sessions.
func (s *State) fresh() (n int) {
	for _, w := range s.Browsers {
		if w.Session.Fresh {
			n++
		}
	}
	return n
}

func (b *Browser) isAnns() bool { return b.Of == Ann && !b.Token }

func (b *Browser) isAnothers() bool { return b.Of != Ann }

// String describes a state.
func (s State) String() string {
	if !s.Exists {
		return "no account"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "address %s's (%s)", s.Mailbox, map[bool]string{true: "proven", false: "not proven"}[s.Proven])
	if s.HasPassword {
		b.WriteString(", password known to " + s.knowers())
	}
	for _, of := range []struct {
		what   string
		things Things
	}{{"second", s.Seconds}, {"first", s.Firsts | s.Sites}, {"codes", s.Sheet}} {
		of.things.each(func(t Thing) { fmt.Fprintf(&b, ", %s: %s", of.what, t) })
	}
	for _, w := range s.Browsers {
		if w.Session.alive() {
			b.WriteString("; " + w.String())
		}
	}
	return b.String()
}

func (s State) knowers() string {
	var names []string
	for p := range people {
		if s.Knows[p] {
			names = append(names, p.String())
		}
	}
	if len(names) == 0 {
		return people.String()
	}
	return strings.Join(names, " and ")
}

// String describes the proofs of a browser or token.
func (b Browser) String() string {
	out := b.Of.String()
	if b.Token {
		out += " has a token of "
	} else {
		out += " is in by "
	}
	switch n := b.Session; {
	case n.Trusted:
		return out + n.First.String() + " in a trusted browser"
	case n.Second == 0, n.Second == n.First:
		return out + n.First.String() + " alone"
	default:
		return out + n.First.String() + ", then " + n.Second.String()
	}
}
