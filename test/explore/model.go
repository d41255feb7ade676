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

// The kinds of things. Each person has one of each but the password, which is the
// account's.
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

// Thing is what someone proves: a kind and whose it is.
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

// proofs are what package policy sees of a thing.
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

// factors are what package policy sees of a set of second factors.
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

// Session is what a browser is signed in by. The zero value stands for no session.
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
	// TrustFirst and TrustSecond were proven when the browser was trusted.
	TrustFirst, TrustSecond Thing
	Known                   bool // it signed in to the account before
	// Token: this is no browser but a token. Its Session is what was proven for it. One
	// that Refreshes is exchanged for sessions; others are used as they are.
	Token, Refreshes bool
}

func (b Browser) empty() bool { return b == Browser{Of: b.Of} }

// Recovery is how far a recovery has come: someone asks for it who has lost a second
// factor, a day later a link is mailed, and the link sets up another factor.
type Recovery uint8

// The states of a request.
const (
	NotAsked Recovery = iota
	Waits             // for the day to go by
	Opens             // by the link
)

// browsersEach is how many browsers of Ann's, and how many of the others' together, are in
// view at most. A crowd has one of Ann's and one of the others' in view, and any number out
// of view.
const (
	browsersEach = 2
	browsers     = 2 * browsersEach
)

// State is everything that matters of one account and the people around it. Two
// accounts share nothing but that an address and an account elsewhere belong to
// one of them, so one is explored.
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
	Sheet              Things       // recovery codes, by who has them
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
	// The last action sets these two, which are not packed. ended is what the action
	// ended in other browsers; away says that it signed in a browser out of view.
	ended ended
	away  bool
}

// ended is what an action ends in the browsers in which it was not taken.
type ended uint8

const (
	nothing ended = iota
	trusts
	sessions // but not tokens: a fault
	everything
)

// World is one run of the search: what the operator decided before it, and what Eve has.
// In the policy.Rules are those decisions that package policy reads.
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
	SharesMailbox     bool // who reads a person's mail gets into their account elsewhere too
	NoReset           bool // a password cannot be reset by mail
	Acts              bool // the application and the operator change accounts by their programs
	OwnTable          bool // the application keeps the accounts in its own table, and changes addresses there
	Invites           bool // the operator invites people
	SignsUp           bool // an account can be made through another site
	SiteRunsMailboxes bool // that site gives Ann her mailbox, so it knows whose it is
	Arrives           bool // the passwords of a former system are taken
	FormerProves      bool // that system says which addresses its users proved
	Deletes           bool // an account can be deleted
	Tokens            bool // there are personal and refresh tokens
	EveHas            Kind // of Ann's things; None: nothing
	EveHasMailToo     bool // and Ann's mailbox in addition
	EveHasTheLink     bool // of the invitation
	EveCopiesASession bool // or token of Ann's, once: the copy is never fresh, and stays trusted if Ann's is
	Crowd             bool // everybody has any number of browsers, and not only two: see crowd.go
	Alone             bool // Ann has everything, and no one else acts: see Explain
	Fault             Fault
}

// reads reports whether a person reads the mail of a mailbox. Where no mail is sent,
// there is none to read.
func (m *World) reads(p, mailbox Person) bool {
	return m.Mails && (m.Alone || p == mailbox || p == Eve && mailbox == Ann && m.eveHas(Mail))
}

// eveHas reports whether Eve has a thing of Ann's.
func (m *World) eveHas(k Kind) bool { return m.EveHas == k || k == Mail && m.EveHasMailToo }

// acts reports whether a person does anything here. Ben acts only where Eve has none of
// Ann's things: in the other worlds Eve can do all that Ben can, and more.
func (m *World) acts(p Person) bool { return p == Ann || !m.Alone && (p == Eve || m.EveHas == None) }

// owns reports whether a thing is in a person's hands as it is in its owner's.
func (m *World) owns(p Person, t Thing) bool { return m.Alone || p == t.owner() }

// can reports whether a person can prove a thing of the account.
func (m *World) can(s *State, p Person, t Thing) bool {
	switch t.kind() {
	case Password:
		return s.HasPassword && (s.Knows[p] || p == Eve && s.Knows[Ann] && m.eveHas(Password))
	case Mail, Mended:
		return m.reads(p, s.Mailbox)
	case Site: // most accounts elsewhere open by the same mailbox
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

// alive is how many sessions and tokens are in view.
func (s *State) alive() (n int) {
	for _, w := range s.Browsers {
		if w.Session.alive() {
			n++
		}
	}
	return n
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

func (b *Browser) isAnothers() bool { return b.Of != Ann }

// String tells a state.
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

// String tells by what a browser or token is signed in.
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
