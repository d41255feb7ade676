package contract_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/sqlite"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// members is an application's own user table.
type members struct {
	mu   sync.Mutex
	rows []store.ExternalUser
}

func (m *members) find(is func(store.ExternalUser) bool) (store.ExternalUser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.rows, is); i >= 0 {
		return m.rows[i], nil
	}
	return store.ExternalUser{}, store.ErrNotFound
}

func (m *members) FindUser(_ context.Context, identity string) (store.ExternalUser, error) {
	return m.find(func(u store.ExternalUser) bool { return u.Email == identity })
}

func (m *members) UserByID(_ context.Context, id string) (store.ExternalUser, error) {
	return m.find(func(u store.ExternalUser) bool { return u.ID == id })
}

func (m *members) CreateUser(_ context.Context, u store.ExternalUser) (string, error) {
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

// listed is a user table that can be listed.
type listed struct{ *members }

func (m listed) ListUsers(_ context.Context, after string, limit int) ([]store.ExternalUser, error) {
	rows := slices.SortedFunc(slices.Values(m.rows), func(a, b store.ExternalUser) int {
		return cmp.Compare(a.ID, b.ID)
	})
	rows = slices.DeleteFunc(rows, func(u store.ExternalUser) bool { return u.ID <= after })
	return rows[:min(limit, len(rows))], nil
}

func threeMembers() *members {
	return &members{rows: []store.ExternalUser{
		{ID: "1", Email: "ann@example.org", Active: true, Roles: []string{"admin"}},
		{ID: "2", Email: "bob@example.org", Active: true},
		{ID: "3", Email: "cyd@example.org"},
	}}
}

// overTable is a sign-in on an application's own table.
func overTable(t *testing.T, users store.UserSource) *twofold.Auth {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir()+"/app.db")
	if err != nil {
		t.Fatal(err)
	}
	auth, err := twofold.New(twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(key), Store: db,
		Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
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
	if err := auth.SetRoles(ctx, "1", "admin", "editor"); err != nil ||
		!slices.Equal(rolesOf(), []string{"admin", "editor"}) {
		t.Errorf("%v, roles %v", err, rolesOf())
	}
	if err := auth.SetRoles(ctx, "1", "admin"); err != nil || !slices.Equal(rolesOf(), []string{"admin"}) {
		t.Errorf("%v, roles %v", err, rolesOf())
	}
}

// oddRoles are names that look like several roles, or another one, in a list.
func oddRoles() []string {
	return []string{
		"team admin", "team,admin", "team\tadmin", "team\nadmin", "admin\x00", "admin\x1b[2K", "admin\u200b",
		"team\u00a0admin",
		"\u202enimda", "admin\xff", strings.Repeat("a", 101),
	}
}

// TestNoWayGivesARoleThatCreateRoleRefuses checks that neither the library nor the application's
// own table adds such a role. Roles that an account has from before are kept until they are
// removed.
func TestNoWayGivesARoleThatCreateRoleRefuses(t *testing.T) {
	t.Parallel()
	ctx, table := t.Context(), threeMembers()
	db, err := sqlite.Open(ctx, t.TempDir()+"/own.db")
	if err != nil {
		t.Fatal(err)
	}
	own, err := twofold.New(twofold.Config{
		Origin: "http://localhost", Key: twofold.KeyText(key), Store: db, Mail: &sendtest.Sink{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ann, err := own.CreateUser(ctx, twofold.NewUser{Email: "ann@example.org", Roles: []string{"Grüße-1:x", " staff "}})
	if err != nil || !slices.Equal(ann.Roles, []string{"Grüße-1:x", "staff"}) {
		t.Fatal(ann.Roles, err)
	}
	for _, odd := range oddRoles() {
		if err := own.Roles().Create(ctx, twofold.Role{Name: odd}); !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("CreateRole %q: %v", odd, err)
		}
		err := own.Roles().Create(ctx, twofold.Role{Name: "x", Permissions: []string{odd}})
		if !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("a permission %q: %v", odd, err)
		}
		if err := own.SetRoles(ctx, ann.ID, "staff", odd); !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("SetRoles %q: %v", odd, err)
		}
		_, err = own.CreateUser(ctx, twofold.NewUser{Email: "bob@example.org", Roles: []string{"staff", odd}})
		if !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("CreateUser %q: %v", odd, err)
		}
		_, err = own.Invitations().Send(ctx, twofold.NewUser{Email: "cyd@example.org", Roles: []string{odd}})
		if !errors.Is(err, twofold.ErrRoleName) {
			t.Errorf("Invite %q: %v", odd, err)
		}
		table.rows[0].Roles = append(table.rows[0].Roles, odd)
	}
	if u, err := own.FindUser(ctx, ann.ID); err != nil || !slices.Equal(u.Roles, ann.Roles) {
		t.Errorf("what was refused changed the roles: %q %v", u.Roles, err)
	}
	joined := overTable(t, table)
	if u, err := joined.FindUser(ctx, "1"); err != nil || !slices.Equal(u.Roles, []string{"admin"}) {
		t.Errorf("roles of the application's own table: %q %v", u.Roles, err)
	}
	if err := joined.SetRoles(ctx, "1", "admin", "editor"); err != nil {
		t.Errorf("a role beside odd ones of the table: %v", err)
	}
	if err := db.SetRoles(ctx, ann.ID, []string{"team admin", "staff"}, time.Now()); err != nil { // an older version's
		t.Fatal(err)
	}
	if err := own.SetRoles(ctx, ann.ID, "team admin", "staff", "editor"); err != nil {
		t.Errorf("a role beside an odd one of earlier: %v", err)
	}
	if err := own.SetRoles(ctx, ann.ID, "staff"); err != nil {
		t.Error(err)
	}
	if err := own.SetRoles(ctx, ann.ID, "team admin"); !errors.Is(err, twofold.ErrRoleName) {
		t.Errorf("an odd one that was taken away: %v", err)
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
	_, err := overTable(t, threeMembers()).Users(t.Context(), twofold.UserFilter{Limit: 10})
	if !errors.Is(err, twofold.ErrNotListed) {
		t.Errorf("a table without ListUsers: %v", err)
	}
	auth := overTable(t, listed{threeMembers()})
	if err := auth.SetRoles(t.Context(), "2", "editor"); err != nil {
		t.Fatal(err)
	}
	var emails []string
	for after := ""; ; {
		users, err := auth.Users(t.Context(), twofold.UserFilter{After: after, Limit: 2})
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

// Hashes with an unknown scheme.
var strangeHashes = []string{
	"pbkdf2_sha256$600000$x$y", "!", "plain", "$argon2id$v=19$m=1", "$2b$12$short", "$6$salt$hash",
	"$argon2id$v=19$m=4000000000,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
}

func TestCreateUserRefusesAHashThatNothingWouldMatch(t *testing.T) {
	s := newSite(t)
	for _, hash := range strangeHashes {
		_, err := s.Auth.CreateUser(t.Context(), twofold.NewUser{Email: "new@example.org", PasswordHash: hash})
		if !errors.Is(err, twofold.ErrPasswordHash) {
			t.Errorf("%s: %v, want ErrPasswordHash", hash, err)
		}
		if _, err := s.Auth.FindUser(t.Context(), "new@example.org"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: the account is there (%v)", hash, err)
		}
	}
}

func TestAnUnrecognizedHashIsAWrongPassword(t *testing.T) {
	table := threeMembers()
	s := newSite(t, func(c *twofold.Config) { c.Users, c.Accounts.RevealAccounts = table, false })
	stranger := s.client().post("/login", m{"email": "nobody@example.org", "password": plain}).want(400)
	for _, hash := range strangeHashes {
		table.mu.Lock()
		table.rows[0].PasswordHash = hash
		table.mu.Unlock()
		if got := s.client().post("/login", m{"email": "ann@example.org", "password": plain}); got.Status != 400 ||
			got.JSON["errors"].([]any)[0] != stranger.JSON["errors"].([]any)[0] {
			t.Errorf("%s: %d %s", hash, got.Status, got.Body)
		}
	}
}

// keeping is a user table that stores the profile fields.
type keeping struct{ *members }

func (k keeping) SetFields(_ context.Context, id string, fields map[string]any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, u := range k.rows {
		if u.ID == id {
			k.rows[i].Fields = fields
			return nil
		}
	}
	return store.ErrNotFound
}

func (k keeping) CreateUser(_ context.Context, u store.ExternalUser) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	u.ID = "new"
	k.rows = append(k.rows, u)
	return u.ID, nil
}

// TestATableMayKeepTheProfile checks that if the application's own table stores the profile fields,
// they are read from it and written to it, and that the application's changes there are visible.
// Otherwise the store keeps them.
func TestATableMayKeepTheProfile(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		own := &members{rows: []store.ExternalUser{
			{ID: "7", Email: "ann@example.org", Active: true, Fields: map[string]any{"name": "Ann"}},
		}}
		var users store.UserSource = own
		if keeps {
			users = keeping{own}
		}
		k := twofoldtest.New(t, twofold.Config{Users: users, Pages: twofold.Pages{AccountPage: true},
			Accounts: twofold.Accounts{Fields: []twofold.Field{{Name: "name"}}, Registerable: true}})
		k.Serve(http.NotFoundHandler())
		ann, err := k.Auth.FindUser(t.Context(), "ann@example.org")
		if err != nil || (ann.Fields["name"] == "Ann") != keeps {
			t.Errorf("keeps %v: found %v, %v", keeps, ann.Fields, err)
		}
		if !keeps {
			continue
		}
		b := k.NewBrowser()
		b.Post("/register", map[string]any{
			"email": "bea@example.org", "name": "Bea",
			"password": "a long enough secret", "password_confirm": "a long enough secret",
		})
		if made, _ := own.UserByID(t.Context(), "new"); made.Fields["name"] != "Bea" {
			t.Errorf("the table was given %v", made.Fields)
		}
		if a := b.Post("/tf-profile", map[string]any{"name": "Beatrix"}); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if made, _ := own.UserByID(t.Context(), "new"); made.Fields["name"] != "Beatrix" {
			t.Errorf("the table has %v after a change", made.Fields)
		}
	}
}

// TestUsersAreSearchedAndPaged over a site of its own.
func TestUsersAreSearchedAndPaged(t *testing.T) {
	t.Parallel()
	auth := overTable(t, listed{threeMembers()})
	find := func(f twofold.UserFilter) (emails []string) {
		users, err := auth.Users(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			emails = append(emails, u.Email)
		}
		return emails
	}
	if err := auth.SetRoles(t.Context(), "2", "editor"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f    twofold.UserFilter
		want []string
	}{
		{twofold.UserFilter{Search: " BOB@"}, []string{"bob@example.org"}},
		{twofold.UserFilter{Search: "example", Limit: 2}, []string{"ann@example.org", "bob@example.org"}},
		{twofold.UserFilter{Search: "example", Limit: 2, After: "2"}, []string{"cyd@example.org"}},
		{twofold.UserFilter{Role: "editor"}, []string{"bob@example.org"}},
		{twofold.UserFilter{Role: "edit"}, nil},
		{twofold.UserFilter{Search: "nobody"}, nil},
	} {
		if got := find(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
}
