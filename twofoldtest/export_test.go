package twofoldtest

import "github.com/twofold-auth/twofold"

// TryDoors is NoSideDoor for several pages, without the walk of all paths.
func (k *Kit) TryDoors(pages ...string) { k.t.Helper(); k.tryDoors(pages, nil) }

// Ways are the known paths that lead in, by method and usual name.
func Ways() []string {
	var out []string
	for _, p := range knownPaths {
		if p.in != "" {
			out = append(out, p.in+" "+p.pattern)
		}
	}
	return out
}

// At is a path under its name in this configuration.
func (k *Kit) At(path string) string { return k.at(path) }

// PatternOf is the usual name of the pattern that serves a path.
func (k *Kit) PatternOf(path string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	pattern, _ := k.patternOf(path)
	return k.paths[pattern].pattern
}

// Unheard are the fields of Config that NoSideDoor has not heard of.
func Unheard() []string { return (&Kit{}).unheard(twofold.Config{}, true) }

// States are the names of all states, and Open opens one.
func (k *Kit) States() (names []string, open map[string]func() *Browser) {
	k.begin()
	open = map[string]func() *Browser{}
	for _, s := range k.states() {
		names, open[s.name] = append(names, s.name), s.open
	}
	return names, open
}

// TryDisguises opens every state and presents what it was handed.
func (k *Kit) TryDisguises(pages ...string) {
	k.t.Helper()
	k.tryDoors(pages, []string{k.at("/login")})
}

// Forget takes names out of what is known.
func (k *Kit) Forget(names ...string) { k.forgets = names }

// TryRules is NoSideDoor for what rests on one thing, what came of trust, what was
// planted, other sign-ins of the program and strangers' guesses, and no more.
func (k *Kit) TryRules(pages ...string) {
	k.t.Helper()
	k.begin()
	defer k.made.Store(false)
	k.pages = pages
	by := newSearch(k)
	for _, s := range append(oneThingStates(k), descendantStates(k)...) {
		if b := s.open(); b != nil {
			by.shut(s.name, b)
		}
	}
	planted(k)
	nested(k)
	lockedOut(k)
}
