package explore

import "slices"

// settings holds all settings that affect the answers.
var settings = []setting{
	required, trust, strong, both, proof, rescue, repair, mailBegins, changing, noRecovery, noReset, independentSites,
	inviting, signUp, runs, former, vouching, deletable, tokens, acting, ownTable, noMail, unforced,
}

// together reports whether two settings can be combined and the combination differs from either of them.
func together(a, b setting) bool {
	never := [...][2]string{
		{rescue.name, repair.name}, {signUp.name, runs.name}, {former.name, vouching.name}, // one is in the other
		{independentSites.name, runs.name}, // the site's accounts are its mailboxes
	}
	return a.name != b.name && !slices.Contains(never[:], [2]string{a.name, b.name}) &&
		!slices.Contains(never[:], [2]string{b.name, a.name})
}

// matters reports whether a setting changes anything in a world with its other settings and
// factors.
func (m *World) matters(s setting) bool {
	weak := slices.Contains(m.Seconds, Mail) || slices.Contains(m.Seconds, Phone)
	site := slices.Contains(m.Firsts, Site)
	switch s.name {
	case strong.name: // a mailed rescue does not count either
		return weak || m.RescueByMail
	case changing.name:
		return weak && !m.StrongOnly || m.Trust
	case both.name:
		return slices.Contains(m.Seconds, Passkey) || slices.Contains(m.Firsts, Passkey)
	case proof.name:
		return m.Required
	case unforced.name:
		return m.Required && (m.MailBegins || slices.Contains(m.Firsts, Phone))
	case independentSites.name, signUp.name, runs.name:
		return site
	}
	return true
}

// pair holds the names of two settings.
type pair [2]string

// pairs returns the settings that can be combined.
func pairs() (out []pair) {
	for _, a := range settings {
		for _, b := range settings {
			if a.name < b.name && together(a, b) {
				out = append(out, pair{a.name, b.name})
			}
		}
	}
	return out
}

// covers returns the pairs of settings that both matter in some of the worlds.
func covers(some []*World) map[pair]bool {
	out := map[pair]bool{}
	for _, m := range some {
		matter := slices.DeleteFunc(slices.Clone(settings), func(s setting) bool {
			return !slices.Contains(m.settings, s.name) || !m.matters(s)
		})
		for _, a := range matter {
			for _, b := range matter {
				if a.name < b.name && together(a, b) {
					out[pair{a.name, b.name}] = true
				}
			}
		}
	}
	return out
}

// more returns how many pairs of a profile are new.
func more(covered map[pair]bool, profile []setting) (n int) {
	for p := range covers(pairWorldsOf(profile, None)) {
		if !covered[p] {
			n++
		}
	}
	return n
}

// pairProfiles are profiles for all pairs of settings that do not matter in the chosen profiles. Each begins
// with such a pair, and with the settings that it needs to matter. Then the two settings are added that cover
// the most pairs.
func pairProfiles() (out [][]setting) {
	covered := covers(slices.Concat(doorWorlds(), lifeWorlds()))
	for i, a := range settings {
		for _, b := range settings[i+1:] {
			if !together(a, b) || covered[pair{min(a.name, b.name), max(a.name, b.name)}] {
				continue
			}
			p := widest(covered, widest(covered, needed(a, b)))
			for q := range covers(pairWorldsOf(p, None)) {
				covered[q] = true
			}
			out = append(out, p)
		}
	}
	return out
}

// needed is a pair with the settings without which one of the two would not matter.
func needed(a, b setting) []setting {
	wants := pair{min(a.name, b.name), max(a.name, b.name)}
	p := []setting{a, b}
	for _, with := range [][]setting{{}, {required}, {trust}, {rescue}, {required, mailBegins}} {
		p = []setting{a, b}
		for _, s := range with {
			if s.name != a.name && s.name != b.name {
				p = append(p, s)
			}
		}
		if covers(pairWorldsOf(p, None))[wants] {
			break
		}
	}
	return p
}

// widest returns a profile with the setting that adds the most pairs to it.
func widest(covered map[pair]bool, p []setting) []setting {
	out, most := p, more(covered, p)
	for _, s := range settings {
		if slices.ContainsFunc(p, func(o setting) bool { return !together(o, s) }) {
			continue
		}
		wider := append(slices.Clone(p), s)
		if n := more(covered, wider); n > most {
			out, most = wider, n
		}
	}
	return out
}

// pairWorlds returns some small worlds of each profile.
func pairWorlds() (out []*World) {
	for _, p := range pairProfiles() {
		for _, eve := range []Kind{None, Password, Mail} {
			out = append(out, pairWorldsOf(p, eve)...)
		}
	}
	return out
}

// pairWorldsOf returns two worlds of a profile: one with a provider, and one with a weak factor.
func pairWorldsOf(p []setting, eve Kind) (out []*World) {
	factor := App
	if slices.ContainsFunc(p, func(s setting) bool { return s.name == both.name }) {
		factor = Passkey
	}
	for _, m := range []*World{
		world(p, []Kind{factor}, []Kind{Site}, eve), world(p, []Kind{factor, Mail}, nil, eve),
	} {
		if m != nil {
			out = append(out, m)
		}
	}
	return out
}
