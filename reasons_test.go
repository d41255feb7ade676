package twofold_test

import (
	"go/ast"
	"slices"
	"testing"
)

// reasons lists the functions outside package event that use a field named Reason, with what it is
// there. The audit trail is a record for people: what a rule needs to know has a record of its own.
var reasons = map[string]string{
	"internal/sqlstore/event.go:scanEvent":      "stores rows",
	"internal/sqlstore/event.go:eventValues":    "stores rows",
	"internal/sqlstore/deletion.go:eraseEvents": "stores rows",

	"cmd/twofold/audit.go:Run":           "puts rows out",
	"internal/dossier/dossier.go:events": "puts rows out",
	"internal/web/activity.go:lineOf":    "puts rows out: it chooses the text of one",

	"cmd/twofold/user.go:Run":                "no row: an option of the command",
	"internal/auth/guessfirst.go:guessFirst": "no row: an event that is made here",
	"internal/auth/signinlog.go:LogSignIns":  "no row: an event for the log",
	"internal/auth/tokens.go:Error":          "no row: RefreshError",
	"internal/factor/factor.go:Error":        "no row: DestinationError",
	"internal/profile/profile.go:Read":       "no row: a problem of a field",
	"internal/web/errors.go:pageText":        "no row: factor.DestinationError",
	"internal/web/profile.go:readProfile":    "no row: a problem of a field",
	"internal/web/tokens.go:postRefresh":     "no row: auth.RefreshError",
	"metrics/metrics.go:OnEvent":             "no row: an event as it happens",
	"send/smtp/failure.go:sendFailure":       "no row: the answer of a mail server",
}

// TestHouseNothingDecidesByAReason checks that no product code outside package event reads the reason of a row
// of the audit trail, except to store it or to put it out.
func TestHouseNothingDecidesByAReason(t *testing.T) {
	found := map[string]bool{}
	for _, f := range sources(t, false) {
		if f.dir == "event" || slices.Contains(testOnly, f.dir) {
			continue
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reason" {
				where := f.name + ":" + enclosing(f.file, sel.Pos())
				if found[where] = true; reasons[where] == "" {
					t.Errorf("%s: reads a Reason; if it is that of a row of the trail, give the fact a record", where)
				}
			}
			return true
		})
	}
	for where := range reasons {
		if !found[where] {
			t.Errorf("%s: reads no Reason any more; take it from the list", where)
		}
	}
}
