package security_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

// leavable lets owners delete their accounts and download their data.
func leavable(c *twofold.Config) { c.Accounts.Deletable, c.Accounts.Exportable = true, true }

const week = 7 * 24 * time.Hour

// full signs a person in with both factors.
func (w *world) full(p *person) *browser {
	w.T.Helper()
	b := w.browser()
	b.login(p).Want(200)
	b.validate(p.Next()).Want(200)
	return b
}

// exists reports whether the account exists.
func (p *person) exists() bool {
	p.w.T.Helper()
	_, err := p.w.Nodes[0].Auth.FindUser(p.w.T.Context(), p.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		p.w.T.Fatal(err)
	}
	return err == nil
}

// later moves the clock, restarts the program, and waits until a worker has deleted the accounts
// that are due. It waits for the deletion of an extra account whose request is due last.
func (w *world) later(d time.Duration) {
	w.T.Helper()
	w.settled()
	w.Advance(d)
	w.witnesses++
	witness := w.person(fmt.Sprint("witness", w.witnesses))
	u, err := w.Nodes[0].Store.UserByID(w.T.Context(), witness.ID)
	w.Must(err)
	w.Must(w.Nodes[0].Store.PutDeletion(w.T.Context(), storage.DeletionRequest{
		UserID: u.ID, ID: u.ID, CredentialVersion: u.CredentialVersion + "x", CreatedAt: w.Now(), DueAt: w.Now(),
	}, u.CredentialVersion))
	w.Restart()
	for end := time.Now().Add(time.Minute); witness.exists(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.T.Fatal("the worker deletes nothing")
		}
	}
}

func TestR352_ADeletionNeedsAFreshFullProof(t *testing.T) {
	w := newWorld(t, leavable)
	p := w.withApp("alice")
	w.browser().Post("/tf-delete", m{}).Want(401)
	half := w.browser()
	half.login(p).Want(200)
	half.Post("/tf-delete", m{}).Want(401)
	stale := w.full(p)
	w.Advance(20 * time.Minute)
	stale.Post("/tf-delete", m{}).Want(401)
	stale.Get("/tf-delete").Want(401)
	w.trusted(p)
	if w.count("deletions") != 0 || len(w.letters("delete", p.Email)) != 0 {
		t.Fatal("a deletion was requested without a fresh proof")
	}
	w.full(p).Post("/tf-delete", m{}).Want(200)
	if w.count("deletions") != 1 {
		t.Fatal("no deletion waits")
	}
}

// TestR352_ADeletionWaits checks that sessions end and the owner is notified at once, and that the
// account exists until the deletion is due.
func TestR352_ADeletionWaits(t *testing.T) {
	w := newWorld(t, leavable)
	p := w.withApp("alice")
	device, other := w.trusted(p), w.full(p)
	b := w.full(p)
	r := b.Post("/tf-delete", m{}).Want(200)
	if got, want := r.Text("delete_at"), w.Now().Add(week).UTC().Format(time.RFC3339); got != want {
		t.Errorf("it is due at %s, want %s", got, want)
	}
	b.out("a deletion waits")
	other.out("a deletion waits")
	device.asked(p, "a deletion waits")
	w.settled()
	if len(w.letters("delete", p.Email)) != 1 {
		t.Fatal("the owner was not told")
	}
	w.later(week - time.Minute)
	if !p.exists() {
		t.Fatal("the account was deleted before its day")
	}
	w.later(2 * time.Minute)
	if p.exists() {
		t.Fatal("the account was not deleted")
	}
	w.settled()
	told := func(e event.UserDeleted) bool { return e.User.ID == p.ID }
	if !slices.ContainsFunc(happened[event.UserDeleted](w), told) {
		t.Error("the application was not told")
	}
	w.sound()
	for _, text := range []string{p.ID, p.Email} {
		if w.holds(text) {
			t.Errorf("%s is left", text)
		}
	}
}

func TestR353_ACompleteSignInStopsADeletion(t *testing.T) {
	w := newWorld(t, leavable)
	p := w.withApp("alice")
	w.full(p).Post("/tf-delete", m{}).Want(200)
	half := w.browser()
	half.login(p).Want(200)
	half.validate(p.Wrong()).Want(400)
	w.browser().Post("/login", m{"email": p.Email, "password": "wrong"}).Want(400)
	if w.count("deletions") != 1 {
		t.Fatal("less than a sign-in stopped it")
	}
	w.Advance(time.Minute)
	b := w.browser()
	b.login(p).Want(200)
	if r := b.validate(p.Next()).Want(200); r.JSON["deletion_stopped"] != true {
		t.Errorf("the answer does not say so: %s", r.Body)
	}
	w.later(2 * week)
	if !p.exists() {
		t.Fatal("the account was deleted although its owner signed in")
	}
	if stopped := happened[event.DeletionStopped](w); len(stopped) != 1 || stopped[0].Why != "signed in" {
		t.Errorf("the application heard %v", stopped)
	}
}

// TestR353_AChangeOfCredentialsStopsNoDeletion checks that neither a change by an operator nor one
// that requires only the mailbox cancels a deletion, because neither shows that the owner wants to
// keep the account.
func TestR353_AChangeOfCredentialsStopsNoDeletion(t *testing.T) {
	w := newWorld(t, leavable, life)
	ctx, auth := t.Context(), w.Nodes[0].Auth
	changes := map[string]func(p *person) error{
		"password": func(p *person) error { return auth.SetPassword(ctx, p.ID, "another horse 71 battery") },
		"active":   func(p *person) error { return auth.SetActive(ctx, p.ID, false) },
		"identity": func(p *person) error { return auth.SetIdentity(ctx, p.ID, "n"+p.Email, p.Name) },
		"access":   func(p *person) error { return auth.ResetAccess(ctx, p.ID) },
		"sessions": func(p *person) error { return auth.EndSessions(ctx, p.ID) },
		"mailbox": func(p *person) error {
			b := w.browser()
			b.Post(b.resets(p.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
			return nil
		},
	}
	people := map[string]*person{}
	for what := range changes {
		people[what] = w.withApp("alice" + what)
		w.full(people[what]).Post("/tf-delete", m{}).Want(200)
	}
	w.settled()
	for what, change := range changes {
		w.Must(change(people[what]))
	}
	back := w.browser() // the owner of that one keeps it
	back.login(people["password"], m{"password": "another horse 71 battery"}).Want(200)
	back.validate(people["password"].Next()).Want(200)
	w.later(week + time.Minute)
	for what, p := range people {
		if p.exists() != (what == "password") {
			t.Errorf("after a change of %s, the account is there: %v", what, p.exists())
		}
	}
}

// TestR353_ARequestOfAnOlderVersionEndsAsItDidThen covers requests of a version in which a change
// of credentials ended a request. The owner may have used the account since, so the deletion must
// not happen later.
func TestR353_ARequestOfAnOlderVersionEndsAsItDidThen(t *testing.T) {
	w := newWorld(t, leavable)
	p, other := w.withApp("alice"), w.withApp("bertram")
	w.full(p).Post("/tf-delete", m{}).Want(200)
	w.full(other).Post("/tf-delete", m{}).Want(200)
	w.write(`UPDATE twofold_deletions SET stays = 0`)
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret))
	w.later(week + time.Minute)
	if !p.exists() || other.exists() {
		t.Errorf("the one that was ended: %v; the one that waited: %v", p.exists(), other.exists())
	}
}

// TestR353_TheAnswerToANoticeStopsADeletion checks that "this was not me" cancels a deletion, since
// an attacker in a session may have requested it.
func TestR353_TheAnswerToANoticeStopsADeletion(t *testing.T) {
	w := newWorld(t, leavable)
	p, other := w.withApp("alice"), w.withApp("bertram")
	w.full(p).Post("/tf-delete", m{}).Want(200)
	path := "/tf-not-me/" + p.stopToken()
	w.browser().Page(path).Want(200)
	if w.count("deletions") != 1 {
		t.Fatal("looking at the link did something")
	}
	if r := w.browser().Form(path).Want(200); !strings.Contains(r.Body, "Your account is kept.") {
		t.Errorf("the page does not say so: %s", r.Body)
	}
	if r := w.browser().Form("/tf-not-me/" + other.stopToken()).Want(200); strings.Contains(r.Body, "is kept") {
		t.Errorf("no deletion waits, and the page says: %s", r.Body)
	}
	if stopped := happened[event.DeletionStopped](w); len(stopped) != 1 || stopped[0].Why != "not me" {
		t.Errorf("the application heard %v", stopped)
	}
	w.later(2 * week)
	if !p.exists() {
		t.Fatal("the account was deleted although its owner knew of nothing")
	}
}

// TestR352_ARefusedRequestLeavesNoRow checks that of concurrent requests one is stored and recorded
// in the audit trail.
func TestR352_ARefusedRequestLeavesNoRow(t *testing.T) {
	w := newWorld(t, leavable)
	p := w.withApp("alice")
	w.Start(nil)
	browsers := make([]*browser, storm)
	for i := range browsers {
		w.Advance(31 * time.Second)
		browsers[i] = w.full(p)
	}
	testkit.Par(storm, func(i int) { browsers[i].on(w.Nodes[i%2]).Post("/tf-delete", m{}) })
	if n := w.rowsOf("user-deletion-requested"); n != 1 || w.count("deletions") != 1 {
		t.Errorf("%d rows of the trail and %d requests", n, w.count("deletions"))
	}
}

// rowsOf returns the number of audit rows with a name.
func (w *world) rowsOf(name string) (n int) {
	w.T.Helper()
	for _, e := range w.trail(0) {
		if e.Event == name {
			n++
		}
	}
	return n
}

func TestR353_TheMailedLinkStopsADeletionOnce(t *testing.T) {
	w := newWorld(t, leavable)
	p, other := w.withApp("alice"), w.withApp("bertram")
	w.full(p).Post("/tf-delete", m{}).Want(200)
	w.full(other).Post("/tf-delete", m{}).Want(200)
	w.settled()
	link, others := w.link("delete", p.Email), w.link("delete", other.Email)
	w.browser().Get(link).Want(200)
	w.browser().Get(link[:len(link)-3] + "abc").Want(400)
	if w.count("deletions") != 2 {
		t.Fatal("looking at the link did something")
	}
	w.Start(nil)
	statuses, _ := w.submit(func(_ int, n *node) (*browser, *answer) {
		b := w.browser().on(n)
		return b, b.Post(link, m{})
	})
	if statuses[200] != 1 {
		t.Errorf("the link worked %d times: %v", statuses[200], statuses)
	}
	// A later request has its own link.
	w.Advance(time.Minute)
	w.full(p).Post("/tf-delete", m{}).Want(200)
	w.browser().Post(link, m{}).Want(400)
	if w.count("deletions") != 2 {
		t.Fatal("a used link stopped another request")
	}
	w.settled()
	w.browser().Post(w.link("delete", p.Email), m{}).Want(200)
	w.later(2 * week)
	if !p.exists() || other.exists() {
		t.Errorf("kept: %v, the other: %v", p.exists(), other.exists())
	}
	w.browser().Post(others, m{}).Want(400)
	if w.browser().login(p).Want(200); w.count("sessions") != 0 {
		t.Error("the link signed someone in")
	}
}

func TestR354_ACopyNeedsAFreshProofAndHoldsNoSecret(t *testing.T) {
	w := newWorld(t, leavable, tokens, proxied)
	her := w.traced("conspicua")
	w.browser().Get("/tf-export").Want(401)
	b := w.browser()
	b.login(her.p).Want(200)
	b.Get("/tf-export").Want(401)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.validate(her.p.Next()).Want(200)
	r := b.Get("/tf-export").Want(200)
	for _, what := range []string{
		"address", "username", "id", "phone", "IP address", "user agent", "device name", "reason",
	} {
		if !strings.Contains(r.Body, her.texts[what]) {
			t.Errorf("the copy lacks the %s %q", what, her.texts[what])
		}
	}
	data, err := json.Marshal(r.JSON["data"])
	w.Must(err)
	w.noSecrets(her.p, string(data))
	raw, err := w.Nodes[0].Auth.Export(t.Context(), her.p.ID)
	w.Must(err)
	w.noSecrets(her.p, string(raw))
	w.Advance(20 * time.Minute)
	b.Get("/tf-export").Want(401)
}

// TestR416_CopiesOfAnAccountAreBounded checks the budget of downloads, since each reads all rows of
// the account. Each account has its own budget, which is available again after an hour.
func TestR416_CopiesOfAnAccountAreBounded(t *testing.T) {
	w := newWorld(t, leavable)
	fresh := func(p *person) *browser {
		b := w.browser()
		b.login(p).Want(200)
		b.validate(p.Next()).Want(200)
		return b
	}
	alice, robert := w.withApp("alice"), w.withApp("robert")
	b := fresh(alice)
	for range 10 {
		b.Get("/tf-export").Want(200)
	}
	if r := b.Get("/tf-export").Want(429); r.Header.Get("Retry-After") == "" || r.JSON["data"] != nil {
		t.Errorf("the eleventh copy: %v %s", r.Header, r.Body)
	}
	fresh(alice).Get("/tf-export").Want(429) // in another browser
	fresh(robert).Get("/tf-export").Want(200)
	w.Advance(time.Hour)
	fresh(alice).Get("/tf-export").Want(200)
}

// noSecrets checks that a text contains nothing that opens the account.
func (w *world) noSecrets(p *person, text string) {
	w.T.Helper()
	for value, what := range w.known() {
		if strings.Contains(text, value) {
			w.T.Errorf("it holds the %s", what)
		}
	}
	for _, c := range w.dump() {
		secret := []string{"secret", "hash", "mac", "password_hash", "uniquifier"}
		if slices.Contains(secret, c.Column) && len(c.Text) > 8 && strings.Contains(text, c.Text) {
			w.T.Errorf("it holds %s.%s", c.Table, c.Column)
		}
	}
	if len(p.App) > 0 && strings.Contains(text, string(p.App)) {
		w.T.Error("it holds the key of the app")
	}
}
