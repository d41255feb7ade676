package security_test

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/internal/transfer"
	djangosite "github.com/twofold-auth/twofold/internal/transfer/django"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/flask"
	"github.com/twofold-auth/twofold/internal/transfer/keycloak"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

// oldSite is what a script in scripts/transfer recorded about the site that it created.
type oldSite struct {
	Salt    string            // of Flask-Security, as are the next two
	Secrets map[string]string // of apps
	Keys    []string          // of recovery codes
	People  []oldPerson
}

// oldPerson is an account of the old site with the credentials of its owner.
type oldPerson struct {
	ID        int
	Email     string
	Kind      string
	Password  *string
	Refused   *string
	App       string
	FirstApp  string `json:"first app"`
	Digits    int    // of App, as are the next two; 6, 30 and SHA1 if missing
	Period    int64
	Algorithm string
	Codes     []string
	Passkey   *softkey.Key
	First     bool // Passkey begins a sign-in
}

func readSite(t *testing.T, file string) (s oldSite) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// siteOf returns the folder that an environment variable names. A script created a site in it.
func siteOf(t *testing.T, variable, script string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		t.Skipf("%s is not set: scripts/transfer/%s DIR 1000 makes such a site", variable, script)
	}
	return dir
}

// TestR347_PeopleOfAFlaskSecuritySiteSignInWithWhatTheyHad imports each kind of account from a
// database that Flask-Security 5.1.2 wrote. The owner signs in with the old password, app, recovery
// code and passkey, and fails to sign in with less.
func TestR347_PeopleOfAFlaskSecuritySiteSignInWithWhatTheyHad(t *testing.T) {
	for _, version := range []string{"v1", "v2", "v3"} {
		t.Run(version, func(t *testing.T) {
			s := readSite(t, arrivals+"flask/testdata/"+version+".json")
			comesFromFlask(t, s, transfertest.SQLite(t, arrivals+"flask/testdata/"+version+".sql"))
		})
	}
}

// TestR347_AThousandPeopleOfAFlaskSecuritySite runs the same test with a database that
// scripts/transfer/flask created in the folder TWOFOLD_FLASK_SITE.
func TestR347_AThousandPeopleOfAFlaskSecuritySite(t *testing.T) {
	dir := siteOf(t, "TWOFOLD_FLASK_SITE", "flask")
	comesFromFlask(t, readSite(t, filepath.Join(dir, "people.json")), "sqlite:///"+filepath.Join(dir, "site.db"))
}

func comesFromFlask(t *testing.T, s oldSite, address string) {
	t.Helper()
	w := newWorld(t, open, unified, func(c *twofold.Config) { c.Password.Salt = s.Salt })
	w.comes(s, func() transfer.Source {
		return flask.New(flask.Options{Address: address, TOTPSecrets: s.Secrets, RecoveryKeys: s.Keys, Now: w.Now})
	})
}

// TestR373_AThousandPeopleOfADjangoSite runs the same test with a site of Django, django-otp and
// allauth that scripts/transfer/django created in the folder TWOFOLD_DJANGO_SITE.
func TestR373_AThousandPeopleOfADjangoSite(t *testing.T) {
	dir := siteOf(t, "TWOFOLD_DJANGO_SITE", "django")
	newWorld(t, open).comes(readSite(t, filepath.Join(dir, "people.json")), func() transfer.Source {
		return djangosite.New(djangosite.Options{Address: "sqlite:///" + filepath.Join(dir, "site.db")})
	})
}

// TestR373_AThousandPeopleOfAKeycloakRealm runs the same test with an export that
// scripts/transfer/keycloak created in the folder TWOFOLD_KEYCLOAK_REALM.
func TestR373_AThousandPeopleOfAKeycloakRealm(t *testing.T) {
	dir := siteOf(t, "TWOFOLD_KEYCLOAK_REALM", "keycloak")
	newWorld(t, open).comes(readSite(t, filepath.Join(dir, "people.json")), func() transfer.Source {
		return keycloak.New(keycloak.Options{Path: filepath.Join(dir, "site-realm.json")})
	})
}

// comes imports the accounts of a site and signs in to each of them.
func (w *world) comes(s oldSite, source func() transfer.Source) {
	w.T.Helper()
	move, err := w.Nodes[0].Auth.Transfers(sealed.NewScratch)
	w.Must(err)
	refused := 0
	for _, p := range s.People {
		if p.Refused != nil {
			refused++
		}
	}
	o := engine.Options{RPID: "127.0.0.1", SkipBad: true}
	start := time.Now()
	report, err := move.Import(w.T.Context(), source(), o)
	if err != nil || report.Refused != refused || report.New != len(s.People)-refused || report.OtherID != 0 {
		w.T.Fatalf("%+v %v", report, err)
	}
	w.T.Logf("%d accounts in %v", report.New, time.Since(start).Round(time.Millisecond))
	if again, err := move.Import(w.T.Context(), source(), o); err != nil || again.Unchanged != report.New {
		w.T.Fatalf("a second time: %+v %v", again, err)
	}
	start = time.Now()
	// Most of the time is spent on hashing passwords, one per processor at a time.
	for part := range slices.Chunk(s.People, runtime.GOMAXPROCS(0)) {
		w.Advance(2 * time.Minute)
		testkit.Par(len(part), func(i int) {
			switch p := part[i]; {
			case p.Refused != nil:
				w.signsIn(p.Email, *p.Password).Refused("one that was refused")
			case p.Kind == "off":
				w.signsIn(p.Email, *p.Password).Refused("an account that is off")
			case p.Password != nil:
				w.signsInAsBefore(p)
			}
		})
	}
	w.T.Logf("all of them signed in within %v", time.Since(start).Round(time.Millisecond))
}

// signsInAsBefore signs a person in with all their credentials, and checks that fewer are not
// enough.
func (w *world) signsInAsBefore(p oldPerson) {
	w.T.Helper()
	first := p.First || p.Kind == "passkey first"
	begin := func() *browser {
		b := w.browser()
		b.Post("/login", m{"email": p.Email, "password": *p.Password}).Want(200)
		return b
	}
	w.browser().Post("/login", m{"email": p.Email, "password": "x" + *p.Password}).Refused("a wrong password")
	b := begin()
	if p.App != "" {
		b.out("before the app's code")
		if p.Passkey != nil && !first { // there is a choice
			b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
		}
		b.validate(w.codeOf(p)).Want(200)
		b.isIn(p.Email, 2)
	}
	for i, code := range p.Codes {
		b := begin()
		if i == 1 { // one guess is enough, and more would be too many of them
			b.recover(p.Codes[0]).Refused("a code a second time")
		}
		b.recover(code).Want(200)
		b.isIn(p.Email, 2)
	}
	if k := p.Passkey; k != nil {
		k.Origin, k.RPID = w.Nodes[0].Origin, "127.0.0.1"
		b := w.browser()
		if !first {
			b = begin()
			b.out("before the passkey")
			if p.App != "" {
				b.Post("/tf-select", m{"which": "webauthn"}).Want(200)
			}
		}
		b.signInBy(k).Want(200)
		b.isIn(p.Email, 2)
		return
	}
	if p.FirstApp != "" {
		b := w.browser()
		b.Post("/us-signin", m{"identity": p.Email, "passcode": w.codeOf(oldPerson{App: p.FirstApp})}).Want(200)
		b.isIn(p.Email, 1)
	}
	switch p.Kind {
	case "sms":
		b.out("before the code by SMS")
		b.validate(w.SMS.Code(w.T, fmt.Sprintf("+4915112%06d", p.ID))).Want(200)
		b.isIn(p.Email, 2)
	case "email":
		b.out("before the code by mail")
		b.validate(w.Mail.Code(w.T, p.Email)).Want(200)
		b.isIn(p.Email, 2)
	default:
		if p.App == "" {
			b.isIn(p.Email, 1)
		}
	}
}

// codeOf returns the current code of a person's app.
func (w *world) codeOf(p oldPerson) string {
	w.T.Helper()
	digests := map[string]func() hash.Hash{"": sha1.New, "SHA1": sha1.New, "SHA256": sha256.New}
	digits, period := cmp.Or(p.Digits, 6), cmp.Or(p.Period, 30)
	secret, err := transfer.DecodeBase32(p.App)
	w.Must(err)
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, shows(digests[p.Algorithm], secret, w.Now().Unix()/period, modulus))
}
