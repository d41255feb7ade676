package security_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

// ownTable is an application's user table.
type ownTable struct {
	mu   sync.Mutex
	rows map[string]store.ExternalUser
	made int
}

func (t *ownTable) find(is func(store.ExternalUser) bool) (store.ExternalUser, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for u := range maps.Values(t.rows) {
		if is(u) {
			u.Roles = slices.Clone(u.Roles)
			return u, nil
		}
	}
	return store.ExternalUser{}, store.ErrNotFound
}

func (t *ownTable) FindUser(_ context.Context, identity string) (store.ExternalUser, error) {
	return t.find(func(u store.ExternalUser) bool {
		return strings.ToLower(u.Email) == identity || u.Username != "" && strings.ToLower(u.Username) == identity
	})
}

func (t *ownTable) UserByID(_ context.Context, id string) (store.ExternalUser, error) {
	return t.find(func(u store.ExternalUser) bool { return u.ID == id })
}

func (t *ownTable) CreateUser(ctx context.Context, u store.ExternalUser) (string, error) {
	if _, err := t.FindUser(ctx, strings.ToLower(u.Email)); err == nil {
		return "", store.ErrExists
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made++
	u.ID = "row" + strconv.Itoa(t.made)
	t.rows[u.ID] = u
	return u.ID, nil
}

func (t *ownTable) SetPasswordHash(_ context.Context, id, old, new string) (bool, error) {
	was := ""
	err := t.change(id, func(u *store.ExternalUser) {
		if was = u.PasswordHash; was == old {
			u.PasswordHash = new
		}
	})
	return was == old, err
}

func (t *ownTable) change(id string, f func(*store.ExternalUser)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.rows[id]
	if !ok {
		return store.ErrNotFound
	}
	f(&u)
	t.rows[id] = u
	return nil
}

// deleting is a table that deletes rows. Tests set fails and meanwhile.
type deleting struct {
	*ownTable
	fails     error
	meanwhile func()
	asked     []string
}

func (d *deleting) DeleteUser(_ context.Context, id string) error {
	if d.asked = append(d.asked, id); d.fails != nil {
		return d.fails
	}
	d.mu.Lock()
	_, ok := d.rows[id]
	delete(d.rows, id)
	d.mu.Unlock()
	if !ok {
		return store.ErrNotFound
	}
	if d.meanwhile != nil {
		d.meanwhile()
	}
	return nil
}

// giving is a table that accepts roles.
type giving struct{ *ownTable }

func (g giving) SetRoles(_ context.Context, id string, roles []string) error {
	return g.change(id, func(u *store.ExternalUser) { u.Roles = slices.Clone(roles) })
}

func newOwnTable() *ownTable { return &ownTable{rows: map[string]store.ExternalUser{}} }

// over starts a world on a user table.
func over(users store.UserSource) func(*twofold.Config) {
	return func(c *twofold.Config) { c.Users = users }
}

// gone checks that only audit rows of a person are left.
func (w *world) gone(p *person, b *browser) {
	w.T.Helper()
	b.out("a deleted account")
	w.browser().login(p).Refused("the password of a deleted account")
	if _, err := w.Nodes[0].Auth.FindUser(w.T.Context(), p.ID); !errors.Is(err, store.ErrNotFound) {
		w.T.Errorf("the account is found: %v", err)
	}
	for _, of := range []string{"users", "factors", "sessions", "devices", "deletions"} {
		if n := w.count(of); n != 0 {
			w.T.Errorf("%d rows of %s are left", n, of)
		}
	}
	w.sound()
}

// TestR391_ATableIsToldOfADeletion checks that the table's row is deleted first. If that fails,
// nothing is deleted, and the deletion can be repeated.
func TestR391_ATableIsToldOfADeletion(t *testing.T) {
	own := &deleting{ownTable: newOwnTable(), fails: errors.New("no disk")}
	w := newWorld(t, over(own))
	p, auth := w.withApp("alice"), w.Nodes[0].Auth
	b := w.full(p)
	if err := auth.DeleteUser(t.Context(), p.ID); !errors.Is(err, own.fails) {
		t.Errorf("the table failed: %v", err)
	}
	w.settled()
	if b.in(p, 2); w.count("users") != 1 || w.count("factors") != 1 {
		t.Error("a deletion that the table refused deleted something")
	}
	own.fails = nil
	w.Must(auth.DeleteUser(t.Context(), p.ID))
	w.gone(p, b)
	if err := auth.DeleteUser(t.Context(), p.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a second deletion: %v", err)
	}
	// The same address gets another account without any data of the first one.
	q := w.person("alice")
	if q.ID == p.ID {
		t.Fatal("an ID was given twice")
	}
	fresh := w.browser()
	fresh.login(q).Want(200)
	fresh.in(q, 1)
}

// TestR391_ARowThatIsGoneAlready checks that a missing row does not prevent the other deletions.
func TestR391_ARowThatIsGoneAlready(t *testing.T) {
	own := &deleting{ownTable: newOwnTable()}
	w := newWorld(t, over(own))
	p := w.withApp("alice")
	b := w.full(p)
	delete(own.rows, p.ID)
	w.Advance(2 * time.Second)
	b.out("the row is gone")
	w.Must(w.Nodes[0].Auth.DeleteUser(t.Context(), p.ID))
	w.gone(p, b)
}

// TestR391_ATableThatIsNotTold checks that a table without Delete keeps its row, which no longer
// opens anything.
func TestR391_ATableThatIsNotTold(t *testing.T) {
	own := newOwnTable()
	w := newWorld(t, over(own))
	p := w.withApp("alice")
	b := w.full(p)
	w.Must(w.Nodes[0].Auth.DeleteUser(t.Context(), p.ID))
	w.gone(p, b)
	if len(own.rows) != 1 {
		t.Error("the row of the application is gone")
	}
}

// TestR391_AnOwnersDeletionReachesTheTable checks that the row is deleted when the deletion is due,
// and not earlier or after a cancellation. A deletion that is canceled after the table lost the row
// still deletes the rest.
func TestR391_AnOwnersDeletionReachesTheTable(t *testing.T) {
	own := &deleting{ownTable: newOwnTable()}
	w := newWorld(t, leavable, over(own))
	p := w.withApp("alice")
	w.full(p).Post("/tf-delete", m{}).Want(200)
	w.full(p).in(p, 2) // stops it
	w.later(week + time.Minute)
	b := w.full(p)
	if slices.Contains(own.asked, p.ID) {
		t.Fatal("a deletion that was stopped reached the table")
	}
	b.Post("/tf-delete", m{}).Want(200)
	own.meanwhile = func() { w.write(`DELETE FROM twofold_deletions WHERE user_id = ?`, p.ID) }
	w.later(week + time.Minute)
	w.wait("the due deletion", func() bool { return w.count("users") == 0 })
	after := w.browser()
	after.Jar = b.Jar
	w.gone(p, after)
}

// TestR392_ATableThatTakesRoles checks that roles are written to the table only, that earlier roles
// in the store are removed, and that guards apply a removed role within a second.
func TestR392_ATableThatTakesRoles(t *testing.T) {
	own := newOwnTable()
	w := newWorld(t, over(own))
	p, ctx := w.person("alice"), t.Context()
	w.Must(w.Nodes[0].Auth.SetRoles(ctx, p.ID, "old", "kept")) // in the store: the table takes none yet
	auth := w.Restart(over(giving{own})).Auth
	w.Must(auth.SetRoles(ctx, p.ID, "staff", "kept"))
	if got := own.rows[p.ID].Roles; !slices.Equal(got, []string{"staff", "kept"}) {
		t.Errorf("the table has %v", got)
	}
	b := w.browser()
	b.login(p).Want(200)
	status := func(role string) int {
		page := auth.RequireRole(role)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest("GET", w.Nodes[0].Origin+"/page", nil)
		r.Header.Set("Accept", testkit.TypeJSON)
		for name, value := range b.Jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, r)
		return rec.Code
	}
	for role, want := range map[string]int{"staff": 200, "kept": 200, "old": 403} {
		if got := status(role); got != want {
			t.Errorf("%s: %d, want %d", role, got, want)
		}
	}
	w.Must(own.change(p.ID, func(u *store.ExternalUser) { u.Roles = []string{"boss"} }))
	w.Advance(time.Second + time.Millisecond)
	for role, want := range map[string]int{"staff": 403, "kept": 403, "boss": 200} {
		if got := status(role); got != want {
			t.Errorf("%s after a change in the table: %d, want %d", role, got, want)
		}
	}
	w.Must(auth.SetRoles(ctx, p.ID))
	if got := own.rows[p.ID].Roles; len(got) != 0 || status("boss") != 403 {
		t.Errorf("roles that were taken away: %v", got)
	}
	if err := auth.SetRoles(ctx, p.ID, "two words"); !errors.Is(err, twofold.ErrRoleName) {
		t.Errorf("an odd role: %v", err)
	}
	if err := auth.SetRoles(ctx, "none", "staff"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such user: %v", err)
	}
}

// TestR393_NoSessionIsNamed checks that an empty ID is an error and ends no session.
func TestR393_NoSessionIsNamed(t *testing.T) {
	w := newWorld(t)
	p, auth := w.person("alice"), w.Nodes[0].Auth
	b := w.browser()
	b.login(p).Want(200)
	before := w.rows("users", "sessions", "events")
	if ended, err := auth.EndSession(t.Context(), p.ID, ""); ended || err == nil {
		t.Errorf("%v %v", ended, err)
	}
	if ended, err := auth.EndSession(t.Context(), p.ID, "unknown"); ended || err != nil {
		t.Errorf("an unknown one: %v %v", ended, err)
	}
	if b.in(p, 1); w.rows("users", "sessions", "events") != before {
		t.Error("a call that named no session changed something")
	}
}
