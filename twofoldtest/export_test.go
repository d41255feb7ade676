package twofoldtest

import "github.com/twofold-auth/twofold"

// TryDoors is NoSideDoor for several pages, without requesting all paths.
func (k *Kit) TryDoors(pages ...string) { k.t.Helper(); k.tryDoors(pages, nil) }

// Ways returns the known paths of sign-in steps, by method and default name.
func Ways() []string {
	var out []string
	for _, p := range knownPaths {
		if p.in != "" {
			out = append(out, p.in+" "+p.pattern)
		}
	}
	return out
}

// At returns the name of a path in this configuration.
func (k *Kit) At(path string) string { return k.at(path) }

// PatternOf returns the default name of the pattern that matches a path.
func (k *Kit) PatternOf(path string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	pattern, _ := k.patternOf(path)
	return k.paths[pattern].pattern
}

// Unheard returns the fields of Config that NoSideDoor does not know.
func Unheard() []string { return (&Kit{}).unheard(twofold.Config{}, true) }

// States returns the names of all states. Open opens one.
func (k *Kit) States() (names []string, open map[string]func() *Browser) {
	k.begin()
	open = map[string]func() *Browser{}
	for _, s := range k.states() {
		names, open[s.name] = append(names, s.name), s.open
	}
	return names, open
}

// TryDisguises opens every state and presents the values received in it.
func (k *Kit) TryDisguises(pages ...string) {
	k.t.Helper()
	k.tryDoors(pages, []string{k.at("/login")})
}

// Forget removes names from those that NoSideDoor knows.
func (k *Kit) Forget(names ...string) { k.forgets = names }

// TryRules is NoSideDoor for only a few states: proofs that depend on one thing, descendants of
// trust, planted credentials, nested sign-ins and strangers' guesses.
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
