package security_test

import (
	"net/url"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
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
			w := newWorldAt(t, &place{t: t, postgres: address}, open)
			w.start(nil)
			p := w.person(name).enrollApp().enrollMail()
			w.must(w.nodes[0].db.EndSessions(t.Context(), p.id)) // of the set-ups
			b := w.browser()
			b.login(p).want(200)
			b.post("/tf-select", m{"which": "email"}).want(200)
			b.on(w.nodes[1]).validate(p.mailed()).want(200)
			for _, n := range w.nodes {
				b.copy().on(n).in(p, 2)
			}
			other := b.copy().on(w.nodes[0])
			b.post("/logout", m{}).want(200)
			w.wait("out everywhere", func() bool { return other.copy().get("/me").status == 401 })
			if r, err := w.nodes[0].auth.Checks().Store(t.Context()); err != nil || len(r.Problems) > 0 {
				t.Errorf("%v %v", r.Problems, err)
			}
		})
	}
}
