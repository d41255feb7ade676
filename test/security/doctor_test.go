package security_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestTheDoctorFindsWhatDoesNotFit checks that normal use leaves a consistent store, and that the
// doctor reports each kind of damage.
func TestTheDoctorFindsWhatDoesNotFit(t *testing.T) {
	w := newWorld(t, plenty)
	auth := w.Nodes[0].Auth
	a, e, s := w.withApp("alice"), w.person("erika").enrollMail(), w.person("susan").enrollSMS("+16505551212")
	w.write(`DELETE FROM twofold_sessions`) // planted ones, which the trail does not know
	for _, p := range []*person{a, e, s} {
		b := w.plantPending(p)
		code := ""
		if p == a {
			code = p.Next()
		} else {
			w.Advance(time.Minute)
			b.Post("/tf-resend", m{}).Want(200)
			read := p.Mailed
			if p == s {
				read = p.Texted
			}
			code = read()
		}
		b.validate(code).Want(200)
		b.in(p, 2)
	}
	keeper := w.browser()
	keeper.login(a).Want(200)
	keeper.validate(a.Next()).Want(200)
	code := keeper.newCodes()[0]
	w.plantPending(a).Post("/mf-recovery", m{"code": code}).Want(200)
	r, err := auth.Checks().Store(t.Context())
	w.Must(err)
	if len(r.Problems) > 0 || r.Users < 3 || r.Factors != 3 || r.Sessions < 3 || r.Events == 0 {
		t.Fatalf("a store in order: %+v", r)
	}
	far := strconv.FormatInt(w.Now().Add(time.Hour).UnixMicro(), 10)
	const forget, enough = `DELETE FROM twofold_counters`, `UPDATE twofold_challenges SET tries = 5`
	for _, damage := range []struct{ query, undo, want string }{
		{`UPDATE twofold_challenges SET tries = -1`, enough, "was tried more often than it bears"},
		{`UPDATE twofold_challenges SET tries = 0 WHERE taken = 1`, enough, "was taken after its last try"},
		{`INSERT INTO twofold_counters VALUES ('x', 0, 0, 0, ` + far + `)`, forget, "the budget x counts nothing"},
		{`INSERT INTO twofold_counters VALUES ('x', 5, 5, 0, ` + far + `)`, forget,
			"the budget x is used up and was never closed"},
		{`INSERT INTO twofold_counters VALUES ('x', 4, 5, ` + far + `, ` + far + `)`, forget,
			"the budget x is closed though it is not used up"},
		{`INSERT INTO twofold_counters VALUES ('x', 5, 5, ` + far + ` + 1, ` + far + `)`, forget,
			"the budget x is forgotten before it opens"},
		{`INSERT INTO twofold_counters VALUES ('once:x', 2, 1, ` + far + `, ` + far + `)`, forget,
			"the mark once:x let more than one through"},
		{`INSERT INTO twofold_messages VALUES ('x', 'email', x'', 0, ` + far + `, ` + far + `, ` + far + `, '')`,
			`DELETE FROM twofold_messages`, "the message x is empty"},
		{`UPDATE twofold_recovery_codes SET created_at = created_at + 1 WHERE mac = (SELECT mac FROM twofold_recovery_codes ORDER BY mac LIMIT 1)`,
			`UPDATE twofold_recovery_codes SET created_at = (SELECT MIN(created_at) FROM twofold_recovery_codes)`,
			"are of more than one set"},
		{`INSERT INTO twofold_recovery_codes SELECT '` + a.ID +
			`', x'01', MIN(created_at), x'' FROM twofold_recovery_codes`,
			`DELETE FROM twofold_recovery_codes WHERE mac = x'01'`,
			"10 of 10 recovery codes are left after 1 were used"},
		{`UPDATE twofold_code_sets SET made = 9`, `UPDATE twofold_code_sets SET made = 10`,
			"9 of 9 recovery codes are left after 1 were used"},
		{`UPDATE twofold_seen SET through_row = 1000000`, `UPDATE twofold_seen SET through_row = 0`,
			"marked row 1000000 of the audit trail as seen, which does not exist"},
		{`INSERT INTO twofold_recovery_codes VALUES ('` + a.ID + `', x'', 1, x'')`,
			`DELETE FROM twofold_recovery_codes WHERE mac = x''`, "has an invalid recovery code"},
		{`UPDATE twofold_factors SET last_step = 9000000000 WHERE method = 'authenticator'`,
			`UPDATE twofold_factors SET last_step = 1 WHERE method = 'authenticator'`, "codes of a future time"},
		{`SELECT 1`, `UPDATE twofold_factors SET last_step = 2 WHERE method = 'authenticator'`, "was not used up"},
		{`UPDATE twofold_identities SET user_id = '` + e.ID + `' WHERE user_id = '` + a.ID + `'`,
			`UPDATE twofold_identities SET user_id = '` + a.ID + `' WHERE identity = 'alice@good.test'`,
			"not found by its own address"},
		{`UPDATE twofold_sessions SET level = 1`, `UPDATE twofold_sessions SET level = 2`, "the account requires two"},
		{`UPDATE twofold_sessions SET id = 'x' || id`, `UPDATE twofold_sessions SET id = SUBSTR(id, 2)`,
			"the audit trail does not know session x"},
		{`UPDATE twofold_sessions SET proofs = '[]'`, `DELETE FROM twofold_sessions`, "rests on no proof"},
		{`UPDATE twofold_factors SET destination = '' WHERE method = 'sms'`,
			`UPDATE twofold_factors SET destination = '+16505551212' WHERE method = 'sms'`, "no destination"},
		{`UPDATE twofold_factors SET secret = x'0102030405' WHERE method = 'authenticator'`,
			`UPDATE twofold_factors SET secret = x'' WHERE method = 'authenticator'`, "does not open"},
		{`SELECT 1`, `SELECT 1`, "has no secret"},
		{`UPDATE twofold_events SET name = 'nothing' WHERE name = 'tf-security-token-sent' AND method = 'email'`,
			`SELECT 1`,
			"1 sign-ins by email, and 0 codes sent: one was used twice"},
		{`UPDATE twofold_events SET name = 'nothing' WHERE row_no = 2`, `SELECT 1`, "audit trail"},
	} {
		w.write(damage.query)
		r, err := auth.Checks().Store(t.Context())
		w.Must(err)
		if !strings.Contains(strings.Join(r.Problems, "\n"), damage.want) {
			t.Errorf("%s: %q, want %q", damage.query, r.Problems, damage.want)
		}
		w.write(damage.undo)
	}
}

// swept is a store that removes old rows right after it returned how far they were removed.
type swept struct {
	storage.Store
	due    *atomic.Bool
	remove func()
}

func (s swept) Checkpoint(ctx context.Context) (storage.Checkpoint, error) {
	c, err := s.Store.Checkpoint(ctx)
	if s.due.CompareAndSwap(true, false) {
		s.remove()
	}
	return c, err
}

// changing is a store in which data changes between two reads of the doctor.
type changing struct {
	storage.Store
	due    *atomic.Bool
	happen func()
}

func (c changing) SessionsOf(ctx context.Context, id string, now time.Time) ([]storage.Session, error) {
	if c.due.CompareAndSwap(true, false) {
		c.happen()
	}
	return c.Store.SessionsOf(ctx, id, now)
}

// TestTheDoctorLooksAgainAfterAChange checks that a sign-in or a deletion between two reads of the
// doctor is not reported as damage.
func TestTheDoctorLooksAgainAfterAChange(t *testing.T) {
	for name, happen := range map[string]func(*world, *person){
		"a sign-in":  func(w *world, p *person) { w.browser().login(p).Want(200) },
		"a deletion": func(w *world, p *person) { w.Must(w.Nodes[0].Auth.DeleteUser(w.T.Context(), p.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, plenty)
			p := w.person("erika")
			w.browser().login(p).Want(200)
			var due atomic.Bool
			busy := w.Start(func(db storage.Store) storage.Store { return changing{db, &due, func() { happen(w, p) }} })
			due.Store(true)
			r, err := busy.Auth.Checks().Store(t.Context())
			w.Must(err)
			if len(r.Problems) > 0 || due.Load() {
				t.Fatalf("%+v", r)
			}
		})
	}
}

// TestTheDoctorLooksTwice checks that old rows that are removed while the doctor reads are not
// reported as damage.
func TestTheDoctorLooksTwice(t *testing.T) {
	w := newWorld(t, plenty)
	e := w.person("erika").enrollMail()
	w.write(`DELETE FROM twofold_sessions`) // planted ones, which the trail does not know
	b := w.plantPending(e)
	w.Advance(time.Minute)
	b.Post("/tf-resend", m{}).Want(200)
	code := e.Mailed()
	seal := func() {
		t.Helper()
		trail := w.trailIn(w.Nodes[0].Store)
		for range 1000 { // transactions of other tests may hold up what is settled
			w.Must(trail.Close(t.Context()))
			r, err := trail.Verify(t.Context(), "")
			w.Must(err)
			if r.Unsealed == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("the rows are not sealed")
	}
	seal()
	w.Advance(2 * time.Minute)
	b.validate(code).Want(200)
	seal()
	w.Advance(30*24*time.Hour - time.Minute)
	var due atomic.Bool
	busy := w.Start(func(db storage.Store) storage.Store {
		return swept{db, &due, func() {
			_, err := w.trailIn(db).RemoveBefore(t.Context(), w.Now().AddDate(0, 0, -30))
			w.Must(err)
		}}
	})
	due.Store(true)
	r, err := busy.Auth.Checks().Store(t.Context())
	w.Must(err)
	if len(r.Problems) > 0 || r.Trail.RemovedThrough == 0 || due.Load() {
		t.Fatalf("%+v", r)
	}
}
