package explore

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryPairOfSettingsIsExplored checks that for any two settings there is a world in which both
// matter. A fault that needs three or four settings is only covered by chance.
func TestEveryPairOfSettingsIsExplored(t *testing.T) {
	covered, where, every := map[pair]bool{}, [3]int{}, pairs()
	for i, some := range [][]*World{doorWorlds(), lifeWorlds(), pairWorlds()} {
		for p := range covers(some) {
			if !covered[p] {
				covered[p] = true
				where[i]++
			}
		}
	}
	for _, p := range every {
		if !covered[p] {
			t.Errorf("%q and %q matter together in no world", p[0], p[1])
		}
	}
	all := worlds()
	if last, first := all[chosen-1], all[chosen]; slices.Contains(last.settings, inviting.name) ||
		!slices.Contains(first.settings, inviting.name) {
		t.Errorf("world %d is %s, and not the first of those about how accounts begin", chosen, first.Name)
	}
	t.Logf("%d settings, %d pairs: %d in %d profiles, %d in %d about how accounts begin, %d in %d that were made",
		len(settings), len(every), where[0], len(profiles), where[1], len(lives), where[2], len(pairProfiles()))
}

// TestSettingsAreApart checks that no two settings have the same name and that each one changes
// something.
func TestSettingsAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings {
		m := &World{Recovers: true, SharesMailbox: true}
		m.Mails = true
		before := *m
		s.set(m)
		if seen[s.name] || reflect.DeepEqual(*m, before) {
			t.Errorf("%q is there twice, or changes nothing", s.name)
		}
		seen[s.name] = true
	}
}

// TestTheDocsListThePromises compares the docs with the words of this package.
func TestTheDocsListThePromises(t *testing.T) {
	raw, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, p := range promises {
		words = append(words, p.Words)
	}
	for _, p := range moves {
		words = append(words, p.Words)
	}
	for _, p := range possible {
		words = append(words, p.Words)
	}
	if list := "* " + strings.Join(words, "\n* ") + "\n"; !strings.Contains(string(raw), list) {
		t.Errorf("docs/security.md does not have this list:\n%s", list)
	}
}
