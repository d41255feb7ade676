package crash_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/test/explore"
)

// TestEveryFlowHasARunOfTheModel runs every flow without a crash and replays the server's audit
// trail against the model that package explore explores.
func TestEveryFlowHasARunOfTheModel(t *testing.T) {
	for _, f := range allFlows() {
		if f.name == "import" { // accounts that arrive have a history elsewhere
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, oneEngine(), f.site)
			p := f.start(s)
			if p.b == nil {
				p.b = s.browser()
			}
			if f.step(p); f.effect(p) == "" {
				t.Fatal("it was not done")
			}
			if f.name != "deletion" && !p.enters() {
				t.Error("the owner cannot sign in")
			}
			rows, err := s.db.EventsBy(t.Context(), storage.EventFilter{UserID: p.id, Limit: 10_000})
			s.must(err)
			if len(rows) < 2 {
				t.Errorf("the trail has %d rows", len(rows))
			}
			if err := model().Explain(rows); err != nil {
				t.Error(err)
			}
		})
	}
}

// model returns the world of a site's configuration.
func model() explore.World {
	return explore.World{
		Rules: policy.Rules{
			Methods:       []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey},
			PasskeyIsBoth: true, Mails: true, RescueByMail: true,
		},
		Trust: true, MailBegins: true, Recovers: true, SharesMailbox: true, Codes: true,
		Seconds: []explore.Kind{explore.App, explore.Mail, explore.Phone, explore.Passkey},
		Firsts:  []explore.Kind{explore.App, explore.Mail, explore.Phone, explore.Passkey, explore.Site},
	}
}
