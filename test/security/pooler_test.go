package security_test

import (
	"net/url"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestSignInsBehindAPooler runs two nodes with PgBouncer in transaction mode in front of
// PostgreSQL. A sign-out on one node is effective on the other.
func TestSignInsBehindAPooler(t *testing.T) {
	for _, name := range []string{"silent", "listening"} {
		t.Run(name, func(t *testing.T) {
			address, direct := servers.PgBouncer(t) // its own: the other one's changes are no damage
			address += "&default_query_exec_mode=exec"
			if name == "listening" {
				address += "&listen=" + url.QueryEscape(direct)
			}
			w := newWorldAt(t, &testkit.Database{T: t, Postgres: address}, open)
			w.Start(nil)
			p := w.person(name).enrollApp().enrollMail()
			w.Must(w.Nodes[0].Store.EndSessions(t.Context(), p.ID)) // of the set-ups
			b := w.browser()
			b.login(p).Want(200)
			b.Post("/tf-select", m{"which": "email"}).Want(200)
			b.on(w.Nodes[1]).validate(p.Mailed()).Want(200)
			for _, n := range w.Nodes {
				b.copy().on(n).in(p, 2)
			}
			other := b.copy().on(w.Nodes[0])
			b.Post("/logout", m{}).Want(200)
			w.wait("out everywhere", func() bool { return other.copy().Get("/me").Status == 401 })
			if r, err := w.Nodes[0].Auth.Checks().Store(t.Context()); err != nil || len(r.Problems) > 0 {
				t.Errorf("%v %v", r.Problems, err)
			}
		})
	}
}
