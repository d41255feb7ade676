package web

import (
	"context"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/invite"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/session"
	"github.com/twofold-auth/twofold/store/sqlite"
	"github.com/twofold-auth/twofold/test/openapitest"
)

// everything is the table of sites with all features. Only one feature of several can be at the
// path of the sign-in page, so there is a site for each; the fields of that path are those of all
// sites.
func everything(t *testing.T) []route {
	t.Helper()
	var rows []route
	at := map[string]int{}
	changes := []func(*Config){
		func(*Config) {},
		func(c *Config) { c.UnifiedLogin = false },
		func(c *Config) { c.UnifiedLogin, c.Life.ByLink = false, false },
	}
	for _, provider := range []string{captcha.Turnstile, captcha.HCaptcha, captcha.ReCAPTCHA} {
		for _, change := range changes[:3] {
			changes = append(changes, func(c *Config) {
				change(c)
				c.Captcha = captchaOf(t, captcha.Config{Provider: provider, SiteKey: "a", Secret: "b"})
			})
		}
	}
	for _, change := range changes[:3] {
		changes = append(changes, func(c *Config) {
			change(c)
			c.Captcha = captchaOf(t, captcha.Config{
				Provider: captcha.Altcha, Cost: 1000, Keys: [][]byte{{1}},
				Once: func(context.Context, string, time.Duration) (bool, error) { return true, nil },
			})
		})
	}
	for _, change := range changes {
		for _, r := range siteTable(t, change) {
			name := r.method + " " + r.path
			if i, ok := at[name]; ok {
				take := maps.Clone(rows[i].take)
				if take == nil {
					take = fields{}
				}
				maps.Copy(take, r.take)
				rows[i].take = take
				continue
			}
			at[name] = len(rows)
			rows = append(rows, r)
		}
	}
	return rows
}

func captchaOf(t *testing.T, c captcha.Config) *captcha.Checker {
	t.Helper()
	k, err := captcha.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func siteTable(t *testing.T, change func(*Config)) []route {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := oidc.GitHub("id", "secret")
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{}
	s.features = featuresOf(s)
	s.c.Login, err = auth.New(auth.Config{
		Accounts: &account.Accounts{}, Sessions: &session.Manager{}, Devices: &device.Manager{},
		Limits:  &limit.Limiter{},
		Factors: db, Pendings: db, Drafts: db, Challenges: db, Recoveries: db, Steps: db, Marks: db, UsedLinks: db,
		Tokens: db, Connections: db, Keys: keys, Now: time.Now,
		Trail: event.NewTrail(db, keys, time.Now), Providers: []federated.Provider{provider},
		RecoveryCodes: struct{ auth.Codes }{},
		Policy: auth.Policy{
			Unified: auth.Unified{Methods: []string{auth.ByPassword}}, SignUp: []string{"github"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	switchOn(reflect.ValueOf(&s.c).Elem())
	s.c.Life.Fields = profile.List{{Name: "name"}}.Filled()
	s.c.Tokens.Scopes, s.c.Invitations = []string{"read"}, &invite.Invitations{}
	change(&s.c)
	s.c.Origin = &url.URL{Scheme: "https", Host: "example.org"}
	if err := s.nameViews(); err != nil {
		t.Fatal(err)
	}
	s.home = "https://example.org"
	return append(s.table(), (&Gate{s: s, paths: gatePathsOf(s)}).rows()...)
}

// switchOn sets every switch and duration of a configuration.
func switchOn(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Type() == reflect.TypeFor[time.Duration]():
			f.SetInt(int64(time.Hour))
		case f.Kind() == reflect.Struct:
			switchOn(f)
		}
	}
}

// TestOpenAPIIsTheTableOfPaths checks that docs/openapi.yaml has exactly the paths, methods, fields
// and callers of the table.
func TestOpenAPIIsTheTableOfPaths(t *testing.T) {
	d := openapitest.Open(t)
	told := map[string]openapitest.Operation{}
	for _, op := range d.Operations() {
		told[op.Method+" "+op.Path] = op
	}
	rows := everything(t)
	if len(rows) < 30 {
		t.Fatalf("only %d rows: this test looks in the wrong place", len(rows))
	}
	for _, r := range rows {
		name := r.method + " " + r.path
		op, ok := told[name]
		if !ok {
			t.Errorf("docs/openapi.yaml lacks %s (fields %v): describe it there", name,
				slices.Sorted(maps.Keys(r.take)))
			continue
		}
		delete(told, name)
		if op.Access != r.access.String() {
			t.Errorf("%s: the document has x-access %q, the table %q", name, op.Access, r.access)
		}
		took := fields{}
		for _, f := range op.Fields {
			k := map[string]kind{"boolean": flag, "array": list, "string|integer": digits}[f.Type]
			if openapitest.Common(f.Name) {
				continue
			}
			if took[f.Name] = k; r.take[f.Name] == long && k == text {
				took[f.Name] = long
			}
		}
		if !maps.Equal(took, r.take) {
			t.Errorf("%s: the document has the fields %v, the table %v", name, took, r.take)
		}
	}
	for name := range told {
		t.Errorf("docs/openapi.yaml has %s, the table has not", name)
	}
}
