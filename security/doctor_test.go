package security_test

import (
	"strings"
	"testing"
	"time"
)

// TestTheDoctorFindsWhatDoesNotFit: everything that people do leaves a store
// that fits together, and each kind of damage is named.
func TestTheDoctorFindsWhatDoesNotFit(t *testing.T) {
	w := newWorld(t, plenty)
	auth := w.nodes[0].auth
	a, e, s := w.withApp("alice"), w.person("erika").enrolMail(), w.person("susan").enrolSMS("+16505551212")
	w.write(`DELETE FROM twofold_sessions`) // planted ones, which the trail does not know
	for _, p := range []*person{a, e, s} {
		b := w.plantPending(p)
		code := ""
		if p == a {
			code = p.next()
		} else {
			w.advance(time.Minute)
			b.post("/tf-resend", m{}).want(200)
			read := p.mailed
			if p == s {
				read = p.texted
			}
			code = read()
		}
		b.validate(code).want(200)
		b.in(p, 2)
	}
	r, err := auth.CheckStore(t.Context())
	w.must(err)
	if len(r.Problems) > 0 || r.Users < 3 || r.Factors != 3 || r.Sessions < 3 || r.Events == 0 {
		t.Fatalf("a store in order: %+v", r)
	}
	for _, damage := range []struct{ query, undo, want string }{
		{`UPDATE twofold_factors SET last_step = 9000000000 WHERE method = 'authenticator'`, `UPDATE twofold_factors SET last_step = 1 WHERE method = 'authenticator'`, "codes of the future"},
		{`SELECT 1`, `UPDATE twofold_factors SET last_step = 2 WHERE method = 'authenticator'`, "was not used up"},
		{`UPDATE twofold_identities SET user_id = '` + e.id + `' WHERE user_id = '` + a.id + `'`, `UPDATE twofold_identities SET user_id = '` + a.id + `' WHERE identity = 'alice@good.test'`, "not found by its own address"},
		{`UPDATE twofold_sessions SET level = 1`, `UPDATE twofold_sessions SET level = 2`, "the account asks for two"},
		{`UPDATE twofold_sessions SET proofs = '[]'`, `DELETE FROM twofold_sessions`, "rests on no proof"},
		{`UPDATE twofold_factors SET destination = '' WHERE method = 'sms'`, `UPDATE twofold_factors SET destination = '+16505551212' WHERE method = 'sms'`, "no destination"},
		{`UPDATE twofold_factors SET secret = x'0102030405' WHERE method = 'authenticator'`, `UPDATE twofold_factors SET secret = x'' WHERE method = 'authenticator'`, "does not open"},
		{`SELECT 1`, `SELECT 1`, "has no secret"},
		{`UPDATE twofold_events SET name = 'nothing' WHERE row_no = 2`, `SELECT 1`, "audit trail"},
	} {
		w.write(damage.query)
		r, err := auth.CheckStore(t.Context())
		w.must(err)
		if !strings.Contains(strings.Join(r.Problems, "\n"), damage.want) {
			t.Errorf("%s: %q, want %q", damage.query, r.Problems, damage.want)
		}
		w.write(damage.undo)
	}
}
