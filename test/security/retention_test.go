package security_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// TestR310_OldRowsGoByPolicyOnly checks that audit rows are removed when they are old enough, that
// a removal is accepted only with the site's own mark, and that every other removal is detected. A
// code sent before the removal and used after it is not an error.
func TestR310_OldRowsGoByPolicyOnly(t *testing.T) {
	w := newWorld(t, plenty)
	e, other := w.person("erika").enrollMail(), w.person("hugo")
	w.write(`DELETE FROM twofold_sessions`) // planted ones, which the trail does not know
	b := w.plantPending(e)
	w.Advance(time.Minute)
	b.Post("/tf-resend", m{}).Want(200)
	code := e.Mailed()
	w.Restart() // what is there is sealed at the start
	w.sealed()
	b.on(w.Nodes[0])
	w.Advance(2 * time.Minute)
	b.validate(code).Want(200)
	w.Restart()
	w.sealed()
	w.Advance(30*24*time.Hour - time.Minute) // the code was sent earlier, and used later
	w.browser().login(other).Want(200)
	before := w.count("events")
	rows, err := w.Restart().Auth.Audit().List(t.Context(), event.AuditFilter{})
	w.Must(err)

	days := func(c *twofold.Config) { c.Accounts.AuditDays = 30 }
	auth := w.Restart(days).Auth
	look := func() twofold.StoreReport {
		t.Helper()
		r, err := auth.Checks().Store(t.Context())
		w.Must(err)
		return r
	}
	old := rows[slices.IndexFunc(rows,
		func(e event.AuditEntry) bool { return e.Event == "user-authenticated" })].Row - 1
	w.wait("rows that were sealed apart are removed apart", func() bool {
		return w.number(`SELECT COUNT(*) FROM twofold_event_checkpoint WHERE through_row >= ?`, old) == 1
	})
	r := look()
	if len(r.Problems) > 0 || r.Trail.RemovedThrough == 0 || int(r.Trail.RemovedRows)+r.Events != before {
		t.Fatalf("%d rows; %+v", before, r)
	}
	now, err := auth.Audit().List(t.Context(), event.AuditFilter{})
	w.Must(err)
	if first := now[0]; first.Row != r.Trail.RemovedThrough+1 || first.Event != "user-authenticated" ||
		rows[len(rows)-len(now)] != first {
		t.Errorf("the trail begins with %+v", first)
	}

	for what, damage := range map[string]struct{ do, undo string }{
		"who removes more": {
			`UPDATE twofold_events SET row_no = -row_no WHERE row_no = ` + strconv.FormatInt(now[0].Row, 10),
			`UPDATE twofold_events SET row_no = -row_no WHERE row_no < 0`,
		},
		"who moves the checkpoint": {`UPDATE twofold_event_checkpoint SET through_row = through_row + 1`,
			`UPDATE twofold_event_checkpoint SET through_row = through_row - 1`},
		"who dates it otherwise": {`UPDATE twofold_event_checkpoint SET at = at - 1`,
			`UPDATE twofold_event_checkpoint SET at = at + 1`},
	} {
		w.write(damage.do)
		if r := look(); !strings.Contains(strings.Join(r.Problems, "\n"), "audit trail: row") {
			t.Errorf("%s is not noticed: %v", what, r.Problems)
		}
		w.write(damage.undo)
		if r := look(); len(r.Problems) > 0 {
			t.Fatal(r.Problems)
		}
	}
	w.write(`DELETE FROM twofold_event_checkpoint`)
	if r := look(); !strings.Contains(strings.Join(r.Problems, "\n"), "their seal is missing") {
		t.Errorf("a trail without its checkpoint is taken for whole: %v", r.Problems)
	}
}

// TestR310_AgesAreBounded checks that a retention too short for a live session, or for the first
// sign-in of a young account, is refused.
func TestR310_AgesAreBounded(t *testing.T) {
	w := newWorld(t)
	try := func(days int, absolute time.Duration) error {
		_, err := twofold.New(twofold.Config{
			Origin: "http://localhost", Key: twofold.KeyText(firstKey), Store: w.Nodes[0].Store,
			Accounts: twofold.Accounts{AuditDays: days}, Sessions: twofold.Sessions{Absolute: absolute},
		})
		return err
	}
	for days, absolute := range map[int]time.Duration{-1: 0, 1: 0, 29: 0, 36501: 0, 30: 31 * 24 * time.Hour} {
		if err := try(days, absolute); err == nil || !strings.Contains(err.Error(), "Accounts.AuditDays") {
			t.Errorf("%d days, sessions of %v: %v", days, absolute, err)
		}
	}
	for days, absolute := range map[int]time.Duration{0: 31 * 24 * time.Hour, 30: 30 * 24 * time.Hour, 36500: 0} {
		if err := try(days, absolute); err != nil {
			t.Errorf("%d days, sessions of %v: %v", days, absolute, err)
		}
	}
}
