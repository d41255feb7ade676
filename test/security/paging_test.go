package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// crammed gives an account the largest number of entries that each list allows.
func (w *world) crammed(p *person) {
	w.T.Helper()
	ctx, db := w.T.Context(), w.Nodes[0].Store
	u, err := db.UserByID(ctx, p.ID)
	w.Must(err)
	for i := range 100 {
		now, id := w.Now().Add(-time.Duration(i)*time.Second), storage.NewID()
		ends := w.Now().Add(time.Hour)
		w.Must(db.PutSession(ctx, storage.Session{
			Hash: seal.HashToken(seal.Token()), ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion,
			Level: storage.OneFactor,
			Agent: linuxFox, CreatedAt: now, SeenAt: now, IdleAt: ends, ExpiresAt: ends,
		}))
		if i < 30 {
			w.Must(db.PutDevice(ctx, storage.Device{
				ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion, Secret: id, Name: "Firefox",
				CreatedAt: now, LastSeenAt: now, ExpiresAt: ends,
			}))
			for _, name := range []string{"factor-disabled", "tf-rescue-requested"} {
				w.Must(db.AppendEvent(ctx, storage.Event{
					ID: storage.NewID(), UserID: u.ID, At: now, Name: name, Method: "sms", Result: "ok", MAC: []byte{1},
				}))
			}
		}
		w.Must(db.PutToken(ctx, storage.Token{
			ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion, Hash: id, Personal: i%2 == 0,
			Name:      fmt.Sprint("token ", i),
			CreatedAt: now, IdleAt: ends, ExpiresAt: ends,
		}))
	}
	w.Advance(2 * time.Second)
}

// TestR174_EveryListHasPages checks that long lists can be read page by page, without gaps or
// duplicates. A program that requests no page gets all entries, people get pages with links, and an
// invalid page is refused.
func TestR174_EveryListHasPages(t *testing.T) {
	w := newWorld(t, tokens, remembering, plenty)
	p := w.person("alice")
	b := w.plantSession(p)
	w.crammed(p)
	for path, key := range map[string]string{
		"/tf-sessions": "sessions", "/tf-devices": "devices", "/access-tokens": "tokens", "/tf-notices": "tf_notices",
	} {
		t.Run(path, func(t *testing.T) {
			r := b.Get(path).Want(200)
			all, _ := r.JSON[key].([]any)
			if len(all) < 20 || r.JSON["paging"] != nil {
				t.Fatalf("without a page: %d entries, %v", len(all), r.JSON["paging"])
			}
			var parts []any
			at := path + "?page=1&limit=7"
			for n := 1; at != ""; n++ {
				r := b.Get(at).Want(200)
				part, _ := r.JSON[key].([]any)
				paging, _ := r.JSON["paging"].(m)
				if len(part) == 0 || len(part) > 7 || paging["page"] != float64(n) ||
					paging["total"] != float64(len(all)) ||
					paging["pages"] != float64((len(all)+6)/7) || (paging["previous"] == nil) != (n == 1) {
					t.Fatalf("%s: %d entries, %v", at, len(part), paging)
				}
				parts = append(parts, part...)
				at, _ = paging["next"].(string)
			}
			if !slices.EqualFunc(parts, all, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
				t.Errorf("the parts have %d entries, and the whole list %d, or others", len(parts), len(all))
			}
			part, _ := b.Get(path + "?page=1").Want(200).JSON[key].([]any)
			if len(part) != min(25, len(all)) {
				t.Errorf("a page has %d entries", len(part))
			}
			if last, _ := b.Get(path + "?page=99").Want(200).JSON[key].([]any); last == nil || len(last) != 0 {
				t.Errorf("behind the last page: %v", last)
			}
			for _, odd := range []string{
				"page=0", "page=-1", "page=x", "page=", "page=1&page=2", "page=99999999999999999999", "limit=0",
				"limit=101",
				"page=1&limit=-5", "page=1.0", "page=%31%00",
			} {
				b.Get(path + "?" + odd).Want(400)
			}
		})
	}
	for path, pages := range map[string]int{"/tf-sessions": 5, "/tf-devices": 2, "/access-tokens": 4} {
		seen, at := 0, path
		for n := 1; n <= pages; n++ {
			page := b.Page(at).Want(200).Body
			seen += strings.Count(page, path+"?remove=")
			next := strings.Contains(page, fmt.Sprintf(`rel="next" href="%s?page=%d"`, path, n+1))
			back := strings.Contains(page, fmt.Sprintf(`rel="prev" href="%s?page=%d"`, path, n-1))
			if next != (n < pages) || back != (n > 1) {
				t.Errorf("%s, page %d of %d: next %v, previous %v", path, n, pages, next, back)
			}
			at = fmt.Sprintf("%s?page=%d", path, n+1)
		}
		if b.Page(at).Want(200); seen < 29 {
			t.Errorf("%s: %d entries can be ended on all pages", path, seen)
		}
	}
	if me := b.Page("/me").Want(200).Body; strings.Count(me, "/tf-sessions?remove=") > 27 ||
		!strings.Contains(me, `href="/tf-sessions?page=2"`) || !strings.Contains(me, `href="/tf-devices?page=2"`) {
		t.Error("the account page has whole lists, or no link to the rest")
	}
}

// BenchmarkTheFullestAccountPage measures the account page with the largest number of entries in
// each list, and one with a single entry in each.
func BenchmarkTheFullestAccountPage(b *testing.B) {
	w := newWorld(b, tokens, remembering, plenty)
	for _, name := range []string{"least", "most"} {
		p := w.withApp(name)
		in := w.plantSession(p)
		if name == "most" {
			w.crammed(p)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				in.Page("/me").Want(200)
			}
		})
	}
}
