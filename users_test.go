package twofold_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// members is an application's own table of users.
type members struct {
	mu   sync.Mutex
	rows []twofold.OwnUser
}

func (m *members) find(is func(twofold.OwnUser) bool) (twofold.OwnUser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.rows, is); i >= 0 {
		return m.rows[i], nil
	}
	return twofold.OwnUser{}, twofold.ErrNoUser
}

func (m *members) FindUser(_ context.Context, identity string) (twofold.OwnUser, error) {
	return m.find(func(u twofold.OwnUser) bool { return u.Email == identity })
}

func (m *members) UserByID(_ context.Context, id string) (twofold.OwnUser, error) {
	return m.find(func(u twofold.OwnUser) bool { return u.ID == id })
}

func (m *members) CreateUser(_ context.Context, u twofold.OwnUser) (string, error) {
	return "", errors.New("nobody registers here")
}

func (m *members) SetPasswordHash(_ context.Context, id, old, new string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, u := range m.rows {
		if u.ID == id && u.PasswordHash == old {
			m.rows[i].PasswordHash = new
			return true, nil
		}
	}
	return false, nil
}

// listed is a table that can be listed.
type listed struct{ *members }

func (m listed) ListUsers(_ context.Context, after string, limit int) ([]twofold.OwnUser, error) {
	rows := slices.SortedFunc(slices.Values(m.rows), func(a, b twofold.OwnUser) int { return cmp.Compare(a.ID, b.ID) })
	rows = slices.DeleteFunc(rows, func(u twofold.OwnUser) bool { return u.ID <= after })
	return rows[:min(limit, len(rows))], nil
}

func threeMembers() *members {
	return &members{rows: []twofold.OwnUser{
		{ID: "1", Email: "ann@example.org", Active: true, Roles: []string{"admin"}},
		{ID: "2", Email: "bob@example.org", Active: true},
		{ID: "3", Email: "cyd@example.org"},
	}}
}

// overTable is a sign-in on an application's own table.
func overTable(t *testing.T, users twofold.UserSource) *twofold.Auth {
	t.Helper()
	db, err := sqlite.Open(t.TempDir() + "/app.db")
	if err != nil {
		t.Fatal(err)
	}
	auth, err := twofold.New(twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(key), Store: db, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = auth.Close(), db.Close() })
	return auth
}

func TestSetRolesDoesNotPretendToTakeARoleOfTheOwnTable(t *testing.T) {
	t.Parallel()
	auth, ctx := overTable(t, threeMembers()), t.Context()
	rolesOf := func() []string {
		u, err := auth.FindUser(ctx, "ann@example.org")
		if err != nil {
			t.Fatal(err)
		}
		return u.Roles
	}
	for _, left := range [][]string{nil, {"editor"}} {
		if err := auth.SetRoles(ctx, "1", left...); !errors.Is(err, twofold.ErrOwnRole) {
			t.Errorf("roles %v: %v, want an error", left, err)
		}
		if got := rolesOf(); !slices.Equal(got, []string{"admin"}) {
			t.Errorf("roles %v: the roles are %v now", left, got)
		}
	}
	if err := auth.SetRoles(ctx, "1", "admin", "editor"); err != nil || !slices.Equal(rolesOf(), []string{"admin", "editor"}) {
		t.Errorf("%v, roles %v", err, rolesOf())
	}
	if err := auth.SetRoles(ctx, "1", "admin"); err != nil || !slices.Equal(rolesOf(), []string{"admin"}) {
		t.Errorf("%v, roles %v", err, rolesOf())
	}
}

func TestARoleThatTheOwnTableGivesUpIsGone(t *testing.T) {
	t.Parallel()
	table := threeMembers()
	auth, ctx := overTable(t, table), t.Context()
	if err := auth.SetRoles(ctx, "1", "admin", "editor"); err != nil {
		t.Fatal(err)
	}
	table.mu.Lock()
	table.rows[0].Roles = nil
	table.mu.Unlock()
	if u, err := auth.FindUser(ctx, "1"); err != nil || !slices.Equal(u.Roles, []string{"editor"}) {
		t.Errorf("%v %v: the role of the table outlives it", u.Roles, err)
	}
}

func TestListUsersListsTheWholeOwnTableOrSaysThatItCannot(t *testing.T) {
	t.Parallel()
	if _, err := overTable(t, threeMembers()).ListUsers(t.Context(), "", 10); !errors.Is(err, twofold.ErrNotListed) {
		t.Errorf("a table without ListUsers: %v", err)
	}
	auth := overTable(t, listed{threeMembers()})
	if err := auth.SetRoles(t.Context(), "2", "editor"); err != nil {
		t.Fatal(err)
	}
	var emails []string
	for after := ""; ; {
		users, err := auth.ListUsers(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			emails, after = append(emails, u.Email), u.ID
			if u.Active != (u.ID != "3") || u.ID == "2" && !slices.Equal(u.Roles, []string{"editor"}) {
				t.Errorf("listed %+v", u)
			}
		}
		if len(users) < 2 {
			break
		}
	}
	if !slices.Equal(emails, []string{"ann@example.org", "bob@example.org", "cyd@example.org"}) {
		t.Errorf("listed %v", emails)
	}
}

// Hashes that no scheme here can judge.
var strangeHashes = []string{
	"pbkdf2_sha256$600000$x$y", "!", "plain", "$argon2id$v=19$m=1", "$2b$12$short", "$6$salt$hash", "$argon2id$v=19$m=4000000000,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
}

func TestCreateUserRefusesAHashThatNothingWouldMatch(t *testing.T) {
	s := newSite(t)
	for _, hash := range strangeHashes {
		_, err := s.auth.CreateUser(t.Context(), twofold.NewUser{Email: "new@example.org", PasswordHash: hash})
		if !errors.Is(err, twofold.ErrPasswordHash) {
			t.Errorf("%s: %v, want ErrPasswordHash", hash, err)
		}
		if _, err := s.auth.FindUser(t.Context(), "new@example.org"); !errors.Is(err, twofold.ErrNoUser) {
			t.Errorf("%s: the account is there (%v)", hash, err)
		}
	}
}

func TestAnUnrecognizedHashIsAWrongPassword(t *testing.T) {
	table := threeMembers()
	s := newSite(t, func(c *twofold.Config) { c.Users, c.SpecificErrors = table, false })
	stranger := s.client().post("/login", m{"email": "nobody@example.org", "password": plain}).want(400)
	for _, hash := range strangeHashes {
		table.mu.Lock()
		table.rows[0].PasswordHash = hash
		table.mu.Unlock()
		if got := s.client().post("/login", m{"email": "ann@example.org", "password": plain}); got.status != 400 || got.json["errors"].([]any)[0] != stranger.json["errors"].([]any)[0] {
			t.Errorf("%s: %d %s", hash, got.status, got.body)
		}
	}
}
