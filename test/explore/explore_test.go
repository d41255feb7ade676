package explore

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// chosen is the number of worlds whose profiles were chosen only for the sign-in.
const chosen = 3346

// TestNoPromiseIsBroken explores a few small worlds, and in a thorough run more worlds of all
// sizes. The command in run explores all.
func TestNoPromiseIsBroken(t *testing.T) {
	asked := func(i int, m *World) bool {
		m.Crowd = i%2 == 0
		small := len(m.Seconds) == 1 && (len(m.Firsts) == 0 || m.EveHas == None)
		if i >= chosen { // how accounts begin and end
			m.Crowd = true
			return small && m.EveHas == None && i%4 == 0
		}
		return small && i%41 == 0
	}
	if os.Getenv("TWOFOLD_THOROUGH") != "" {
		asked = func(i int, m *World) bool {
			m.Crowd = i%2 == 0
			return i%53 == 0
		}
	}
	worlds, states, cut, more := 0, 0, 0, map[string]int{}
	for r := range All(asked, 200_000) {
		worlds, states = worlds+1, states+r.States
		if r.Cut {
			cut++
		}
		for _, story := range r.Stories {
			if more[story.Promise]++; more[story.Promise] == 1 {
				t.Errorf("%s: %s", r.World.Name, story)
			}
		}
		if r.States < 10 || r.Depth < 3 {
			t.Errorf("%s has %d states: no one does anything in it", r.World.Name, r.States)
		}
	}
	for promise, n := range more {
		t.Logf("broken in %d worlds: %s", n, promise)
	}
	t.Logf("%d worlds, %d states, %d not to the end", worlds, states, cut)
	if worlds < 20 || cut > worlds/10 {
		t.Errorf("explored %d worlds, %d of them not to the end", worlds, cut)
	}
}

// TestFaultsAreFound inserts faults, some of which were once in Twofold, and checks that each is
// reported as the promise that it breaks.
func TestFaultsAreFound(t *testing.T) {
	for _, c := range Cases() {
		found, with, err := c.Try()
		if err != nil {
			t.Error(err)
		} else if found != nil && testing.Verbose() {
			t.Logf("%s, %d states, %.2f s: %s", c.What, with.States, with.Took.Seconds(), found)
		}
	}
}

// TestTheExampleIsTold checks that doc.go shows the story of a fault as the search prints it.
func TestTheExampleIsTold(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Cases() {
		if c.Fault == RecoveryDoesNotWait && c.eve == Password && len(c.profile) == 0 {
			found, _, err := c.Try()
			if err != nil {
				t.Fatal(err)
			}
			story := "//\t" + found.Promise + "\n//\t  " + strings.Join(found.Steps, "\n//\t  ") + "\n"
			if !strings.Contains(string(doc), story) {
				t.Errorf("doc.go does not tell this story:\n%s", story)
			}
			return
		}
	}
	t.Error("no fault is in the example")
}

// TestEveryPromiseCanBreak checks that some state breaks each promise, because other promises would
// be meaningless.
func TestEveryPromiseCanBreak(t *testing.T) {
	ann, eve := Browser{Of: Ann}, Browser{Of: Eve}
	ann.Session = Session{First: thing(Password, Ann), Second: thing(App, Ann)}
	eve.Session = Session{First: thing(Password, Ann)}
	base := State{Exists: true, Proven: true, EverProven: true, HasPassword: true, Knows: [people]bool{Ann: true}}
	m := world([]setting{trust, required}, []Kind{App}, nil, None)
	m.Fault = DescendantsAreNotAsked // usable is whatever is signed in
	in := func(change func(s *State), browsers ...Browser) *State {
		s := base
		copy(s.Browsers[:], browsers)
		change(&s)
		return &s
	}
	weak := ann
	weak.Session.Second = thing(Phone, Ann)
	trusted := ann
	trusted.Session = Session{First: thing(Password, Ann), Trusted: true}
	broken := []*State{
		in(func(s *State) { s.Seconds = set(thing(App, Ann)) }, eve),
		in(func(s *State) { s.Firsts = set(thing(Phone, Eve)) }),
		in(func(s *State) { s.Seconds = set(thing(App, Ann)) }, eve),
		in(func(s *State) { s.Seconds = set(thing(Mail, Eve)) }),
		in(func(s *State) {}, trusted),
		in(func(s *State) { s.Strict = true }, weak),
		in(func(s *State) {}, eve),
		in(func(s *State) { s.EverProven, s.Firsts = false, set(thing(Phone, Ann)) }),
		in(func(s *State) { s.Leaves = true }, ann),
	}
	for i, p := range promises {
		if !p.Broken(m, broken[i]) {
			t.Errorf("%s: not broken by %s", p.Words, broken[i])
		}
		if p.Broken(m, in(func(s *State) { s.Seconds = set(thing(App, Ann)) }, ann)) {
			t.Errorf("%s: broken by Ann's own session", p.Words)
		}
	}
	after := in(func(s *State) { s.Seconds = set(thing(App, Ann)) }, ann, eve)
	if !moves[0].Broken(m, Label{}, &base, after) || moves[0].Broken(m, Label{}, after, after) {
		t.Error("a change that leaves two sessions breaks nothing, or no change does")
	}
	used := Label{Verb: "follows the link of a recovery and sets up another factor"}
	s := in(func(s *State) { s.Recovery = Opens })
	if !moves[1].Broken(m, used, s, s) || moves[1].Broken(m, used, s, &base) {
		t.Error("a link that works twice breaks nothing, or one that works once does")
	}
	mailed := Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann), thing(Mail, Ann)}}
	reset := in(func(s *State) { s.Seconds, s.ResetLately = set(thing(App, Ann), thing(Mail, Ann)), true })
	if !moves[2].Broken(m, mailed, reset, reset) || moves[2].Broken(m, mailed, s, s) {
		t.Error("mail after a reset breaks nothing, or mail at any time does")
	}
	rescued := Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann), thing(Mended, Ann)}}
	if !moves[3].Broken(m, rescued, reset, reset) || moves[3].Broken(m, rescued, s, s) {
		t.Error("a rescue after a reset breaks nothing, or a rescue at any time does")
	}
	both := Label{Verb: "asks for a recovery", With: [2]Thing{thing(Mail, Ann)}}
	if !moves[4].Broken(m, both, s, s) || moves[4].Broken(m, rescued, s, s) {
		t.Error("a recovery by mail after mail breaks nothing, or one after the password does")
	}
	in2 := Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann), thing(App, Ann)}}
	m.Fault = NoFault
	if moves[5].Broken(m, in2, after, after) || !moves[5].Broken(m, in2, s, s) {
		t.Error("a session that opens the account breaks a promise, or one that does not breaks none")
	}
}

// TestEveryMoveOfALifeCanBreak checks the same for the start and end of accounts.
func TestEveryMoveOfALifeCanBreak(t *testing.T) {
	there := State{Exists: true, Proven: true, EverProven: true, HasPassword: true}
	there.ProvenBy, there.Knows = Ann, [people]bool{Ann: true}
	app, none := set(thing(App, Ann)), State{}
	with := func(s State, change func(s *State)) *State { change(&s); return &s }
	invited := with(none, func(s *State) { s.Invitation = Invited })
	spent := with(there, func(s *State) { s.Invitation = Spent })
	signedIn := func(first, second Thing, fresh bool) *State {
		return with(there, func(s *State) {
			s.Seconds = app
			s.Browsers[0].Session = Session{First: first, Second: second, Fresh: fresh}
		})
	}
	leaves := with(there, func(s *State) { s.Seconds, s.Leaves = app, true })
	full := signedIn(thing(Password, Ann), thing(App, Ann), true)
	opens := with(*full, func(s *State) { s.Recovery = Opens })
	codes := with(*full, func(s *State) { s.Sheet = set(thing(Sheet, Eve)) })
	two := with(*full, func(s *State) { s.Browsers[1] = s.Browsers[0] })
	lately := with(*full, func(s *State) { s.ResetLately = true })
	in3 := func(second Thing) Label {
		return Label{By: By(Eve), Verb: "signs in", With: [2]Thing{thing(Password, Ann), second}}
	}
	in2 := [2]Thing{thing(Password, Ann), thing(App, Eve)}
	site := Label{Verb: "signs in", With: [2]Thing{thing(Site, Eve)}}
	connected := with(there, func(s *State) { s.Sites = set(thing(Site, Eve)) })
	for _, tt := range []struct {
		move          int
		l             Label
		before, after *State
		broken        bool
	}{
		{6, site, &there, full, true},
		{6, site, connected, full, false},
		{6, Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann)}}, &none, full, true},
		{6, Label{Verb: "signs in", With: [2]Thing{thing(Mail, Eve)}}, &there, full, true},
		{7, Label{Verb: "accepts the invitation with a password"}, invited, spent, false},
		{7, Label{Verb: "accepts the invitation with a password"}, &none, spent, true},
		{7, Label{Verb: "accepts the invitation with a password"}, spent, spent, true},
		{8, Label{}, full, &none, false},
		{8, Label{}, full, invited, true},
		{8, Label{}, full, with(*full, func(s *State) { s.Exists = false }), true},
		{9, Label{Verb: "asks for the deletion"}, full, leaves, false},
		{9, Label{Verb: "asks for the deletion"}, signedIn(thing(Password, Ann), thing(App, Ann), false), leaves, true},
		{9, Label{Verb: "asks for the deletion"}, signedIn(thing(Password, Ann), 0, true), leaves, true},
		{10, Label{Verb: "exchanges a refresh token"}, &there, full, true},
		{10, Label{Verb: "exchanges a refresh token"}, full, full, false},
		{6, Label{Verb: provesAgain, With: [2]Thing{thing(Phone, Ann)}}, full, full, true},
		{9, Label{Verb: "adds a way in"}, full, full, false},
		{9, Label{Verb: "adds a way in"}, signedIn(thing(Password, Ann), 0, true), full, true},
		{11, Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann), thing(App, Ann)}}, full, full, false},
		{11, Label{Verb: "signs in", With: [2]Thing{thing(Password, Ann), thing(App, Eve)}}, full, full, true},
		{11, Label{Verb: "signs in", With: [2]Thing{thing(Passkey, Eve), thing(Passkey, Eve)}}, full, full, true},
		{11, Label{Verb: provesAgain, With: [2]Thing{thing(Password, Ann), thing(Phone, Ann)}}, full, full, true},
		{12, Label{By: By(Eve), Verb: "signs in"}, full, full, true},
		{12, Label{By: By(Eve), Verb: followsLink, With: in2}, full, full, true},
		{12, Label{By: By(Ann), Verb: "signs in"}, full, full, false},
		{13, Label{By: By(Ann), Verb: "asks for a recovery"}, full, opens, true},
		{13, Label{By: Operator, Verb: "starts a recovery"}, full, opens, false},
		{13, Label{By: By(Ann), Verb: followsLink}, with(*full, func(s *State) { s.Recovery = Waits }), full, true},
		{14, Label{Verb: followsLink, Before: thing(Mended, Ann)}, full, codes, true},
		{14, Label{Verb: followsLink, Before: thing(Mended, Ann)}, full, full, false},
		{15, Label{Verb: resetsByMail}, full, &there, true},
		{15, Label{Verb: resetsByMail}, full, full, false},
		{16, Label{Verb: "resets the access to the account"}, full, connected, true},
		{16, Label{Verb: "resets the access to the account"}, full, &there, false},
		{17, Label{By: Application, Verb: "changes the password"}, full, full, true},
		{17, Label{By: Application, Verb: "changes the password"}, full, &there, false},
		{18, Label{By: Application, Verb: "changes the address to Ann's in its own table"}, full, connected, true},
		{18, Label{By: Application, Verb: "changes the address to Ann's in its own table"}, full, &there, false},
		{18, Label{By: Operator, Verb: givesBack}, full, connected, true},
		{18, Label{By: Operator, Verb: givesBack}, &none, &there, true},
		{9, Label{Verb: makesPersonal}, full, full, false},
		{9, Label{Verb: makesPersonal}, signedIn(thing(Password, Ann), thing(App, Ann), false), full, true},
		{0, Label{By: By(Ann), Verb: endsOthers}, full, full, false},
		{0, Label{By: By(Ann), Verb: endsOthers}, full, two, true},
		{0, Label{By: By(Eve), Verb: "makes recovery codes"}, full, full, true},
		{0, Label{By: By(Ann), Verb: resetsByMail}, full, full, true},
		{0, Label{}, full, codes, true},
		{19, in3(thing(App, Ann)), full, full, true},
		{19, in3(thing(Mended, Ann)), full, full, false},
		{19, in3(thing(Mended, Ann)), lately, full, true},
	} {
		m := world([]setting{inviting, deletable, tokens}, []Kind{App}, nil, None)
		if tt.move == 19 {
			m.EveHas = Mail
		}
		if got := moves[tt.move].Broken(m, tt.l, tt.before, tt.after); got != tt.broken {
			t.Errorf("%s: broken: %v, from %s to %s by %s", moves[tt.move].Words, got, tt.before, tt.after, tt.l)
		}
	}
}

// TestACrowdCoversTwoBrowsersEach checks that every state of one browser of Ann's and one of the
// others' that is reachable with two browsers each is also reachable in a crowd.
func TestACrowdCoversTwoBrowsersEach(t *testing.T) {
	for _, m := range []*World{
		world([]setting{trust, changing}, []Kind{App}, []Kind{Phone}, None),
		world([]setting{mailBegins, rescue}, []Kind{Mail, App}, nil, None),
		world(nil, []Kind{App}, []Kind{Site}, Mail),
		world([]setting{tokens}, []Kind{App}, nil, None),
		world([]setting{deletable, inviting}, []Kind{App}, []Kind{Passkey}, None),
	} {
		crowd := begin(m)
		two := begin(m)
		m.Crowd = false
		two.all(math.MaxInt)
		m.Crowd = true
		crowd.all(math.MaxInt)
		n := crowd.seen.n
		for i := range two.seen.n {
			s := two.seen.state(i)
			for _, a := range s.Browsers {
				for _, b := range s.Browsers {
					view := s
					view.Browsers = [browsers]Browser{}
					if a.Of == Ann {
						view.Browsers[0] = a
					}
					if b.Of != Ann {
						view.Browsers[1] = b
					}
					if _, fresh := crowd.seen.add(view.pack()); fresh {
						t.Fatalf("%s: a crowd does not reach %s", m.Name, view)
					}
				}
			}
		}
		t.Logf("%s: %d states of two browsers each, %d of a crowd", m.Name, two.seen.n, n)
	}
}

func TestAPackedStateIsTheSame(t *testing.T) {
	m := world([]setting{trust, changing, mailBegins}, []Kind{App, Passkey}, nil, Password)
	x := begin(m)
	tried := 0
	for i := 0; x.seen.n < 5000; i++ {
		if i == 0 {
			x.add(0, packed{}, &State{})
		}
		m.all(x.seen.state(i), func(_ Label, s State) {
			x.add(i, s.pack(), &s)
			s.ended = nothing
			if tried++; ordered(s.pack().state()) != ordered(s) {
				t.Fatalf("%+v is unpacked as %+v", s, s.pack().state())
			}
		})
	}
	s := State{Seconds: ofKind(Mail) | ofKind(Passkey), Firsts: ofKind(App), Sites: ofKind(Site), Sheet: ofKind(Sheet)}
	s.Browsers[3] = Browser{
		Of: Eve, Session: Session{thing(Sheet, Eve), thing(Mended, Eve), true, true, true},
		TrustFirst: 1, TrustSecond: 2, Known: true, Token: true, Refreshes: true,
	}
	s.Invitation, s.AtFormer, s.Leaves, s.SendsMail, s.ProvenAt = Spent, true, true, true, Eve
	if ordered(s.pack().state()) != ordered(s) {
		t.Errorf("%+v is unpacked as %+v", s, s.pack().state())
	}
	s.Browsers[0] = Browser{Of: Ann, Known: true}
	reversed := s
	if slices.Reverse(reversed.Browsers[:]); s.pack() != reversed.pack() {
		t.Errorf("the order of browsers matters: %+v and %+v", s.pack(), reversed.pack())
	}
}

// ordered returns a state with its browsers in canonical order, and without the owners of empty
// ones.
func ordered(s State) State {
	for i, b := range s.Browsers {
		if b.empty() {
			s.Browsers[i] = Browser{}
		}
	}
	slices.SortFunc(s.Browsers[:], func(a, b Browser) int { return cmp.Compare(a.pack(), b.pack()) })
	return s
}
