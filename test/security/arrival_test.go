package security_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	apptotp "github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/betterauth"
	"github.com/twofold-auth/twofold/internal/transfer/columns"
	djangosite "github.com/twofold-auth/twofold/internal/transfer/django"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/keycloak"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
	"github.com/twofold-auth/twofold/password"
)

const (
	arrivals    = "../../internal/transfer/"
	oldPassword = "old password 1"
)

// importer returns the import engine for the database of the first node.
func (w *world) importer() *engine.Engine {
	w.T.Helper()
	n := w.Nodes[0]
	keys, err := seal.NewKeys(firstKey)
	w.Must(err)
	ring, err := seal.NewRingOf(firstKey)
	w.Must(err)
	hasher, err := password.New(password.Config{})
	w.Must(err)
	apps, err := apptotp.New(apptotp.Config{Factors: n.Store, Ring: ring, Issuer: "good", Now: w.Now})
	w.Must(err)
	passkeys, err := passkey.New(passkey.Config{Factors: n.Store, Ring: ring, Origin: n.Origin, Now: w.Now})
	w.Must(err)
	codes, err := recovery.New(recovery.Config{Number: 10, Codes: n.Store, Keys: keys, Ring: ring, Now: w.Now})
	w.Must(err)
	e, err := engine.New(engine.Config{
		Store: n.Store, Keys: keys, Hasher: hasher, Apps: apps, Passkeys: passkeys, Codes: codes, SMS: true,
		Mail: true, Now: w.Now, Scratch: sealed.NewScratch,
	})
	w.Must(err)
	return e
}

// moveIn imports the accounts of another system. It expects the accounts in refused to be rejected.
func (w *world) moveIn(src transfer.Source, refused int) {
	w.T.Helper()
	w.moveInFrom(func() transfer.Source { return src }, refused)
}

// moveInFrom is like moveIn, with a new source for each read.
func (w *world) moveInFrom(src func() transfer.Source, refused int) {
	w.T.Helper()
	e := w.importer()
	report, err := e.Import(w.T.Context(), src(), engine.Options{RPID: "127.0.0.1", SkipBad: true})
	if err != nil || report.Refused != refused || report.New == 0 {
		w.T.Fatalf("%d are new and %d refused, not %d: %v %+v", report.New, report.Refused, refused, err,
			report.Problems)
	}
	again, err := e.Import(w.T.Context(), src(), engine.Options{RPID: "127.0.0.1", SkipBad: true})
	if err != nil || again.New != 0 || again.Unchanged != report.New {
		w.T.Fatalf("the second import makes %d and leaves %d: %v", again.New, again.Unchanged, err)
	}
}

// breaksOff checks that an import fails and leaves no account behind.
func (w *world) breaksOff(name string, src transfer.Source) {
	w.T.Helper()
	if _, err := w.importer().Import(w.T.Context(), src, engine.Options{SkipBad: true}); err == nil {
		w.T.Errorf("%s: imported", name)
	}
	w.Must(w.Nodes[0].Store.EachAccount(w.T.Context(), "", func(a storage.Whole) error {
		w.T.Errorf("%s: account %s is there", name, a.User.Email)
		return nil
	}))
}

// begins signs in with the password from the other system.
func (w *world) begins(email string) *browser {
	w.T.Helper()
	b := w.browser()
	b.Post("/login", m{"email": email, "password": "not " + oldPassword}).Refused("a wrong password")
	b.Post("/login", m{"email": email, "password": oldPassword}).Want(200)
	return b
}

// isIn checks that the account is signed in at a level.
func (b *browser) isIn(email string, level int) {
	b.w.T.Helper()
	user, two := b.sees()
	if want := fmt.Sprintf("%s level %d ", email, level); !strings.HasPrefix(user, want) ||
		(two != "") != (level == 2) {
		b.w.T.Errorf("signed in as (%q, %q), not %s", user, two, want)
	}
}

// shows returns the code of an app with other parameters.
func shows(digest func() hash.Hash, key []byte, step int64, modulus uint32) uint32 {
	mac := hmac.New(digest, key)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	part := sum[sum[len(sum)-1]&15:]
	return (binary.BigEndian.Uint32(part) & 0x7fffffff) % modulus
}

// kept is a passkey that was created at another system and is used at this site.
func (w *world) kept(file string) *softkey.Key {
	w.T.Helper()
	var k softkey.Key
	w.reads(file, &k)
	k.Origin, k.RPID = w.Nodes[0].Origin, "127.0.0.1"
	return &k
}

func (w *world) reads(file string, to any) {
	w.T.Helper()
	raw, err := os.ReadFile(arrivals + file)
	w.Must(err)
	w.Must(json.Unmarshal(raw, to))
}

func TestR373_PeopleOfADjangoSiteSignInWithWhatTheyHad(t *testing.T) {
	w := newWorld(t)
	w.moveIn(djangosite.New(djangosite.Options{Address: transfertest.SQLite(t,
		arrivals+"django/testdata/django.sql")}), 2)
	for _, name := range []string{"plain", "sha1", "argon", "bcrypt", "md5"} {
		w.begins(name+"@example.org").isIn(name+"@example.org", 1)
	}
	w.browser().Post("/login", m{"email": "nopassword@example.org", "password": oldPassword}).Refused("no password")
	w.browser().Post("/login", m{"email": "off@example.org",
		"password": oldPassword}).Refused("an account that is off")
	step := w.Now().Unix() / 30
	const app = "app@example.org"
	b := w.begins(app)
	b.out("before the second factor")
	b.validate(fmt.Sprintf("%08d", shows(sha1.New, []byte("01234567890123456789"), step, 1e8))).Want(200)
	b.isIn(app, 2)
	b = w.begins(app)
	b.recover("abcd2345").Want(200)
	b.isIn(app, 2)
	w.begins(app).recover("abcd2345").Refused("a code a second time")

	const allauth = "allauth@example.org"
	b = w.begins(allauth)
	b.validate(totp20(step)).Want(200)
	b.isIn(allauth, 2)
	var codes []string
	w.reads("django/testdata/codes.json", &codes)
	w.begins(allauth).recover(codes[0]).Refused("a code that was used at the old site")
	b = w.begins(allauth)
	b.recover(codes[1]).Want(200)
	b.isIn(allauth, 2)

	const holder = "passkey@example.org"
	b = w.begins(holder)
	b.out("before the passkey")
	b.signInBy(w.kept("django/testdata/passkey.json")).Want(200)
	b.isIn(holder, 2)
}

// totp20 returns the code of an app with the key of RFC 6238.
func totp20(step int64) string {
	return fmt.Sprintf("%06d", shows(sha1.New, []byte("12345678901234567890"), step, 1e6))
}

func TestR373_PeopleOfAKeycloakRealmSignInWithWhatTheyHad(t *testing.T) {
	w := newWorld(t)
	w.moveIn(keycloak.New(keycloak.Options{Path: arrivals + "keycloak/testdata/site-realm.json"}), 2)
	for _, name := range []string{"argon", "sha512", "sha256", "sha1"} {
		w.begins(name+"@example.org").isIn(name+"@example.org", 1)
	}
	w.browser().Post("/login", m{"email": "temporary@example.org",
		"password": oldPassword}).Refused("a temporary password")
	step := w.Now().Unix() / 30
	var know struct {
		App   string
		Codes []string
	}
	w.reads("keycloak/testdata/known.json", &know)
	const app = "app@example.org"
	b := w.begins(app)
	b.out("before the second factor")
	b.validate(fmt.Sprintf("%06d", shows(sha1.New, []byte(know.App), step, 1e6))).Want(200)
	b.isIn(app, 2)
	b = w.begins(app)
	b.recover(know.Codes[2]).Want(200) // in any order here
	b.isIn(app, 2)
	w.begins(app).recover(know.Codes[2]).Refused("a code a second time")
	b = w.begins("base32@example.org")
	b.validate(fmt.Sprintf("%08d", shows(sha256.New, []byte("12345678901234567890"), step/2, 1e8))).Want(200)
	b.isIn("base32@example.org", 2)

	const holder = "passkey@example.org"
	b = w.begins(holder)
	b.out("before the passkey")
	b.signInBy(w.kept("keycloak/testdata/second.json")).Want(200)
	b.isIn(holder, 2)
	b = w.browser()
	b.signInBy(w.kept("keycloak/testdata/first.json")).Want(200)
	b.isIn(holder, 2)
}

func TestR373_PeopleOfBetterAuthSignInWithWhatTheyHad(t *testing.T) {
	w := newWorld(t)
	var know struct {
		First, Second           string
		App, Encrypted, Rotated struct {
			Secret string
			Codes  []string
		}
	}
	w.reads("betterauth/testdata/known.json", &know)
	address := transfertest.SQLite(t, arrivals+"betterauth/testdata/better-auth.sql",
		"UPDATE user SET emailVerified = 1")
	w.moveIn(betterauth.New(betterauth.Options{
		Address: address, Secrets: betterauth.Secrets{Plain: know.First, Versions: map[int]string{2: know.Second}},
	}), 0)
	w.begins("plain@example.org").isIn("plain@example.org", 1)
	step := w.Now().Unix() / 30
	for name, p := range map[string]struct {
		Secret string
		Codes  []string
	}{"app": know.App, "encrypted": know.Encrypted, "rotated": know.Rotated} {
		email := name + "@example.org"
		b := w.begins(email)
		b.out("before the second factor")
		b.validate(fmt.Sprintf("%06d", shows(sha1.New, []byte(p.Secret), step, 1e6))).Want(200)
		b.isIn(email, 2)
		b = w.begins(email)
		b.recover(p.Codes[4]).Want(200)
		b.isIn(email, 2)
	}
	b := w.browser()
	b.signInBy(w.kept("betterauth/testdata/passkey.json")).Want(200)
	b.isIn("passkey@example.org", 2)
}

func TestR373_PeopleOfAuthbossSignInWithWhatTheyHad(t *testing.T) {
	w := newWorld(t)
	address := transfertest.SQLite(t, arrivals+"columns/testdata/authboss.sql")
	w.moveIn(columns.NewAuthboss(columns.Authboss{Address: address}), 0)
	w.begins("plain@example.org").isIn("plain@example.org", 1)
	const app = "app@example.org"
	b := w.begins(app)
	b.validate(totp20(w.Now().Unix() / 30)).Want(200)
	b.isIn(app, 2)
	b = w.begins(app)
	b.recover("k7k7k-k7k7k").Want(200)
	b.isIn(app, 2)
	w.begins(app).recover("k7k7k-k7k7k").Refused("a code a second time")
}

// A source that fails halfway changes nothing.
func TestR374_ASourceThatBreaksOffChangesNothing(t *testing.T) {
	w := newWorld(t)
	raw, err := os.ReadFile(arrivals + "keycloak/testdata/site-realm.json")
	w.Must(err)
	cut := t.TempDir() + "/realm.json"
	w.Must(os.WriteFile(cut, raw[:len(raw)*3/4], 0o600))
	for name, src := range map[string]transfer.Source{
		"keycloak": keycloak.New(keycloak.Options{Path: cut}),
		"csv":      columns.NewCSV(columns.CSV{Path: w.file("email\na@example.org\nb@example.org\n\"c")}),
		"django":   djangosite.New(djangosite.Options{Address: arrivals + "django/testdata/codes.json"}),
	} {
		if err := src.Read(context.Background(), func(transfer.Entry) error { return nil }); err == nil {
			t.Errorf("%s: read to the end", name)
		}
		w.breaksOff(name, src)
	}
}

func (w *world) file(text string) string {
	name := w.T.TempDir() + "/people.csv"
	w.Must(os.WriteFile(name, []byte(text), 0o600))
	return name
}
