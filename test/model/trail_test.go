package model_test

import (
	"fmt"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/test/explore"
)

// explained checks the audit trail of every account against the model that package explore
// explores, which must have a run with the same events. The two models are independent.
func (w *world) explained(counts map[string]int) error {
	for _, a := range w.accounts {
		n, err := w.explains(a)
		if err != nil {
			return err
		}
		if counts != nil {
			counts["explained rows"] += n
		}
	}
	return nil
}

// explains checks one trail against the model and returns the number of its rows.
func (w *world) explains(a *account) (int, error) {
	m := explore.World{
		Rules: policy.Rules{
			Methods:       []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey},
			PasskeyIsBoth: true, Mails: true, RescueByMail: true,
		},
		Required: a.required, Trust: true, MailBegins: true, Recovers: true, SharesMailbox: true, Codes: true,
		Seconds: []explore.Kind{explore.App, explore.Mail, explore.Phone, explore.Passkey},
		Firsts:  []explore.Kind{explore.App, explore.Mail, explore.Phone, explore.Passkey, explore.Site},
	}
	rows, err := w.db.EventsBy(w.context(), storage.EventFilter{UserID: a.id, Limit: 10_000})
	if err != nil {
		return 0, err
	}
	for i := range rows { // whom the former system vouches for comes as one whom an operator makes
		if a.vouched && rows[i].Name == "user-registered" {
			rows[i].Name, rows[i].Reason = "account-changed", "created"
		}
	}
	if err := m.Explain(rows); err != nil {
		return 0, &broken{fmt.Sprintf("the trail of %s: %v", a.name, err)}
	}
	return len(rows), nil
}
