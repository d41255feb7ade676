package explore

import (
	"slices"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Label describes what happened between two states.
type Label struct {
	By   By
	Verb string
	With [2]Thing
	// Before holds what was proven before With[1] was enrolled in its place.
	Before Thing
}

// By is the actor: a person, the operator, the application, or time.
type By uint8

// The actors other than people.
const (
	Operator = By(people) + iota
	Application
	Time
)

func (l Label) String() string {
	out := "The operator "
	switch {
	case l.By == Time:
		out = "Time: "
	case l.By == Application:
		out = "The application "
	case l.By < By(people):
		out = Person(l.By).String() + " "
	}
	out += l.Verb
	sep := ": "
	for _, t := range []Thing{l.With[0], l.Before, l.With[1]} {
		if t != 0 {
			out += sep + t.String()
			sep = ", then "
		}
	}
	return out
}

// turn is one state in which all actors may act.
type turn struct {
	*World
	was  State
	emit func(Label, State)
	// before holds what was proven on the way to an enrollment; see Label.Before.
	before Thing
}

// all calls emit with every state that one action leads to.
func (m *World) all(s State, emit func(Label, State)) {
	if s.SendsMail && !m.Mails {
		mailing := *m
		mailing.Mails = true
		m = &mailing
	}
	t := turn{World: m, was: s, emit: emit}
	outside{&t}.setsUpMail()
	if !s.Exists {
		life{&t}.begins()
		return
	}
	t.time()
	t.operator()
	outside{&t}.acts()
	fresh := slices.IndexFunc(s.Browsers[:], func(b Browser) bool { return b.empty() })
	for p := range people {
		if !m.acts(p) {
			continue
		}
		t.mail(p)
		life{&t}.claim(p)
		life{&t}.accept(p)
		if fresh >= 0 && m.mayOpen(&s, p) { // a browser that holds nothing yet
			was := t.was
			t.was.Browsers[fresh] = Browser{Of: p}
			t.enter(fresh)
			t.was = was
		}
	}
	for i, b := range s.Browsers {
		if b.empty() {
			continue
		}
		t.leave(i)
		if b.Token {
			minting{&t}.exchanges(i)
			continue
		}
		if !b.Session.alive() {
			t.enter(i)
			continue
		}
		switch m.standing(&s, &b) {
		case policy.Stands:
			t.own(i)
		case policy.Enrolls:
			t.reauthenticate(i)
			if !b.Session.Fresh || !t.full(&s, &b) {
				continue
			}
			t.enroll(i, b.Session.First, 0, "sets up a factor that is required by now")
		}
	}
	t.steal()
}

// mayOpen reports whether a person can use another browser. Ann always has one.
func (m *World) mayOpen(s *State, p Person) bool {
	of := [people]int{}
	for _, b := range s.Browsers {
		if !b.empty() {
			of[b.Of]++
		}
	}
	if m.Crowd {
		return p == Ann && of[Ann] == 0 || p != Ann && of[Ben]+of[Eve] == 0
	}
	return of[p] < browsersEach && (p == Ann || of[Ben]+of[Eve] < browsers-browsersEach)
}

// then emits the result of one action.
func (t *turn) then(by By, verb string, s State, with ...Thing) {
	l := Label{By: by, Verb: verb, Before: t.before}
	copy(l.With[:], with)
	t.emit(l, s)
}

// time makes fresh sessions stale and lets a day pass.
func (t *turn) time() {
	s := t.was
	for i := range s.Browsers {
		s.Browsers[i].Session.Fresh = false
	}
	s.day()
	t.then(Time, "a day goes by", s)
	life{t}.deletes()
}

func (s *State) day() {
	s.ResetLately = false
	switch s.Recovery {
	case Waits:
		s.Recovery = Opens
	case Opens:
		s.Recovery = NotAsked
	}
}

// operator changes the rules and helps Ann on request.
func (t *turn) operator() {
	if s := t.was; t.OperatorChanges {
		s.Strict = true
		t.then(Operator, "no longer counts text messages and mails", s)
		s = t.was
		s.Distrusts = true
		t.then(Operator, "no longer lets browsers be trusted", s)
	}
	life{t}.revoke()
	s := t.was
	s.Blocked = false
	t.then(Operator, "unlocks the account", s)
	if s.Mailbox != Ann && s.WasAnns && !t.OwnTable {
		outside{t}.changesIdentity(Ann)
	}
	if s.Mailbox == Ann {
		outside{t}.startsRecovery()
	}
}

// mail runs the actions of a person who reads the mail of the account, in any browser.
func (t *turn) mail(p Person) {
	if !t.reads(p, t.was.Mailbox) {
		return
	}
	s := t.was
	if !t.NoReset {
		t.chooses(&s, p)
		t.then(By(p), resetsByMail, s)
	}
	if s = t.was; !s.Proven && s.Knows[p] {
		t.proves(&s, p)
		t.then(By(p), "confirms the address in the browser that registered it", s)
	}
	life{t}.stopsDeletion(p)
	if t.Acts {
		outside{t}.disowns(p, 0)
		outside{t}.disowns(p, t.was.openers())
	}
}

// chooses sets the account's password through its mailbox.
func (t *turn) chooses(s *State, p Person) {
	openers, seconds := t.drops(s)
	if openers {
		s.Firsts, s.Sites = s.Firsts&ofKind(Mail), 0
	}
	if seconds {
		s.Seconds, s.Sheet = 0, 0
	}
	s.HasPassword, s.AtFormer, s.Knows = true, false, [people]bool{}
	s.Knows[p] = true
	s.ResetLately = true
	t.proves(s, p)
	t.end(s, -1)
}

func (t *turn) proves(s *State, p Person) {
	s.Proven, s.EverProven, s.ProvenAt, s.ProvenBy = true, true, s.Mailbox, p
	s.WasAnns = s.WasAnns || p == Ann
}

// provesBy is proves during a sign-in.
func (t *turn) provesBy(s *State, p Person, first Thing) {
	if !s.Proven && !t.mailboxAlone(s, first) {
		t.proves(s, p)
	}
}

// moveTo changes the account's address to a proven one. Factors by mail move to it.
func (t *turn) moveTo(s *State, to, by Person) {
	t.takesMailTo(s, to)
	t.proves(s, by)
}

// takesMailTo changes the address and proves nothing. A previously proven address counts as proven
// again when it returns.
func (t *turn) takesMailTo(s *State, to Person) {
	if t.Fault != MailFactorsStay {
		if s.Seconds&ofKind(Mail) != 0 {
			s.Seconds = s.Seconds&^ofKind(Mail) | set(thing(Mail, to))
		}
		if s.Firsts&ofKind(Mail) != 0 {
			s.Firsts = s.Firsts&^ofKind(Mail) | set(thing(Mail, to))
		}
	}
	s.Mailbox = to
	s.Proven = s.EverProven && s.ProvenAt == to
}

// steal copies one of Ann's sessions.
func (t *turn) steal() {
	if !t.EveCopiesASession || t.was.Stolen {
		return
	}
	for _, b := range t.was.Browsers {
		for i, to := range t.was.Browsers {
			if b.Of == Ann && b.Session.alive() && to.empty() && (!t.Crowd || t.mayOpen(&t.was, Eve)) {
				s := t.was
				s.Stolen = true
				b.Of, b.Known, b.Session.Copied, b.Session.Fresh = Eve, false, true, false
				if !b.Session.Trusted {
					b.TrustFirst, b.TrustSecond = 0, 0
				}
				s.Browsers[i] = b
				t.then(By(Eve), "copies what Ann is signed in by", s)
				break
			}
		}
	}
}

// leave signs out or removes the whole browser.
func (t *turn) leave(i int) {
	s := t.was
	b := &s.Browsers[i]
	of := By(b.Of)
	if b.Session.alive() && !b.Token {
		b.Session = Session{}
		t.then(of, "signs out", s)
	}
	verb := "throws a browser away"
	if b.Token {
		verb = "revokes a token"
	}
	s.Browsers[i] = Browser{}
	t.then(of, verb, s)
}

// end ends everything that was issued, except the session of one browser.
func (t *turn) end(s *State, keep int) {
	if t.Fault == ChangesEndNothing {
		return
	}
	of := Ann
	if keep >= 0 {
		of = s.Browsers[keep].Of
	}
	for i := range s.Browsers {
		b := &s.Browsers[i]
		b.TrustFirst, b.TrustSecond = 0, 0
		if t.Fault == ChangesEndOnesOwn && keep >= 0 && b.Of != of {
			continue
		}
		if i != keep && !(b.Token && t.Fault == TokensOutliveChanges) {
			b.Session = Session{}
		}
	}
	s.ended = everything
	if t.Fault != RecoveryIsNotStopped {
		s.Recovery = NotAsked
	}
	if t.Fault == TokensOutliveChanges {
		s.ended = sessions
	}
}

// loses removes from all browsers what an action in another one ended.
func (s *State) loses(what ended) {
	for i := range s.Browsers {
		b := &s.Browsers[i]
		if what != nothing {
			b.TrustFirst, b.TrustSecond = 0, 0
		}
		if what == everything || what == sessions && !b.Token {
			b.Session = Session{}
		}
	}
}

func ofKind(k Kind) (out Things) {
	for p := range people {
		out |= set(thing(k, p))
	}
	return out
}

// thingOf returns the thing of a factor that package policy names.
func thingOf(f storage.Factor) Thing {
	for p := range people {
		if p.String() == f.ID {
			return thing(Kind(slices.Index(methods[:], f.Method)), p)
		}
	}
	return 0
}
