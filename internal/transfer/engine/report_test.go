package engine

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// TestAReportStaysShort checks that a hostile file cannot make a report long, or
// move the cursor of the operator's terminal.
func TestAReportStaysShort(t *testing.T) {
	r := newReport("x", true)
	for i := range 10_000 {
		r.leave(fmt.Sprintf("the attribute %d\x1b[2J\n%s", i, strings.Repeat("a", 5000)))
		r.problem(1, strings.Repeat("i", 5000), strings.Repeat("p", 5000)+"\x1b[2J")
	}
	total := 0
	for text, n := range r.Left {
		if total += n; len(text) > maxText+4 {
			t.Fatalf("a text of %d bytes", len(text))
		}
	}
	if len(r.Left) != maxLeft+1 || total != 10_000 || r.Left[otherwise] != 10_000-maxLeft {
		t.Errorf("%d kinds, %d things, %d others", len(r.Left), total, r.Left[otherwise])
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1_000_000 || strings.ContainsFunc(b.String(), strange) {
		t.Errorf("%d bytes for the terminal", b.Len())
	}
}

func strange(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }
