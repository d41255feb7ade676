package engine_test

import (
	"errors"
	"testing"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
)

// TestR342_ARingOfAccountsChangesNothing imports accounts again, each with the
// names of the next one. No account becomes another one, whatever the order in
// which they would be stored.
func TestR342_ARingOfAccountsChangesNothing(t *testing.T) {
	people := persons(t, 3)
	for name, ring := range map[string]struct {
		change func(a *transfer.Account, next person)
		why    string
	}{
		"ids": {func(a *transfer.Account, next person) { a.ID = next.ID }, "its address or username"},
		"addresses": {
			func(a *transfer.Account, next person) { a.Addresses = next.Addresses }, "its address or username",
		},
		"usernames": {
			func(a *transfer.Account, next person) { a.Username = next.Username }, "its address or username",
		},
		"passkeys": {
			func(a *transfer.Account, next person) { a.Passkeys = next.Passkeys }, "its passkey",
		},
		"connections": {
			func(a *transfer.Account, next person) { a.Connections = next.Connections }, "its connection",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, file(t), oneKey)
			header := transfer.Header{Source: "old"}
			_, err := s.importText(text(t, header, people...), engine.Options{})
			s.must(err)
			before := s.export(true)
			again := text(t, header)
			for i, p := range people {
				next := people[(i+1)%len(people)]
				again += line(t, p, func(a *transfer.Account) { ring.change(a, next) })
			}
			for _, skip := range []bool{false, true} {
				report, err := s.importText(again, engine.Options{SkipBad: skip})
				if report.Refused != 3 || report.Updated+report.New != 0 || errors.Is(err, engine.ErrRefused) == skip {
					t.Errorf("skip %v: %+v %v", skip, report, err)
				}
				for _, p := range report.Problems {
					if p.Text != ring.why+" is that of another account here" {
						t.Errorf("line %d: reason %q", p.Line, p.Text)
					}
				}
				if s.export(true) != before {
					t.Errorf("skip %v: something changed", skip)
				}
			}
		})
	}
}
