package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/limit"
)

// TestTheTableOfBudgetsIsTrue compares docs/security.md with the table that the limiter reads.
func TestTheTableOfBudgetsIsTrue(t *testing.T) { saysOf(t, "budgets", budgetTable(t)) }

func budgetTable(t *testing.T) string {
	n, seen := limit.Defaults(), map[any]bool{}
	var b strings.Builder
	b.WriteString("| budget | who takes a place | counted by | places | window | when full | what releases " +
		"places | who is refused when it is full |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, r := range limit.Budgets() {
		if seen[r.Name] || r.Claims == "" || r.Per == "" || r.Returns == "" || r.Hurts == "" {
			t.Errorf("the row of %q is incomplete or a duplicate", r.Name)
		}
		seen[r.Name] = true
		number, full := fmt.Sprint(r.Number(n)), "closed until the window ends"
		if r.Networks {
			number += " (/56: " + fmt.Sprint((r.Number(n)*3+1)/2) + ", /48: " + fmt.Sprint(r.Number(n)*2) + ")"
		}
		if r.Hold != nil {
			full = "closed for " + lasts(r.Hold(n))
		}
		if r.Longest != nil {
			full += ", doubled each time up to " + lasts(r.Longest(n))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Name, r.Claims, r.Per, number,
			lasts(r.Window(n)), full, r.Returns, r.Hurts)
	}
	return b.String()
}

func lasts(d time.Duration) string {
	switch {
	case d >= 365*24*time.Hour:
		return "forever"
	case d%time.Hour == 0:
		return fmt.Sprint(int(d/time.Hour), " h")
	case d%time.Minute == 0:
		return fmt.Sprint(int(d/time.Minute), " min")
	}
	return fmt.Sprint(int(d/time.Second), " s")
}
