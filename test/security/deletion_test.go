package security_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

// traces is a person who used every feature, with the texts that identify them.
type traces struct {
	p     *person
	texts map[string]string
}

const (
	herAddress = "203.0.113.77"
	herAgent   = "Mozilla/5.0 (X11; Linux x86_64) Conspicuous/7.1"
)

// traced creates such a person.
func (w *world) traced(name string) traces {
	w.T.Helper()
	p := w.person(name).enrollApp().enrollSMS("+4915112345678").enrollMail()
	hers := func() *browser {
		b := w.browser()
		b.Header["X-Forwarded-For"], b.Header["User-Agent"] = herAddress, herAgent
		return b
	}
	b := hers()
	b.login(p, m{"remember": true}).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.validate(p.Next()).Want(200)
	key := w.key(phoneKey)
	b.register(key, "her conspicuous key", storage.UseFirst).Want(200)
	b.newCodes()
	b.Post("/access-tokens", m{"name": "her conspicuous script", "scopes": []string{"read"}, "days": "30"}).Want(200)
	b.Post("/tf-setup", m{"setup": "sms", "phone": "+4915187654321", "add": true}).Want(200) // a draft that stays
	hers().login(p).Want(200)                                                                // a sign-in that waits
	hers().Post("/login", m{"email": p.Email, "password": "wrong " + secret}).Want(400)
	w.Must(w.Nodes[0].Auth.StartRecovery(w.T.Context(), p.ID, "she called, Ticket-4711"))
	w.Must(w.Nodes[0].Store.PutMessage(w.T.Context(), storage.Message{
		ID: "under way", Channel: storage.Email, UserID: p.ID, Body: []byte{1}, CreatedAt: w.Now(),
		DueAt: w.Now().AddDate(1, 0, 0), ExpiresAt: w.Now().AddDate(1, 0, 1),
	}))
	t := traces{p, map[string]string{
		"address": p.Email, "username": name, "id": p.ID, "phone": "15112345678",
		"second phone": "15187654321", "IP address": herAddress,
		"user agent": "Conspicuous", "device name": "conspicuous", "reason": "Ticket-4711", "message": "under way",
	}}
	for _, f := range append(p.Factors(), p.passkeys()...) {
		t.texts["factor "+f.Method+f.Name] = f.ID
	}
	for what, text := range t.texts {
		if !w.holds(text) {
			w.T.Fatalf("the %s %q is nowhere, so this test would not see it stay", what, text)
		}
	}
	return t
}

// holds reports whether the database contains a text, as it is or in hexadecimal.
func (w *world) holds(text string) bool {
	w.T.Helper()
	digits := fmt.Sprintf("%x", text)
	return slices.ContainsFunc(w.dump(), func(c testkit.Cell) bool {
		return strings.Contains(strings.ToLower(c.Text), strings.ToLower(text)) || strings.Contains(c.Hex, digits)
	})
}

// gone checks that no data of the person is left, and that all other data is intact.
func (t traces) gone() {
	w := t.p.w
	w.T.Helper()
	w.settled()
	for what, text := range t.texts {
		if w.holds(text) {
			w.T.Errorf("the %s %q is left in the database", what, text)
		}
	}
	if file := w.DB.File; file != "" {
		w.write(`VACUUM`)
		w.write(`PRAGMA wal_checkpoint(TRUNCATE)`)
		for _, name := range []string{file, file + "-wal"} {
			raw, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				w.T.Fatal(err)
			}
			for what, text := range t.texts {
				if bytes.Contains(bytes.ToLower(raw), bytes.ToLower([]byte(text))) {
					w.T.Errorf("the %s %q is left in %s", what, text, name)
				}
			}
		}
	}
	w.sound()
}

// sound checks that the database has no errors and that the audit trail verifies.
func (w *world) sound() {
	w.T.Helper()
	problems, err := w.Nodes[0].Store.Examine(w.T.Context(), w.Now())
	w.Must(err)
	for _, problem := range problems {
		w.T.Error(problem)
	}
	trail, err := w.Nodes[0].Auth.Audit().Verify(w.T.Context(), "")
	w.Must(err)
	if len(trail.Problems) > 0 || trail.Rows == 0 {
		w.T.Errorf("the trail of %d rows does not verify: %v", trail.Rows, trail.Problems)
	}
}

func TestR350_DeletionLeavesNoTraceAndTheTrailVerifies(t *testing.T) {
	w := newWorld(t, tokens, proxied)
	her, other := w.traced("conspicua"), w.withApp("bertram")
	rows := len(w.trail(0))
	w.Must(w.Nodes[0].Auth.DeleteUser(t.Context(), her.p.ID))
	her.gone()
	if err := w.Nodes[0].Auth.DeleteUser(t.Context(), her.p.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	after := w.trail(0)
	if len(after) != rows+1 || after[rows].Event != "user-deleted" || !strings.HasPrefix(after[rows].User, "deleted-") {
		t.Errorf("the trail has %d rows and ends with %+v, want %d and the deletion",
			len(after), after[len(after)-1], rows+1)
	}
	hers := 0
	for _, e := range after {
		if e.User == after[rows].User {
			hers++
		}
	}
	if hers < 10 {
		t.Errorf("%d rows have her pseudonym: her history is gone", hers)
	}
	if n := len(happened[event.UserDeleted](w)); n != 1 {
		t.Errorf("the application heard of %d deletions", n)
	}
	b := w.browser()
	b.login(other).Want(200)
	b.validate(other.Next()).Want(200)
	b.in(other, 2)
}

// TestR350_ANewAccountHasNothingOfADeletedOne registers the same address again.
func TestR350_ANewAccountHasNothingOfADeletedOne(t *testing.T) {
	w := newWorld(t, tokens, proxied)
	her := w.traced("conspicua")
	b := w.browser()
	b.login(her.p).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.validate(her.p.Next()).Want(200)
	b.in(her.p, 2)
	w.Must(w.Nodes[0].Auth.DeleteUser(t.Context(), her.p.ID))
	b.out("the account was deleted")
	next := w.person("conspicua")
	if next.ID == her.p.ID {
		t.Fatal("the id was given again")
	}
	b.out("another person has the address now")
	w.browser().login(next).Want(200)
	for _, e := range w.trail(0) {
		if e.User == next.ID && e.Address == herAddress {
			t.Error("the new account has her history")
		}
	}
	if len(next.Factors()) != 0 {
		t.Error("the new account has factors")
	}
}

// TestR350_AnErasedRowCannotBeMadeWithoutTheKey checks that setting the columns of an audit row
// does not pass for an erasure.
func TestR350_AnErasedRowCannotBeMadeWithoutTheKey(t *testing.T) {
	w := newWorld(t)
	p := w.withApp("alice")
	w.browser().login(p).Want(200)
	w.sound()
	w.write(`UPDATE twofold_events SET user_id = 'deleted-x', address = '', agent = '', erased = mac
		WHERE user_id = '` + p.ID + `'`)
	trail, err := w.Nodes[0].Auth.Audit().Verify(t.Context(), "")
	w.Must(err)
	if len(trail.Problems) == 0 {
		t.Error("rows were erased without the key, and the trail verifies")
	}
}

func TestR351_NothingDuringADeletionOutlivesIt(t *testing.T) {
	w := newWorld(t, tokens, proxied)
	w.Start(nil)
	for round := range 6 {
		p := w.withApp(fmt.Sprint("person", round))
		ready := make([]*browser, 4)
		for i := range ready { // each waits for its second factor
			ready[i] = w.browser().on(w.Nodes[i%2])
			ready[i].login(p).Want(200)
		}
		in := w.browser()
		in.login(p).Want(200)
		in.validate(p.Next()).Want(200)
		w.Advance(31e9)
		code := p.Code(0)
		var all sync.WaitGroup
		for i, b := range ready {
			all.Go(func() { b.validate(code) })
			all.Go(func() { w.browser().on(w.Nodes[i%2]).login(p) })
		}
		all.Go(func() { in.Post("/tf-setup", m{"setup": "sms", "phone": "+4915112345678", "add": true}) })
		all.Go(func() { in.Post("/access-tokens", m{"name": "x", "scopes": []string{"read"}, "days": "30"}) })
		errs := make([]error, 2)
		for i := range errs {
			all.Go(func() { errs[i] = w.Nodes[i].Auth.DeleteUser(t.Context(), p.ID) })
		}
		all.Wait()
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if errs[0] != nil || !errors.Is(errs[1], store.ErrNotFound) {
			t.Fatalf("two deletions: %v", errs)
		}
		for _, b := range append(ready, in) {
			b.out("the account was deleted")
		}
		for _, text := range []string{p.ID, p.Email, "15112345678"} {
			if w.holds(text) {
				t.Errorf("%s is left", text)
			}
		}
	}
	w.settled()
	w.sound()
}

// TestR350_DoctorFindsWhatHasNoAccount covers every table with rows of accounts. If a foreign key
// does not prevent a row without an account, Examine reports the row.
func TestR350_DoctorFindsWhatHasNoAccount(t *testing.T) {
	w := newWorld(t, tokens, proxied)
	her := w.traced("conspicua")
	w.code(her.p)
	w.sound()
	tables := map[string]bool{}
	for _, c := range w.dump() {
		if c.Column == "user_id" {
			tables[c.Table] = true
		}
	}
	if len(tables) < 10 {
		t.Fatalf("only %v have rows of accounts: this test looks in the wrong place", tables)
	}
	for table := range tables {
		if refuses(w.DB, `UPDATE `+table+` SET user_id = 'nobody'`) {
			continue // a foreign key
		}
		problems, err := w.Nodes[0].Store.Examine(t.Context(), w.Now())
		w.Must(err)
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, "does not exist") }) {
			t.Errorf("%s: rows of no account are not reported: %q", table, problems)
		}
		w.write(`UPDATE ` + table + ` SET user_id = '` + her.p.ID + `'`)
	}
}

// code leaves a code that was sent but not used.
func (w *world) code(p *person) {
	w.T.Helper()
	b := w.browser()
	b.login(p).Want(200)
	b.Post("/tf-select", m{"which": "email"}).Want(200)
}

// refuses reports whether the database rejects a statement. SQLite enforces foreign keys here, as
// it does in the program.
func refuses(d *testkit.Database, query string) bool {
	d.T.Helper()
	if d.Postgres == "" {
		d.Write(`PRAGMA foreign_keys = ON`)
		defer d.Write(`PRAGMA foreign_keys = OFF`)
		d.SQL().SetMaxOpenConns(1)
	}
	if d.Redis != "" {
		for _, kind := range []string{"sessions", "pendings", "drafts", "challenges"} {
			if strings.Contains(query, "twofold_"+kind) {
				return true // see orphans of store.Join, and its test
			}
		}
	}
	_, err := d.SQL().Exec(query)
	return err != nil
}
