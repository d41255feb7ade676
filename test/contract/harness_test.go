package contract_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store/sqlite"
)

const (
	plain   = "password"
	key     = testkit.Key
	helpBox = "help@lp.com"
	phone   = "+16505551212"
	denied  = "You currently do not have permissions to access this page"
)

// TestMain makes garbage collection rare, because hashing leaves much garbage.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// m is a JSON object.
type m = map[string]any

// site is a running sign-in with an application behind it.
type site struct {
	*testkit.Site
	*testkit.Node
}

// newSite starts a site configured like the original's tests: all features, and errors that name
// the wrong field.
func newSite(t *testing.T, change ...func(*twofold.Config)) *site {
	t.Helper()
	t.Parallel()
	return anotherSite(t, change...)
}

// anotherSite starts a second site for a test.
func anotherSite(t *testing.T, change ...func(*twofold.Config)) *site {
	t.Helper()
	db := testkit.DatabaseOf(t, "sqlite")
	raw, err := seeded()
	if err == nil {
		err = os.WriteFile(db.File, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.NewSite(t, db, append([]func(*twofold.Config){likeTheOriginal}, change...)...)
	s.Pages = pages
	return &site{s, s.Start(nil)}
}

// another returns the same site on another node.
func (s *site) another(change ...func(*twofold.Config)) *site {
	s.T.Helper()
	return &site{s.Site, s.Start(nil, change...)}
}

// likeTheOriginal is the configuration of the original's tests.
func likeTheOriginal(c *twofold.Config) {
	c.Pages.Site = "tests"
	c.TwoFactor.EnabledMethods = []string{storage.Email, storage.SMS, storage.Authenticator}
	c.TwoFactor.RescueEmail, c.TwoFactor.HelpAddress = true, helpBox
	c.Accounts.Usernames, c.Accounts.RevealAccounts = true, true
}

// pages adds four pages of an application.
func pages(mux *http.ServeMux, auth *twofold.Auth) {
	mux.Handle("GET /{$}", testkit.Me())
	mux.Handle("GET /profile", auth.RequireUser(testkit.Me()))
	mux.Handle("GET /both", auth.RequireTwoFactor(testkit.Me()))
	mux.Handle("GET /admin", auth.RequireRole("admin")(testkit.Me()))
}

// seeded is a database with the users of the original's tests, created once per process; each test
// has a copy. Usernames need at least four letters, so the users with shorter ones have none.
var seeded = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "twofold-contract-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "app.db")
	if err := seed(file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

func seed(file string) error {
	hasher, err := password.New(password.Config{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	hash, err := hasher.Hash(ctx, plain)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	auth, err := twofold.New(twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(testkit.Key), Store: db})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	for name, roles := range map[string]string{
		"matt": "admin", "joe": "editor", "dave": "admin editor", "jill": "author", "tiya": "", "gene": "simple",
		"jess": "",
		"gal":  "admin", "gal2": "admin", "gal3": "admin",
	} {
		u := twofold.NewUser{Email: name + "@lp.com", PasswordHash: hash, Roles: strings.Fields(roles),
			Inactive: name == "tiya"}
		if len(name) >= 4 {
			u.Username = name
		}
		if name == "jess" {
			u.PasswordHash = ""
		}
		_, made := auth.CreateUser(ctx, u)
		err = errors.Join(err, made)
	}
	return errors.Join(err, db.Close()) // closing moves everything into the one file
}

// id returns a user's id.
func (s *site) id(user string) string {
	s.T.Helper()
	u, err := s.Auth.FindUser(s.T.Context(), user+"@lp.com")
	if err != nil {
		s.T.Fatal(err)
	}
	return u.ID
}

// factors returns a user's stored second factors.
func (s *site) factors(user string) []storage.Factor {
	s.T.Helper()
	list, err := s.Store.FactorsOf(s.T.Context(), s.id(user))
	if err != nil {
		s.T.Fatal(err)
	}
	return list
}

// methods returns the methods of a user's second factors, the default one first.
func (s *site) methods(user string) string {
	s.T.Helper()
	var out []string
	for _, f := range s.factors(user) {
		out = append(out, f.Method)
	}
	return strings.Join(out, " ")
}

// app is an authenticator app.
type app struct {
	testkit.App
	s *site
}

func (s *site) app(b32 string) *app { s.T.Helper(); return &app{testkit.ReadApp(s.T, b32), s} }

// next waits for the next step, since each code is single-use, and returns its code.
func (a *app) next() string {
	a.s.Advance(testkit.Step)
	return a.Code(a.s.Now())
}
