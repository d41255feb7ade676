package explore

// In a crowd Ann, Ben and Eve have any number of browsers. One of Ann's and one of another person's are in
// view. Actions in the others are known only by their effects on the account word of the state (pack.go) and on
// the browsers in view. So the search visits every state that the two can be in, whatever the others do. It may
// also visit impossible states: an action out of view is allowed in every state with the same account word,
// even if that browser could not have got there. So a crowd can give false alarms. If it gives none, a promise
// holds for any number of browsers.

// effect is the effect of an action in one browser on the account and the other browsers.
type effect struct {
	account uint64 // as it is packed
	ended   ended
	in      bool // the browser is signed in afterwards
}

// account holds the effects that were seen while the account was in one state.
type account struct {
	states  []uint32
	effects map[effect]string // reported by an action that knows it
	order   []effect
}

func (x *search) account(packed uint64) *account {
	a := x.accounts[packed]
	if a == nil {
		a = &account{effects: map[effect]string{}}
		x.accounts[packed] = a
	}
	return a
}

// others runs the actions in browsers that are out of view.
func (x *search) others(i int) {
	a := x.account(x.seen.at(i)[0])
	a.states = append(a.states, uint32(i))
	before := x.seen.state(i)
	for _, e := range a.order {
		x.unseen(i, &before, e)
	}
}

// learn records a browser's action as possible out of view in every state of the same account. from and to are
// the packed account before and after the action.
func (x *search) learn(from, to uint64, after *State, by Label) {
	if by.By >= By(people) || from == to && after.ended == nothing {
		return
	}
	e, a := effect{to, after.ended, signedIn(after, Person(by.By))}, x.account(from)
	if a.effects[e] != "" {
		return
	}
	a.effects[e], a.order = by.String(), append(a.order, e)
	for _, i := range a.states {
		s := x.seen.state(int(i))
		x.unseen(int(i), &s, e)
	}
}

func signedIn(s *State, p Person) bool {
	for _, b := range s.Browsers {
		if b.Of == p && b.Session.alive() {
			return true
		}
	}
	return false
}

// unseen runs an action in a browser that is out of view.
func (x *search) unseen(i int, before *State, e effect) {
	x.Actions++
	to := e.on(*before)
	after := to.state()
	j := x.add(i, to, &after)
	after.away = e.in
	x.moved(Label{}, i, j, before, &after)
}

func (e effect) on(s State) packed {
	s.loses(e.ended)
	p := s.pack()
	p[0] = e.account
	return p
}
