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
	b.w.t.Helper()
	r := b.get("/me").want(200)
	list, ok := r.json["tf_notices"].([]any)
	if !ok {
		b.w.t.Fatalf("no list of notices: %s", r.body)
	}
	for _, v := range list {
		line, _ := v.(m)
		if line["text"] == "" || line["address"] != "127.0.0.1" && line["event"] != "account-changed" {
			b.w.t.Errorf("line %v", line)
		}
		names = append(names, line["event"].(string))
	}
	return names, r.json["tf_notices_through"]
}

// TestR175_NoStrangerBuriesTheNews checks that neither events that strangers cause without the
// right password nor the owner's own sign-ins displace events that the owner must see.
func TestR175_NoStrangerBuriesTheNews(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.Confirmable = false })
	p := w.withApp("alice")
	first := w.signedIn(p, linuxFox)
	// A mark of a future event marks nothing.
	first.post("/tf-notices", m{"through": "9223372036854775807"}).want(200)
	w.advance(time.Hour)
	thief := w.browser()
	thief.header["User-Agent"] = phone
	thief.login(p).want(200)
	stranger := w.browser()
	stranger.header["User-Agent"] = phone
	for i := range 40 {
		w.advance(2 * time.Minute)
		w.write(`DELETE FROM twofold_counters`)
		stranger.post("/login", m{"email": p.email, "password": "wrong"}).want(400)
		stranger.post("/reset", m{"email": p.email}).want(200)
		if i%2 == 0 {
			w.must(w.tell(event.UserPaused{User: event.Subject{ID: p.id},
				Context: event.Context{At: w.Now(), Address: "127.0.0.1"}}))
		}
	}
	for range 15 {
		w.advance(2 * time.Minute)
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
	w.must(w.nodes[0].auth.SetRoles(t.Context(), a.id, "editor"))
	before, through := b.news()
	if !slices.Contains(before, "account-changed") {
		t.Fatalf("told of %v", before)
	}
	w.must(w.tell(event.NewsSeen{User: event.Subject{ID: a.id}, Through: 1 << 40, Context: event.Context{At: w.Now()}}))
	if names, _ := b.news(); !slices.Equal(names, before) {
		t.Errorf("told of %v, want %v", names, before)
	}
	b.post("/tf-notices", m{"through": through}).want(200)
	w.write(`UPDATE twofold_events SET reason = '' WHERE name = 'news-seen'`)
	if names, _ := b.news(); len(names) > 0 {
		t.Errorf("told of %v after they were marked", names)
	}
}

// tell adds an audit row as if the event had happened.
func (w *world) tell(e event.Event) error {
	entry, _ := event.EntryOf(e)
	return w.trailIn(w.nodes[0].db).Record(w.t.Context(), entry)
}

// trailIn opens the audit trail of a store with the world's key.
func (w *world) trailIn(db storage.Store) *event.Trail {
	w.t.Helper()
	keys, err := seal.NewKeys(firstKey)
	w.must(err)
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
	first.post("/tf-notices", m{"through": through}).want(200)
	w.advance(time.Hour)

	thief := w.browser()
	thief.header["User-Agent"] = phone
	thief.login(a).want(200)
	thief.validate(a.wrong()).want(400)
	w.advance(20 * time.Minute)
	slips := w.browser() // the owner mistypes, and is let in then
	slips.header["User-Agent"] = linuxFox
	slips.login(a).want(200)
	slips.validate(a.wrong()).want(400)
	r := slips.validate(a.next()).want(200)
	if r.json["tf_notices"] != 1.0 {
		t.Errorf("the sign-in tells of %v things: %s", r.json["tf_notices"], r.body)
	}
	names, _ := slips.news()
	if strings.Join(names, " ") != "first-factor-proven" {
		t.Errorf("told of %v", names)
	}
	page := slips.page("/me").want(200)
	for _, words := range []string{"Someone entered your password", "Safari on iPhone", `action="/tf-notices"`} {
		if !strings.Contains(page.body, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	again := w.browser()
	again.header["User-Agent"] = linuxFox
	again.login(a).want(200)
	if to := again.form("/tf-validate", "code", a.next()).want(303); !strings.HasPrefix(to.cookie("twofold-notes"),
		"NEWS~") {
		t.Errorf("the page after the sign-in says %q", to.cookie("twofold-notes"))
	}
	names, through = again.news()
	if len(names) != 1 {
		t.Errorf("told of %v, and nobody has seen it", names)
	}
	w.must(w.nodes[0].auth.SetRoles(t.Context(), a.id, "editor")) // comes after what is shown
	for _, bad := range []any{"", "x", "-1", "9e9", nil} {
		again.post("/tf-notices", m{"through": bad}).want(400)
	}
	w.browser().post("/tf-notices", m{"through": through}).want(401)
	stranger := w.plantSession(v)
	stranger.post("/tf-notices", m{"through": through}).want(200) // marks his own
	if names, _ := again.news(); len(names) != 2 {
		t.Errorf("told of %v after another user marked his", names)
	}
	again.form("/tf-notices", "through", through.(string)).want(303)
	if names, _ := again.news(); strings.Join(names, " ") != "account-changed" {
		t.Errorf("told of %v, want what came after", names)
	}
	_, through = again.news()
	again.post("/tf-notices", m{"through": through}).want(200)
	late := w.browser()
	late.header["User-Agent"] = linuxFox
	late.login(a).want(200)
	if r := late.validate(a.next()).want(200); r.json["tf_notices"] != nil {
		t.Errorf("seen, and told again: %s", r.body)
	}
	if len(w.kinds(a.email)) == 0 {
		t.Error("nothing is mailed")
	}
}
