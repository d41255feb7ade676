package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// news returns the unseen activity of a signed-in browser and its end mark.
func (b *browser) news() (names []string, through any) {
	b.w.T.Helper()
	r := b.Get("/me").Want(200)
	list, ok := r.JSON["tf_notices"].([]any)
	if !ok {
		b.w.T.Fatalf("no list of notices: %s", r.Body)
	}
	for _, v := range list {
		line, _ := v.(m)
		if line["text"] == "" || line["address"] != "127.0.0.1" && line["event"] != "account-changed" {
			b.w.T.Errorf("line %v", line)
		}
		names = append(names, line["event"].(string))
	}
	return names, r.JSON["tf_notices_through"]
}

// TestR175_StrangersCannotBuryNotices checks that neither events that strangers cause without the
// correct password nor the owner's own sign-ins displace events that the owner must see.
func TestR175_StrangersCannotBuryNotices(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.Confirmable = false })
	p := w.withApp("alice")
	first := w.signedIn(p, linuxFox)
	// A mark of a future event marks nothing.
	first.Post("/tf-notices", m{"through": "9223372036854775807"}).Want(200)
	w.Advance(time.Hour)
	thief := w.browser()
	thief.Header["User-Agent"] = phone
	thief.login(p).Want(200)
	stranger := w.browser()
	stranger.Header["User-Agent"] = phone
	for i := range 40 {
		w.Advance(2 * time.Minute)
		w.write(`DELETE FROM twofold_counters`)
		stranger.Post("/login", m{"email": p.Email, "password": "wrong"}).Want(400)
		stranger.Post("/reset", m{"email": p.Email}).Want(200)
		if i%2 == 0 {
			w.Must(w.tell(event.UserPaused{User: event.Subject{ID: p.ID},
				Context: event.Context{At: w.Now(), Address: "127.0.0.1"}}))
		}
	}
	for range 15 {
		w.Advance(2 * time.Minute)
		w.signedIn(p, linuxFox)
	}
	w.write(`DELETE FROM twofold_counters`)
	names, _ := w.signedIn(p, linuxFox).news()
	if !slices.Contains(names, "first-factor-proven") {
		t.Errorf("of the half sign-in nothing is told: %v", names)
	}
	if n := len(names); n > 10 {
		t.Errorf("told of %d things: %v", n, names)
	}
}

// TestARowOfTheTrailHidesNoNews checks that only the mark of the owner decides what was seen, not a row of
// the audit trail.
func TestARowOfTheTrailHidesNoNews(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.signedIn(a, linuxFox)
	w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), a.ID, "editor"))
	before, through := b.news()
	if !slices.Contains(before, "account-changed") {
		t.Fatalf("told of %v", before)
	}
	w.Must(w.tell(event.NewsSeen{User: event.Subject{ID: a.ID}, Through: 1 << 40, Context: event.Context{At: w.Now()}}))
	if names, _ := b.news(); !slices.Equal(names, before) {
		t.Errorf("told of %v, want %v", names, before)
	}
	b.Post("/tf-notices", m{"through": through}).Want(200)
	w.write(`UPDATE twofold_events SET reason = '' WHERE name = 'news-seen'`)
	if names, _ := b.news(); len(names) > 0 {
		t.Errorf("told of %v after they were marked", names)
	}
}

// tell adds an audit row as if the event had happened.
func (w *world) tell(e event.Event) error {
	entry, _ := event.EntryOf(e)
	return w.trailIn(w.Nodes[0].Store).Record(w.T.Context(), entry)
}

// trailIn opens the audit trail of a store with the world's key.
func (w *world) trailIn(db storage.Store) *event.Trail {
	w.T.Helper()
	keys, err := seal.NewKeys(firstKey)
	w.Must(err)
	return event.NewTrail(db, keys, w.Now)
}

// TestR143_ToldAtTheNextSignIn checks that incomplete sign-ins and security changes are shown after
// the next complete sign-in, in JSON and on the page, until they are marked as seen. Marking does
// not hide later events.
func TestR143_ToldAtTheNextSignIn(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	first := w.signedIn(a, linuxFox)
	_, through := first.news()
	first.Post("/tf-notices", m{"through": through}).Want(200)
	w.Advance(time.Hour)

	thief := w.browser()
	thief.Header["User-Agent"] = phone
	thief.login(a).Want(200)
	thief.validate(a.Wrong()).Want(400)
	w.Advance(20 * time.Minute)
	slips := w.browser() // the owner mistypes, and is let in then
	slips.Header["User-Agent"] = linuxFox
	slips.login(a).Want(200)
	slips.validate(a.Wrong()).Want(400)
	r := slips.validate(a.Next()).Want(200)
	if r.JSON["tf_notices"] != 1.0 {
		t.Errorf("the sign-in tells of %v things: %s", r.JSON["tf_notices"], r.Body)
	}
	names, _ := slips.news()
	if strings.Join(names, " ") != "first-factor-proven" {
		t.Errorf("told of %v", names)
	}
	page := slips.Page("/me").Want(200)
	for _, words := range []string{"Someone entered your password", "Safari on iPhone", `action="/tf-notices"`} {
		if !strings.Contains(page.Body, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	again := w.browser()
	again.Header["User-Agent"] = linuxFox
	again.login(a).Want(200)
	if to := again.Form("/tf-validate", "code", a.Next()).Want(303); !strings.HasPrefix(to.Cookie("twofold-notes"),
		"NEWS~") {
		t.Errorf("the page after the sign-in says %q", to.Cookie("twofold-notes"))
	}
	names, through = again.news()
	if len(names) != 1 {
		t.Errorf("told of %v, and nobody has seen it", names)
	}
	w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), a.ID, "editor")) // comes after what is shown
	for _, bad := range []any{"", "x", "-1", "9e9", nil} {
		again.Post("/tf-notices", m{"through": bad}).Want(400)
	}
	w.browser().Post("/tf-notices", m{"through": through}).Want(401)
	stranger := w.plantSession(v)
	stranger.Post("/tf-notices", m{"through": through}).Want(200) // marks his own
	if names, _ := again.news(); len(names) != 2 {
		t.Errorf("told of %v after another user marked his", names)
	}
	again.Form("/tf-notices", "through", through.(string)).Want(303)
	if names, _ := again.news(); strings.Join(names, " ") != "account-changed" {
		t.Errorf("told of %v, want what came after", names)
	}
	_, through = again.news()
	again.Post("/tf-notices", m{"through": through}).Want(200)
	late := w.browser()
	late.Header["User-Agent"] = linuxFox
	late.login(a).Want(200)
	if r := late.validate(a.Next()).Want(200); r.JSON["tf_notices"] != nil {
		t.Errorf("seen, and told again: %s", r.Body)
	}
	if len(w.kinds(a.Email)) == 0 {
		t.Error("nothing is mailed")
	}
}
