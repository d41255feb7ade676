package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/test/openapitest"
)

const (
	oneKey     = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"
	anotherKey = "gP4mXhG2u4h1lQ0b5oX8n7nQxw7k0Jr3Jm0Kp3g8o2E"
	origin     = "https://login.example.org"
)

// site is a Twofold with its own store and keys.
type site struct {
	*engine.Engine
	*testkit.Clock
	t        testing.TB
	db       storage.Store
	hasher   *password.Hasher
	apps     *totp.Method
	passkeys *passkey.Method
	codes    *recovery.Codes
}

func newSite(t testing.TB, db storage.Store, key string, change ...func(*engine.Config)) *site {
	t.Helper()
	s := &site{t: t, db: db, Clock: testkit.NewClock()}
	keys, err := seal.NewKeys(key)
	s.must(err)
	ring, err := seal.NewRingOf(key)
	s.must(err)
	s.hasher, err = password.New(password.Config{Salt: "salt of the old site"})
	s.must(err)
	s.apps, err = totp.New(totp.Config{Factors: db, Ring: ring, Issuer: "site", Now: s.Now})
	s.must(err)
	s.passkeys, err = passkey.New(passkey.Config{Factors: db, Ring: ring, Origin: origin, Now: s.Now})
	s.must(err)
	s.codes, err = recovery.New(recovery.Config{Number: 10, Codes: db, Keys: keys, Ring: ring, Now: s.Now})
	s.must(err)
	c := engine.Config{Store: db, Keys: keys, Hasher: s.hasher, Apps: s.apps, Passkeys: s.passkeys, Codes: s.codes,
		Scratch: sealed.NewScratch,
		Region:  "DE", Possible: true, SMS: true, Mail: true, Now: s.Now}
	for _, f := range change {
		f(&c)
	}
	s.Engine, err = engine.New(c)
	s.must(err)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func file(t testing.TB) storage.Store { t.Helper(); return testkit.DatabaseOf(t, "sqlite").Store() }

// engines calls f for each store between which accounts are moved.
func engines(t *testing.T, f func(t *testing.T, open func(testing.TB) storage.Store)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			f(t, func(t testing.TB) storage.Store { return testkit.DatabaseOf(t, engine).Store() })
		})
	}
}

// from returns a source that reads text.
func from(text string) transfer.Source { return transfer.NewFile(strings.NewReader(text)) }

func (s *site) importText(text string, o engine.Options) (*engine.Report, error) {
	return s.Import(context.Background(), from(text), o)
}

func (s *site) export(secrets bool) string {
	s.t.Helper()
	var b bytes.Buffer
	_, err := s.Export(context.Background(), &b, engine.ExportOptions{Secrets: secrets})
	s.must(err)
	return b.String()
}

// user returns the account with an address.
func (s *site) user(email string) storage.User {
	s.t.Helper()
	u, err := s.db.UserByIdentity(context.Background(), email)
	s.must(err)
	return u
}

// person is an account of another system, with its owner's secrets.
type person struct {
	transfer.Account
	password string
	app      totp.Parameters
	code     string
	key      *softkey.Key
}

// persons returns n people with one factor of each kind.
func persons(t testing.TB, n int) []person {
	t.Helper()
	out := make([]person, n)
	hash, err := func() (string, error) {
		h, err := password.New(password.Config{})
		if err != nil {
			return "", err
		}
		return h.Hash(context.Background(), "correct horse battery")
	}()
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		p := &out[i]
		p.password, p.code = "correct horse battery", fmt.Sprintf("a1b2-c3d4-%04d", i)
		p.app = totp.Parameters{Secret: fmt.Appendf(nil, "secret of person %04d", i), Digits: 6 + i%3,
			Period: 30 + 30*(i%2), Algorithm: totp.Algorithm(i % 3)}
		at := time.Date(2020, 1, 1, 0, 0, i, 0, time.UTC)
		p.Account = transfer.Account{
			ID: fmt.Sprint(i + 1), Active: true, Created: at, Username: fmt.Sprintf("person%d", i),
			Roles:     []string{"reader"},
			Addresses: []transfer.Address{{Address: fmt.Sprintf("p%d@example.org", i), Proven: true, ProvenAt: at}},
			Password:  &transfer.Password{Value: hash},
			Authenticators: []transfer.Authenticator{{Secret: p.app.Secret, Digits: p.app.Digits, Period: p.app.Period,
				Algorithm: []string{"SHA1", "SHA256", "SHA512"}[i%3], LastStep: 5, Name: "my phone", Primary: true,
				Created: at}},
			Phones:        []transfer.Phone{{Number: fmt.Sprintf("+49151%08d", i), Created: at}},
			Mailboxes:     []transfer.Mailbox{{Created: at, Use: transfer.UseFirst}},
			RecoveryCodes: []transfer.RecoveryCode{{Plain: p.code, Created: at}, {Plain: p.code + "0", Created: at}},
			Connections: []transfer.Connection{{Provider: "g", Issuer: "https://g.test", Subject: fmt.Sprint(i),
				Created: at}},
			SignIns: &transfer.SignIns{Count: 3, CurrentAt: at, LastAt: at, CurrentAddress: "192.0.2.1"},
		}
		if i < 20 { // making keys is slow
			p.makeKey(t)
		}
	}
	return out
}

func (p *person) makeKey(t testing.TB) {
	t.Helper()
	k, err := softkey.New(origin, softkey.ES256)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRingOf(oneKey)
	if err != nil {
		t.Fatal(err)
	}
	m, err := passkey.New(passkey.Config{Ring: ring, Origin: origin, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	start, err := m.BeginCreate(factor.NewPasskey{User: storage.User{ID: "x", Email: "x@x.t"}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := k.Create(start.Options)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.FinishCreate(start.State, "x", "y", answer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Export(f)
	if err != nil {
		t.Fatal(err)
	}
	p.key = k
	p.Passkeys = []transfer.Passkey{{CredentialID: c.ID, PublicKey: c.PublicKey, Counter: c.Counter,
		Transports: c.Transports, BackupEligible: c.BackupEligible, BackedUp: c.BackedUp, AAGUID: c.AAGUID,
		UserHandle: c.Handle, Name: "key", Use: transfer.UseFirst, Created: p.Created}}
}

// text returns a file with people.
func text(t testing.TB, h transfer.Header, people ...person) string {
	t.Helper()
	var b bytes.Buffer
	w, err := transfer.NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if err := w.Write(p.Account); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// proves checks that a person's password, app, recovery code and passkey open their
// account here.
func (s *site) proves(p person) {
	s.t.Helper()
	ctx, u := context.Background(), s.user(p.Addresses[0].Address)
	if ok, _, err := s.hasher.Verify(ctx, p.password, u.PasswordHash); err != nil || !ok {
		s.t.Errorf("%s: the password is refused: %v", u.Email, err)
	}
	factors, err := s.db.FactorsOf(ctx, u.ID)
	s.must(err)
	apps := 0
	for _, f := range factors {
		if f.Method == storage.Authenticator {
			apps++
			code := p.app.Code(p.app.StepAt(s.Now()))
			if err := s.apps.Verify(ctx, factor.Transaction{User: u}, f, code); err != nil {
				s.t.Errorf("%s: the app's code is refused: %v", u.Email, err)
			}
		}
	}
	if apps != 1 {
		s.t.Errorf("%s: %d apps", u.Email, apps)
	}
	if _, err := s.codes.Spend(ctx, u.ID, p.code); err != nil {
		s.t.Errorf("%s: the recovery code is refused: %v", u.Email, err)
	}
	if p.key == nil {
		return
	}
	start, err := s.passkeys.BeginGet(factor.AssertionRequest{}) // the passkey names its user
	s.must(err)
	answer, err := p.key.Get(start.Options)
	s.must(err)
	key, err := s.passkeys.Key(answer)
	s.must(err)
	f, err := s.db.PasskeyByKey(ctx, key)
	s.must(err)
	if _, err := s.passkeys.Verify(ctx, start.State, f, answer); err != nil || f.UserID != u.ID {
		s.t.Errorf("%s: the passkey is refused: %v", u.Email, err)
	}
}

// TestR341_AnExportIsImportedUnchanged imports an export into an empty store with
// another key, and checks that an export from there is equal and that everyone can
// sign in there with their old factors.
func TestR341_AnExportIsImportedUnchanged(t *testing.T) {
	engines(t, func(t *testing.T, open func(testing.TB) storage.Store) {
		people := persons(t, 12)
		people[5].Password = &transfer.Password{Scheme: "md5", Value: "iOTd0kAtktUOGHnW7Nn/1A=="} // is wrapped
		a := newSite(t, open(t), oneKey)
		h := transfer.Header{Source: "old", Roles: []transfer.Role{{Name: "reader", Permissions: []string{"read"}}}}
		report, err := a.importText(text(t, h, people...), engine.Options{})
		if err != nil || report.New != 12 || report.Refused != 0 || report.OtherID != 0 {
			t.Fatalf("%+v %v", report, err)
		}
		first := a.export(true)
		described(t, first)
		b := newSite(t, open(t), anotherKey)
		if report, err := b.importText(first, engine.Options{}); err != nil || report.New != 12 {
			t.Fatalf("%+v %v", report, err)
		}
		second := b.export(true)
		if first != second {
			t.Errorf("the second export is another one:\n%s\n%s", first, second)
		}
		for _, p := range people {
			b.proves(p)
		}
		if u := b.user("p3@example.org"); u.ID != "4" || !u.Proven() || !u.Active || u.Username != "person3" {
			t.Errorf("%+v", u)
		}
	})
}

// described checks that every account of a file conforms to the schema.
func described(t *testing.T, text string) {
	t.Helper()
	schema := openapitest.OpenSchema(t, "account.schema.json")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines[1:] {
		if err := schema.Check([]byte(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestAnExportOfOneAccountHasOneLine(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	_, err := s.importText(text(t, transfer.Header{}, persons(t, 3)...), engine.Options{})
	s.must(err)
	var b bytes.Buffer
	n, err := s.Export(context.Background(), &b, engine.ExportOptions{UserID: "2"})
	if err != nil || n != 1 || strings.Count(b.String(), "\n") != 2 || !strings.Contains(b.String(), "p1@example.org") {
		t.Errorf("%d %v: %s", n, err, b.String())
	}
	if _, err := s.Export(context.Background(), &b, engine.ExportOptions{UserID: "77"}); err == nil {
		t.Error("an unknown account was exported")
	}
}

// TestR346_AnExportHasNoSecretsUnlessAsked checks that secrets must be requested,
// and that an import refuses an export without them.
func TestR346_AnExportHasNoSecretsUnlessAsked(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	people := persons(t, 2)
	_, err := s.importText(text(t, transfer.Header{}, people...), engine.Options{})
	s.must(err)
	out := s.export(false)
	for _, secret := range []string{"argon2", `"secret"`, `"value"`, "public_key", "user_handle", `"key"`} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is in the export", secret)
		}
	}
	var h transfer.Header
	line, _, _ := strings.Cut(out, "\n")
	s.must(json.Unmarshal([]byte(line), &h))
	if strings.Join(h.LeftOut, " ") != "password authenticators recovery_codes passkeys" {
		t.Errorf("the file says that it lacks %v", h.LeftOut)
	}
	if _, err := newSite(t, file(t), oneKey).importText(out, engine.Options{}); err == nil {
		t.Error("a file without secrets was imported")
	}
}
