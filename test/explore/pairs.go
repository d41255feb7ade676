package explore

import (
	"maps"
	"slices"
)

// settings are all that the answers depend on.
var settings = []setting{
	required, trust, strong, both, proof, rescue, repair, mailBegins, changing, noRecovery, noReset, elsewhere,
	inviting, signUp, runs, former, vouching, deletable, tokens, acting, ownTable, noMail, unforced,
}

// together reports whether two settings can be made at the same time and mean something
// other than one of them.
func together(a, b setting) bool {
	never := [...][2]string{
		{rescue.name, repair.name}, {signUp.name, runs.name}, {former.name, vouching.name}, // one is in the other
		{elsewhere.name, runs.name}, // the site's accounts are its mailboxes
	}
	return a.name != b.name && !slices.Contains(never[:], [2]string{a.name, b.name}) &&
		!slices.Contains(never[:], [2]string{b.name, a.name})
}

// pair is two settings by their names.
type pair [2]string

// pairs are those that can be made together.
func pairs() []pair {
	covered := map[pair]bool{}
	cover(covered, settings)
	return slices.SortedFunc(maps.Keys(covered), func(a, b pair) int { return slices.Compare(a[:], b[:]) })
}

// cover notes the pairs of a profile, and returns how many of them are new.
func cover(covered map[pair]bool, profile []setting) (more int) {
	for _, a := range profile {
		for _, b := range profile {
			if p := (pair{a.name, b.name}); a.name < b.name && together(a, b) && !covered[p] {
				covered[p] = true
				more++
			}
		}
	}
	return more
}

// pairProfiles are profiles in which all pairs of settings occur that the chosen ones lack.
// Each begins with such a pair. Two more settings are added for the most pairs.
func pairProfiles() (out [][]setting) {
	covered := map[pair]bool{}
	for _, p := range slices.Concat(profiles, lives) {
		cover(covered, p)
	}
	for i, a := range settings {
		for _, b := range settings[i+1:] {
			if !together(a, b) || covered[pair{min(a.name, b.name), max(a.name, b.name)}] {
				continue
			}
			p := widest(covered, widest(covered, []setting{a, b}))
			cover(covered, p)
			out = append(out, p)
		}
	}
	return out
}

// widest is a profile with the setting that adds the most pairs to it.
func widest(covered map[pair]bool, p []setting) []setting {
	out, most := p, cover(maps.Clone(covered), p)
	for _, s := range settings {
		wider := append(slices.Clone(p), s)
		n := cover(maps.Clone(covered), wider)
		if n > most && !slices.ContainsFunc(p, func(o setting) bool { return !together(o, s) }) {
			out, most = wider, n
		}
	}
	return out
}

// pairWorlds are some small worlds of each.
func pairWorlds() (out []*World) {
	for _, p := range pairProfiles() {
		for _, eve := range []Kind{None, Password, Mail} {
			for _, m := range []*World{
				world(p, []Kind{App}, []Kind{Site}, eve), world(p, []Kind{App, Mail}, nil, eve),
			} {
				if m != nil {
					out = append(out, m)
				}
			}
		}
	}
	return out
}
