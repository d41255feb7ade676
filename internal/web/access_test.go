package web

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const accessFile = "testdata/access.txt"

// TestEveryPathStatesItsAccess compares the access column with testdata/access.txt, which lists who
// may take each step. A change of the column must be made there as well.
func TestEveryPathStatesItsAccess(t *testing.T) {
	var lines []string
	for _, r := range everything(t) {
		if r.access == 0 {
			t.Errorf("%s %s has no access", r.method, r.path)
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.path, r.method, r.access))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(accessFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(accessFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date: UPDATE=1 go test ./internal/web -run Access, and review the difference",
			accessFile)
	}
}

// TestAccessIsWhatCallersMeet checks that the statuses that test/security records for every path
// and caller agree with the access column.
func TestAccessIsWhatCallersMeet(t *testing.T) {
	raw, err := os.ReadFile("../../test/security/testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	answers, header := map[string]map[string]int{}, []string(nil)
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		if header == nil {
			header = words
			continue
		}
		byCaller := map[string]int{}
		for i, w := range words[2:] {
			byCaller[header[i+2]], _ = strconv.Atoi(w)
		}
		answers[words[0]+" "+words[1]] = byCaller
	}
	seen := map[access]int{}
	for _, r := range everything(t) {
		a, ok := answers[r.path+" "+r.method]
		if !ok {
			continue // not switched on in that test
		}
		seen[r.access]++
		switch r.access {
		case forUser, forFreshUser, forEnrolling: // "pending" is not at a set-up
			for _, caller := range []string{"nobody", "pending", "basic", "bearer"} {
				if a[caller] != 401 {
					t.Errorf("%s %s: %s gets %d", r.method, r.path, caller, a[caller])
				}
			}
			if a["level-2"] == 401 {
				t.Errorf("%s %s: a user gets 401", r.method, r.path)
			}
		case forAnonymous:
			for _, caller := range []string{"level-1", "level-2", "token"} {
				if a[caller] != 400 {
					t.Errorf("%s %s: %s gets %d", r.method, r.path, caller, a[caller])
				}
			}
		}
	}
	if seen[forUser] < 20 || seen[forAnonymous] < 10 {
		t.Errorf("only %v steps were compared", seen)
	}
}
