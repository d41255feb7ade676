package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
)

// line returns an account as a line, after a change.
func line(t testing.TB, p person, change func(*transfer.Account)) string {
	t.Helper()
	raw, err := json.Marshal(p.Account)
	if err != nil {
		t.Fatal(err)
	}
	var a transfer.Account
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	change(&a)
	if raw, err = json.Marshal(a); err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}

func bcryptLine(cost string) string {
	return "$2b$" + cost + "$PLPYw5UM2aH2bRTk4xpcLewIQvAeN0Hgi0zFCAlZdyUsbO3SUAM1W"
}

// hostile returns lines that must be refused. In the file, the first line is a
// header, the second a valid account (people[0]), and the third the invalid one.
func hostile(t testing.TB, people []person) map[string]string {
	bad := func(change func(*transfer.Account)) string { return line(t, people[1], change) }
	hash := func(value string) string {
		return bad(func(a *transfer.Account) { a.Password = &transfer.Password{Value: value} })
	}
	b64 := strings.Repeat("A", 22)
	return map[string]string{
		"a line of 1 MB":           `{"id":"9","active":true,"username":"` + strings.Repeat("x", 1<<20) + "\"}\n",
		"bad UTF-8":                strings.Replace(bad(func(*transfer.Account) {}), "my phone", "my \xff", 1),
		"deep nesting":             `{"id":"9","active":true,"fields":{"a":` + strings.Repeat("[", 100_000) + "}}\n",
		"an argon2 bomb":           hash("$argon2id$v=19$m=4194304,t=20,p=1$" + b64 + "$" + b64),
		"a bomb with our own mark": hash("$argon2id$v=19$m=1048576,t=20,p=1,keyid=dHdvZm9sZA$" + b64 + "$" + b64),
		"a bcrypt bomb":            hash(bcryptLine("31")),
		"a pbkdf2 bomb":            hash("pbkdf2_sha256$2000000000$salt$" + strings.Repeat("A", 43) + "="),
		"a scrypt bomb":            hash("$scrypt$ln=30,r=8,p=1$" + b64 + "$" + b64),
		"an unknown hash":          hash("$rot13$uryyb"),
		"an empty plain password":  hash("{PLAIN}"),
		"a recovery bcrypt bomb": bad(func(a *transfer.Account) {
			a.RecoveryCodes[0] = transfer.RecoveryCode{Scheme: "bcrypt", Value: bcryptLine("31")}
		}),
		"an unknown recovery code": bad(func(a *transfer.Account) {
			a.RecoveryCodes[0] = transfer.RecoveryCode{Scheme: "x", Value: "y"}
		}),
		"a bad passkey":   bad(func(a *transfer.Account) { a.Passkeys[0].PublicKey = []byte("key") }),
		"a bad phone":     bad(func(a *transfer.Account) { a.Phones[0].Number = "call me" }),
		"a premium phone": bad(func(a *transfer.Account) { a.Phones[0].Number = "+499001234567" }),
		"no address":      bad(func(a *transfer.Account) { a.Addresses = nil }),
		"a bad address":   bad(func(a *transfer.Account) { a.Addresses[0].Address = "not an address" }),
		"a spelling that is a trap": bad(func(a *transfer.Account) {
			a.Addresses[0] = transfer.Address{Address: "\ufb01onn@example.org"}
		}),
		"the same id":      bad(func(a *transfer.Account) { a.ID = people[0].ID }),
		"the same address": bad(func(a *transfer.Account) { a.Addresses = people[0].Addresses }),
		"the address in capitals": bad(func(a *transfer.Account) {
			a.Addresses[0].Address = strings.ToUpper(people[0].Addresses[0].Address)
		}),
		"the same username": bad(func(a *transfer.Account) {
			a.Username = strings.ToUpper(people[0].Username)
		}),
		"the same passkey":    bad(func(a *transfer.Account) { a.Passkeys = people[0].Passkeys }),
		"the same connection": bad(func(a *transfer.Account) { a.Connections = people[0].Connections }),
		"an absurd step":      bad(func(a *transfer.Account) { a.Authenticators[0].LastStep = 1 << 60 }),
		"an empty key":        bad(func(a *transfer.Account) { a.Authenticators[0].Secret = nil }),
		"a thousand factors": bad(func(a *transfer.Account) {
			for range 1000 {
				a.Phones = append(a.Phones, a.Phones[0])
			}
		}),
	}
}

// TestR342_OneBadAccountRefusesTheFile checks that nothing is changed and that the
// report names the line and the reason. With SkipBad, the other accounts are
// imported.
func TestR342_OneBadAccountRefusesTheFile(t *testing.T) {
	people := persons(t, 3)
	db := file(t)
	s := newSite(t, db, oneKey)
	start := time.Now()
	for name, bad := range hostile(t, people) {
		text := text(t, transfer.Header{Source: "old", Roles: []transfer.Role{{Name: "new"}}}, people[0]) + bad +
			line(t, people[2], func(*transfer.Account) {})
		report, err := s.importText(text, engine.Options{})
		if !errors.Is(err, engine.ErrRefused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		at := map[int64]bool{}
		for _, p := range report.Problems {
			at[p.Line] = true
			if p.Text == "" || len(p.Text) > 1200 || strings.Contains(p.Text, "secret of person") {
				t.Errorf("%s: reason %q", name, p.Text)
			}
		}
		if !at[3] || at[4] {
			t.Errorf("%s: problems %+v", name, report.Problems)
		}
		if users, err := db.ListUsers(t.Context(), "", 9); err != nil || len(users) != 0 {
			t.Fatalf("%s: %d accounts are there: %v", name, len(users), err)
		}
		if roles, err := db.Roles(t.Context()); err != nil || len(roles) != 0 {
			t.Fatalf("%s: the roles %v are there: %v", name, roles, err)
		}
	}
	if d := time.Since(start); d > 2*time.Minute {
		t.Errorf("refusing took %v: a bomb went off", d)
	}
	for name, bad := range hostile(t, people) {
		s := newSite(t, file(t), oneKey)
		text := text(t, transfer.Header{}, people[0]) + bad + line(t, people[2], func(*transfer.Account) {})
		report, err := s.importText(text, engine.Options{SkipBad: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := 2
		if strings.HasPrefix(name, "the ") { // if two share a name, both are refused
			want = 1
		}
		users, err := s.db.ListUsers(t.Context(), "", 9)
		if err != nil || len(users) != want || report.New != want || report.Refused != 3-want {
			t.Errorf("%s: %d accounts, report %+v: %v", name, len(users), report, err)
		}
		s.proves(people[2])
	}
}

// TestR343_AnImportTakesNothingFromAccountsHere checks that an account here does
// not change if an imported account shares a name with it.
func TestR343_AnImportTakesNothingFromAccountsHere(t *testing.T) {
	engines(t, func(t *testing.T, open func(testing.TB) storage.Store) {
		people := persons(t, 2)
		s := newSite(t, open(t), oneKey)
		_, err := s.importText(text(t, transfer.Header{Source: "mine"}, people[0]), engine.Options{})
		s.must(err)
		before := s.export(true)
		for name, change := range map[string]func(*transfer.Account){
			"address":    func(a *transfer.Account) { a.Addresses = people[0].Addresses },
			"username":   func(a *transfer.Account) { a.Username = people[0].Username },
			"passkey":    func(a *transfer.Account) { a.Passkeys = people[0].Passkeys },
			"connection": func(a *transfer.Account) { a.Connections = people[0].Connections },
		} {
			for _, skip := range []bool{false, true} {
				report, err := s.importText(line(t, people[1], change), engine.Options{Source: "theirs", SkipBad: skip})
				if report.Refused != 1 || skip != (err == nil) {
					t.Errorf("%s: %+v %v", name, report, err)
				}
				if after := s.export(true); after != before {
					t.Errorf("%s: the account here was changed:\n%s\n%s", name, before, after)
				}
			}
		}
		// An ID that is taken is not a name: the account gets another one.
		report, err := s.importText(line(t, people[1], func(a *transfer.Account) { a.ID = people[0].ID }),
			engine.Options{Source: "theirs"})
		if err != nil || report.New != 1 || report.OtherID != 1 {
			t.Errorf("%+v %v", report, err)
		}
		if u := s.user("p1@example.org"); u.ID == people[0].ID {
			t.Error("two accounts of one id")
		}
		s.proves(people[0])
	})
}

// TestR344_AnAddressIsProvenOnlyIfTheFileSaysSo imports addresses with and without
// a proof.
func TestR344_AnAddressIsProvenOnlyIfTheFileSaysSo(t *testing.T) {
	p := persons(t, 1)[0]
	for _, proven := range []bool{false, true} {
		s := newSite(t, file(t), oneKey)
		_, err := s.importText(line(t, p, func(a *transfer.Account) {
			a.Addresses = []transfer.Address{{Address: "a@example.org", Proven: proven},
				{Address: "b@example.org", Proven: true}}
		}), engine.Options{})
		s.must(err)
		if u := s.user("a@example.org"); u.Proven() != proven || u.ConfirmedAt.IsZero() == proven {
			t.Errorf("proven %v: %+v", proven, u)
		}
		if _, err := s.db.UserByIdentity(t.Context(), "b@example.org"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the second address opens an account: %v", err)
		}
	}
}

// TestR345_AnImportComesAgain imports the same source twice and checks that nothing
// changes. An account that changed in the source is updated, unless it also changed
// here. Nothing that was used here becomes valid again.
func TestR345_AnImportComesAgain(t *testing.T) {
	engines(t, func(t *testing.T, open func(testing.TB) storage.Store) {
		ctx, people := t.Context(), persons(t, 4)
		s := newSite(t, open(t), oneKey)
		h := transfer.Header{Source: "old"}
		_, err := s.importText(text(t, h, people...), engine.Options{})
		s.must(err)
		first := s.export(true)
		report, err := s.importText(text(t, h, people...), engine.Options{})
		if err != nil || report.Unchanged != 4 || report.New+report.Updated != 0 || s.export(true) != first {
			t.Fatalf("a second time: %+v %v", report, err)
		}
		// 0: signs in here with app and key, then gets a role there. 1: spends a
		// recovery code here. 2: changes the password here. 3: only signs in there.
		u0, f := s.user("p0@example.org"), s.app("p0@example.org")
		s.must(s.db.AdvanceStep(ctx, f.ID, people[0].app.StepAt(s.Now()), s.Now()))
		_, err = s.codes.Spend(ctx, s.user("p1@example.org").ID, people[1].code)
		s.must(err)
		u2 := s.user("p2@example.org")
		s.must(s.db.SetPassword(ctx, storage.NewPassword{
			UserID: u2.ID, Hash: "$2b$04$x", CredentialVersion: "other", Now: s.Now(),
		}))
		for i := range people {
			people[i].Roles = append(people[i].Roles, "later")
		}
		people[3].Roles = people[3].Roles[:1]
		people[3].SignIns.Count, people[3].Passkeys[0].Counter = 99, 77
		people[3].Authenticators[0].LastStep = 12345
		s.Advance(10 * time.Second)
		report, err = s.importText(text(t, h, people...), engine.Options{})
		if err != nil || report.Updated != 1 || report.Changed != 2 || report.Unchanged != 1 || report.Refused != 0 {
			t.Fatalf("%+v %v", report, err)
		}
		u := s.user("p0@example.org")
		if u.ID != u0.ID || fmt.Sprint(u.Roles) != "[reader later]" || u.CredentialVersion == u0.CredentialVersion {
			t.Errorf("not brought up to date: %+v", u)
		}
		s.spent(people[0])
		if _, err := s.codes.Spend(ctx, s.user("p1@example.org").ID, people[1].code); err == nil {
			t.Error("a spent recovery code is good again")
		}
		if u := s.user("p2@example.org"); u.PasswordHash != "$2b$04$x" || len(u.Roles) != 1 {
			t.Errorf("a password that was changed here was replaced: %+v", u)
		}
	})
}

// TestR394_AProfileFieldThatWasChangedHereStays checks that an import keeps a field
// that was changed here and updates one that was not.
func TestR394_AProfileFieldThatWasChangedHereStays(t *testing.T) {
	engines(t, func(t *testing.T, open func(testing.TB) storage.Store) {
		ctx, people := t.Context(), persons(t, 2)
		s, h := newSite(t, open(t), oneKey), transfer.Header{Source: "old"}
		for i := range people {
			people[i].Fields = map[string]any{"name": "of old"}
		}
		_, err := s.importText(text(t, h, people...), engine.Options{})
		s.must(err)
		u := s.user("p0@example.org")
		s.must(s.db.SetProfile(ctx, u.ID, u.Profile, `{"name":"of here"}`, s.Now().Add(time.Second)))
		for i := range people {
			people[i].Fields = map[string]any{"name": "of there"}
		}
		s.Advance(10 * time.Second)
		report, err := s.importText(text(t, h, people...), engine.Options{})
		if err != nil || report.Changed != 1 || report.Updated != 1 {
			t.Errorf("%+v %v", report, err)
		}
		for email, want := range map[string]string{"p0@example.org": "of here", "p1@example.org": "of there"} {
			if got := s.user(email).Profile; got != `{"name":"`+want+`"}` {
				t.Errorf("%s: %s, want %q", email, got, want)
			}
		}
	})
}

// app returns the authenticator app of an account.
func (s *site) app(email string) storage.Factor {
	s.t.Helper()
	factors, err := s.db.FactorsOf(s.t.Context(), s.user(email).ID)
	s.must(err)
	for _, f := range factors {
		if f.Method == storage.Authenticator {
			return f
		}
	}
	s.t.Fatal("no app")
	return storage.Factor{}
}

// spent checks that the app's current code is refused and a later one is accepted.
func (s *site) spent(p person) {
	s.t.Helper()
	f := s.app(p.Addresses[0].Address)
	now := p.app.StepAt(s.Now())
	if err := s.db.AdvanceStep(s.t.Context(), f.ID, now, s.Now()); !errors.Is(err, storage.ErrUsed) {
		s.t.Errorf("the code that was used before the import is good again: %v", err)
	}
	if err := s.db.AdvanceStep(s.t.Context(), f.ID, now+2, s.Now()); err != nil {
		s.t.Errorf("a later code is refused: %v", err)
	}
}

// TestADryRunChangesNothing checks that a dry run changes nothing and reports what
// would happen.
func TestADryRunChangesNothing(t *testing.T) {
	s := newSite(t, file(t), oneKey, func(c *engine.Config) { c.SMS = false })
	h := transfer.Header{Source: "old", RPID: "old.example.org", Roles: []transfer.Role{{Name: "reader"}}}
	people := persons(t, 3)
	people[0].Authenticators = []transfer.Authenticator{{Secret: []byte("1234567890")}}
	people[1].Password, people[2].Active = nil, false
	people[2].Addresses[0].Proven = false
	report, err := s.importText(text(t, h, people...), engine.Options{DryRun: true})
	if err != nil || report.New != 3 || report.Passwords["twofold-argon2id"] != 2 || report.Passwords["none"] != 1 {
		t.Fatalf("%+v %v", report, err)
	}
	if report.Factors["authenticator apps"] != 3 || report.Factors["recovery codes"] != 6 ||
		report.Factors["passkeys in place of a password"] != 3 {
		t.Errorf("factors %v", report.Factors)
	}
	said := strings.Join(report.Notices, "\n")
	for _, want := range []string{
		"Passkeys: 3. They were made for old.example.org. The host here is login.example.org: none",
		"No sender for SMS",
		"Accounts whose address was never proven: 1.", "Accounts without a password: 1.",
		"switched off, and stay so: 1.",
		"Authenticator apps with a key of less than 16 bytes: 1.", "Everyone signs in once",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said in\n%s", want, said)
		}
	}
	if users, err := s.db.ListUsers(t.Context(), "", 9); err != nil || len(users) != 0 {
		t.Errorf("%d accounts: %v", len(users), err)
	}
	if roles, err := s.db.Roles(t.Context()); err != nil || len(roles) != 0 {
		t.Errorf("%d roles: %v", len(roles), err)
	}
}

// TestAStoppedImportContinues checks that an import that is repeated after a
// failure skips the accounts that it has stored.
func TestAStoppedImportContinues(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	people := persons(t, 1200)
	all := text(t, transfer.Header{Source: "old"}, people...)
	half := &halting{Store: s.db, stored: make(chan struct{})}
	h := newSite(t, half, oneKey)
	if _, err := h.importText(all, engine.Options{}); err == nil {
		t.Fatal("it did not stop")
	}
	users, err := s.db.ListUsers(t.Context(), "", 2000)
	if err != nil || len(users) == 0 || len(users) == 1200 {
		t.Fatalf("%d accounts after the stop: %v", len(users), err)
	}
	report, err := s.importText(all, engine.Options{})
	if err != nil || report.New != 1200-len(users) || report.Unchanged != len(users) {
		t.Errorf("%+v %v", report, err)
	}
	s.proves(people[0])
	s.proves(people[1199])
}

// halting is a store that fails after the first batch, which it stores before.
type halting struct {
	storage.Store
	first  atomic.Bool // a batch is being stored
	stored chan struct{}
}

func (h *halting) PutAccounts(ctx context.Context, list []storage.Whole) error {
	if h.first.Swap(true) {
		<-h.stored // an error would cancel the batch
		return storage.ErrUnavailable
	}
	defer close(h.stored)
	return h.Store.PutAccounts(ctx, list)
}

// TestNamesThatAreTakenMeanwhile checks that an account is refused if its name is
// taken after it was checked. The others are imported, and the import reports it.
func TestNamesThatAreTakenMeanwhile(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	quick := &taking{Store: s.db, names: []string{"p3@example.org", "p700@example.org", "p1199@example.org"}}
	report, err := newSite(t, quick, oneKey).importText(text(t, transfer.Header{Source: "old"}, persons(t, 1200)...),
		engine.Options{})
	if !errors.Is(err, engine.ErrIncomplete) || report.New != 1197 || report.Refused != 3 || !report.Done {
		t.Fatalf("%+v %v", report, err)
	}
	for _, p := range report.Problems {
		if !strings.Contains(p.Text, "taken here meanwhile") {
			t.Errorf("%+v", p)
		}
	}
	for _, name := range quick.names {
		if u := s.user(name); !strings.HasPrefix(u.ID, "other") {
			t.Errorf("%s is account %s", name, u.ID)
		}
	}
}

// taking is a store in which names are taken just before the first accounts are
// stored.
type taking struct {
	storage.Store
	names []string
	once  sync.Once
}

func (k *taking) PutAccounts(ctx context.Context, list []storage.Whole) (err error) {
	k.once.Do(func() {
		for i, name := range k.names {
			u := storage.User{ID: "other" + strconv.Itoa(i), Email: name, EmailKey: name, CreatedAt: time.Now()}
			err = errors.Join(err, k.CreateUser(ctx, u))
		}
	})
	if err != nil {
		return err
	}
	return k.Store.PutAccounts(ctx, list)
}

// TestNothingWeakIsStored checks that plain passwords and weak hashes are never
// stored.
func TestNothingWeakIsStored(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	p := persons(t, 2)
	p[0].Password = &transfer.Password{Scheme: "plain", Value: "correct horse battery"}
	p[1].Password = &transfer.Password{Scheme: "md5", Value: "bzjtp/PVl4adCs4APPw1GQ=="} // the hash of another password
	_, err := s.importText(text(t, transfer.Header{}, p...), engine.Options{})
	s.must(err)
	a, b := s.user("p0@example.org").PasswordHash, s.user("p1@example.org").PasswordHash
	if !strings.HasPrefix(a, "$argon2id$") || !strings.HasPrefix(b, "$wrap$") || strings.Contains(b, "bzjtp") {
		t.Errorf("%s\n%s", a, b)
	}
	s.proves(p[0])
}

// TestAnAppKeepsItsParameters imports apps with a short key, with eight digits and
// with SHA-512.
func TestAnAppKeepsItsParameters(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	p := persons(t, 1)[0]
	p.app = totp.Parameters{Secret: []byte("1234567890"), Digits: 8, Period: 60, Algorithm: totp.SHA512}
	used := p.app.StepAt(s.Now())
	p.Authenticators[0] = transfer.Authenticator{Secret: p.app.Secret, Digits: 8, Period: 60, Algorithm: "SHA512",
		LastStep: used}
	_, err := s.importText(line(t, p, func(*transfer.Account) {}), engine.Options{})
	s.must(err)
	f := s.app("p0@example.org")
	code := p.app.Code(used)
	if err := s.apps.Verify(t.Context(), factor.Transaction{}, f, code); !errors.Is(err, factor.ErrReplayed) {
		t.Errorf("a code that was used at the other system: %v", err)
	}
	s.Advance(time.Minute)
	s.proves(p)
}

// TestUnsuitableIDsAreNotKept checks that an ID that could be mistaken for something else
// is recorded, but does not become the account's ID.
func TestUnsuitableIDsAreNotKept(t *testing.T) {
	for _, id := range []string{"-", "..", "deleted-7", "a/b", "a:b", "a b", strings.Repeat("x", 65), "\u00e4"} {
		s := newSite(t, file(t), oneKey)
		raw, err := json.Marshal(transfer.Account{ID: id, Active: true,
			Addresses: []transfer.Address{{Address: "a@example.org"}}})
		s.must(err)
		for i := range 2 {
			report, err := s.importText(string(raw), engine.Options{})
			if err != nil || report.New != 1-i || report.Unchanged != i || report.OtherID != 1-i {
				t.Errorf("%q: %+v %v", id, report, err)
			}
		}
		if u := s.user("a@example.org"); u.ID == id || len(u.ID) != 26 {
			t.Errorf("%q became %q", id, u.ID)
		}
	}
}

// TestADeletedAccountIsNotImportedAgain checks that an account that was deleted here is not
// created again when its source is imported again.
func TestADeletedAccountIsNotImportedAgain(t *testing.T) {
	s := newSite(t, file(t), oneKey)
	people := text(t, transfer.Header{Source: "old"}, persons(t, 2)...)
	_, err := s.importText(people, engine.Options{})
	s.must(err)
	s.must(s.db.DeleteUser(t.Context(), storage.Deletion{UserID: "1", Now: s.Now(),
		Erase: func(e storage.Event) storage.Event { return e },
		Event: storage.Event{ID: "x", At: s.Now(), Name: "user-deleted", Result: "ok"}}))
	report, err := s.importText(people, engine.Options{})
	if err != nil || report.New != 0 || report.Changed != 1 || report.Unchanged != 1 {
		t.Errorf("%+v %v", report, err)
	}
	if _, err := s.db.UserByIdentity(t.Context(), "p0@example.org"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the account is back: %v", err)
	}
}

// TestNoRoleOfAFileIsTakenForAnother checks that role names that CreateRole refuses
// are left out and reported.
func TestNoRoleOfAFileIsTakenForAnother(t *testing.T) {
	people, s := persons(t, 1), newSite(t, file(t), oneKey)
	text := text(t, transfer.Header{Source: "old", Roles: []transfer.Role{
		{Name: "editor", Permissions: []string{"write"}}, {Name: "team,admin"},
		{Name: "reader", Permissions: []string{"read", "read write"}},
	}}) + line(t, people[0], func(a *transfer.Account) { a.Roles = []string{" editor ", "team,admin", "team admin"} })
	report, err := s.importText(text, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(report.Notices, "\n")
	if !strings.Contains(told, `"team,admin" does not come`) || !strings.Contains(told, `"reader" does not come`) {
		t.Errorf("the report says of roles: %s", told)
	}
	users, err := s.db.ListUsers(t.Context(), "", 9)
	if err != nil || len(users) != 1 || !slices.Equal(users[0].Roles, []string{"editor"}) {
		t.Errorf("%+v %v", users, err)
	}
	roles, err := s.db.Roles(t.Context())
	if err != nil || len(roles) != 1 || roles[0].Name != "editor" {
		t.Errorf("%+v %v", roles, err)
	}
	left := 0
	for what, n := range report.Left {
		if strings.HasPrefix(what, "roles whose names") {
			left += n
		}
	}
	if left == 0 {
		t.Errorf("the report does not say that roles were left behind: %v", report.Left)
	}
}
