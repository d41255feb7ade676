package account_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// table is an application's own table in memory that counts user reads.
type table struct {
	mu   sync.Mutex
	rows map[string]account.Record
	fail error
}

func (t *table) ByIdentity(_ context.Context, identity string) (account.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		// The comparison is that of a database that ignores accents too.
		plain := strings.NewReplacer("é", "e").Replace
		if strings.EqualFold(plain(r.Email), plain(identity)) || strings.EqualFold(r.Username, identity) {
			return r, t.fail
		}
	}
	return account.Record{}, storage.ErrNotFound
}

func (t *table) ByID(_ context.Context, id string) (account.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[id]
	if !ok {
		return r, storage.ErrNotFound
	}
	return r, t.fail
}

func (t *table) Create(_ context.Context, r account.Record) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, old := range t.rows {
		if strings.EqualFold(old.Email, r.Email) {
			return "", storage.ErrExists
		}
	}
	r.ID = strconv.Itoa(len(t.rows) + 1)
	t.rows[r.ID] = r
	return r.ID, t.fail
}

func (t *table) SetPasswordHash(_ context.Context, id, old, new string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[id]
	if !ok || r.PasswordHash != old || t.fail != nil {
		return false, t.fail
	}
	r.PasswordHash = new
	t.rows[id] = r
	return true, nil
}

// set changes a row directly.
func (t *table) set(id string, change func(*account.Record)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[id]
	change(&r)
	t.rows[id] = r
}

func joined(t *testing.T) (*table, *account.Joined) {
	t.Helper()
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "own.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	own := &table{rows: map[string]account.Record{
		"1": {ID: "1", Email: "Ada@Example.org", Username: "ada1", PasswordHash: "hash one", Active: true,
			Roles: []string{"staff"}},
		"2": {ID: "2", Email: "rené@example.org", PasswordHash: "hash two", Active: true, Confirmed: true},
	}}
	return own, account.Join(db, account.Table{Source: own}, time.Now)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestARowIsAnAccountAtItsFirstUse(t *testing.T) {
	_, j := joined(t)
	ctx := t.Context()
	u := must(j.UserByIdentity(ctx, account.Key("ADA@example.org")))(t)
	if u.ID != "1" || u.Email != "Ada@Example.org" || u.EmailKey != "ada@example.org" || u.PasswordHash != "hash one" ||
		!u.Active ||
		u.CredentialVersion == "" || !reflect.DeepEqual(u.Roles, []string{"staff"}) || !u.ConfirmedAt.IsZero() {
		t.Fatalf("%+v", u)
	}
	for _, again := range []storage.User{must(j.UserByID(ctx, "1"))(t), must(j.UserByIdentity(ctx, "ada1"))(t)} {
		if again.CredentialVersion != u.CredentialVersion {
			t.Error("looking changes the credential version")
		}
	}
	if u := must(j.UserByID(ctx, "2"))(t); u.ConfirmedAt.IsZero() {
		t.Error("a confirmed address is not")
	}
	for _, key := range []string{"", "nobody@example.org", "rene@example.org"} {
		if u, err := j.UserByIdentity(ctx, key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q finds %+v %v", key, u, err)
		}
	}
	// The store's rows contain neither hash nor address.
	shadow := must(j.Store.UserByID(ctx, "1"))(t)
	if shadow.Email+shadow.EmailKey+shadow.Username+shadow.UsernameKey != "" ||
		strings.Contains(shadow.PasswordHash, "hash one") {
		t.Errorf("shadow %+v", shadow)
	}
	if all := must(j.ListUsers(ctx, "", 10))(t); len(all) != 2 || all[0].Email == "" {
		t.Errorf("listed %+v", all)
	}
}

func TestAChangeBehindOurBackEndsWhatWasIssued(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	before := must(j.UserByID(ctx, "1"))(t).CredentialVersion
	for name, change := range map[string]func(*account.Record){
		"password": func(r *account.Record) { r.PasswordHash = "another" },
		"address":  func(r *account.Record) { r.Email = "ada@elsewhere.org" },
		"username": func(r *account.Record) { r.Username = "ada2" },
		"nothing":  func(r *account.Record) { r.PasswordHash = "" },
	} {
		own.set("1", change)
		after := must(j.UserByID(ctx, "1"))(t).CredentialVersion
		if after == before || must(j.UserByID(ctx, "1"))(t).CredentialVersion != after {
			t.Errorf("%s: %q, then %q", name, before, after)
		}
		before = after
	}
	own.set("1", func(r *account.Record) { r.Roles = []string{"boss"} })
	if u := must(j.UserByID(ctx, "1"))(t); u.CredentialVersion != before || u.Roles[0] != "boss" {
		t.Errorf("%+v", u)
	}
	own.set("1", func(r *account.Record) { r.Active = false })
	if must(j.UserByID(ctx, "1"))(t).Active {
		t.Error("a row that is off is on")
	}
	own.set("1", func(r *account.Record) { r.Active = true })
	if err := j.SetActive(ctx, "1", false, "q", time.Now()); err != nil || must(j.UserByID(ctx, "1"))(t).Active {
		t.Error("our switch is nothing", err)
	}
	own.mu.Lock()
	delete(own.rows, "1")
	own.mu.Unlock()
	if _, err := j.UserByID(ctx, "1"); !errors.Is(err, storage.ErrNotFound) {
		t.Error("a row that is gone is there:", err)
	}
}

func TestPasswordsAreReplacedInTheTable(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	u := must(j.UserByID(ctx, "1"))(t)
	if err := j.UpgradePassword(ctx, "1", "hash one", "hash one, better"); err != nil {
		t.Fatal(err)
	}
	if after := must(j.UserByID(ctx, "1"))(t); after.CredentialVersion != u.CredentialVersion ||
		after.PasswordHash != "hash one, better" {
		t.Errorf("an upgrade: %+v", after)
	}
	if err := j.UpgradePassword(ctx, "1", "hash one", "late"); !errors.Is(err, storage.ErrUsed) {
		t.Error(err)
	}
	if err := j.SetPassword(ctx, storage.NewPassword{
		UserID: "1", Hash: "chosen", CredentialVersion: "q", ViaMailbox: true, Now: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	after := must(j.UserByID(ctx, "1"))(t)
	if after.CredentialVersion != "q" || after.PasswordHash != "chosen" || after.ResetAt.IsZero() ||
		own.rows["1"].PasswordHash != "chosen" {
		t.Errorf("a change: %+v", after)
	}
	wins := make(chan error, 8)
	for i := range 8 {
		go func() {
			wins <- j.ChangePassword(ctx,
				storage.PasswordChange{UserID: "1", From: "q", To: "r" + strconv.Itoa(i), Hash: "h" + strconv.Itoa(i),
					Now: time.Now()})
		}()
	}
	won := 0
	for range 8 {
		if err := <-wins; err == nil {
			won++
		} else if !errors.Is(err, storage.ErrUsed) {
			t.Error(err)
		}
	}
	last := must(j.UserByID(ctx, "1"))(t)
	if won != 1 || last.CredentialVersion[1:] != last.PasswordHash[1:] {
		t.Errorf("%d won, %+v", won, last)
	}
}

// TestAnAddressOfTheTableIsRememberedAsMoved checks that a change of the address is recorded,
// however it is first noticed, and no other change is.
func TestAnAddressOfTheTableIsRememberedAsMoved(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	u := must(j.UserByID(ctx, "1"))(t)
	change := func(what func(r *account.Record)) {
		r := own.rows["1"]
		what(&r)
		own.rows["1"] = r
	}
	change(func(r *account.Record) { r.PasswordHash = "another" })
	if u = must(j.UserByID(ctx, "1"))(t); !u.MovedAt.IsZero() {
		t.Errorf("a new password: moved at %v", u.MovedAt)
	}
	change(func(r *account.Record) { r.Email = "elsewhere@example.org" })
	if u = must(j.UserByIdentity(ctx, "elsewhere@example.org"))(t); u.MovedAt.IsZero() {
		t.Error("a new address is not remembered")
	}
}

// TestATableThatFailsOpensNothing also checks that a change that failed halfway ends everything
// that was issued.
func TestATableThatFailsOpensNothing(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	u := must(j.UserByID(ctx, "1"))(t)
	own.fail = errors.New("table is down")
	if _, err := j.UserByID(ctx, "1"); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
	own.fail = nil
	halfway := storage.PasswordChange{UserID: "1", From: u.CredentialVersion, To: "q", Hash: "what was to come",
		Now: time.Now()}
	if err := j.Store.ChangePassword(ctx, halfway); err != nil { // the shadow moved, the table did not
		t.Fatal(err)
	}
	after := must(j.UserByID(ctx, "1"))(t)
	if after.CredentialVersion == u.CredentialVersion || after.CredentialVersion == "q" ||
		after.PasswordHash != "hash one" {
		t.Errorf("%+v", after)
	}
}

func TestAccountsAreMadeInTheTable(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	hasher := must(password.New(password.Config{}))(t)
	accounts := account.New(account.Config{Users: j, Source: own, Hasher: hasher, Policy: password.Policy{MinLength: 8},
		Now: time.Now})
	u := must(accounts.Create(ctx, account.Draft{Email: "new@example.org", Password: "correct horse battery"}))(t)
	if u.ID != "3" || own.rows["3"].Email != "new@example.org" ||
		!strings.HasPrefix(own.rows["3"].PasswordHash, "$argon2id$") {
		t.Fatalf("%+v %+v", u, own.rows["3"])
	}
	if got := must(accounts.CheckPassword(ctx, &u, "", "correct horse battery"))(t); !got.OK {
		t.Error("its password does not open it")
	}
	if _, err := accounts.Create(ctx,
		account.Draft{Email: "NEW@example.org", Password: "correct horse battery"}); !errors.Is(err,
		storage.ErrExists) {
		t.Error(err)
	}
	if err := accounts.SetIdentity(ctx, "3", "other@example.org", ""); !errors.Is(err, account.ErrNotOurs) {
		t.Error(err)
	}
}

// TestAnAccountOfAnotherSiteIsMadeInTheTable checks that the account gets its connection, even if
// the table's row was read before its shadow was created.
func TestAnAccountOfAnotherSiteIsMadeInTheTable(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	looks := &watched{table: own, then: func(string) {}}
	accounts := account.New(account.Config{Users: j, Source: looks, Now: time.Now})
	draft := func(email, subject string) account.Draft {
		return account.Draft{Email: email, Connection: &storage.Connection{
			ID: storage.NewID(), Provider: "corp", Issuer: "https://corp.test", Subject: subject, CreatedAt: time.Now(),
		}}
	}
	u := must(accounts.Create(ctx, draft("new@example.org", "a")))(t)
	if u.ID != "3" || !u.Proven() || own.rows["3"].PasswordHash != "" {
		t.Errorf("%+v %+v", u, own.rows["3"])
	}
	if c := must(j.ConnectionBy(ctx, "https://corp.test", "a"))(t); c.UserID != "3" {
		t.Errorf("%+v", c)
	}
	looks.then = func(id string) { must(j.UserByID(ctx, id))(t) }
	u = must(accounts.Create(ctx, draft("other@example.org", "b")))(t)
	if c := must(j.ConnectionBy(ctx, "https://corp.test", "b"))(t); c.UserID != u.ID {
		t.Errorf("%+v", c)
	}
	looks.then = func(string) {}
	if _, err := accounts.Create(ctx, draft("NEW@example.org", "c")); !errors.Is(err, storage.ErrExists) {
		t.Error(err)
	}
}

// TestEveryVerbOfAccountsIsDecidedByJoined checks that a method added to the store is not only
// inherited by embedding, because it would then change the shadow only.
func TestEveryVerbOfAccountsIsDecidedByJoined(t *testing.T) {
	own := map[string]bool{}
	for _, name := range []string{"usersource.go", "usersource_create.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				own[fn.Name.Name] = true
			}
		}
	}
	if !own["CreateConnected"] {
		t.Error("CreateConnected acts on the shadow alone")
	}
	for _, of := range []reflect.Type{reflect.TypeFor[storage.UserReader](), reflect.TypeFor[storage.UserWriter](),
		reflect.TypeFor[storage.OwnerWriter]()} {
		for i := range of.NumMethod() {
			if name := of.Method(i).Name; !own[name] {
				t.Errorf("%s.%s acts on the shadow alone: decide in usersource.go", of.Name(), name)
			}
		}
	}
}

// The mailbox opens an account that was registered without a password, even if the application's
// table creates the row before or during the registration.
func TestARowWithoutPasswordIsOpenedByItsMailbox(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	h, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	looks := &watched{table: own}
	a := account.New(account.Config{Users: j, Source: looks, Hasher: h, Mailed: true, Now: time.Now})
	for i, seen := range []bool{false, true} {
		looks.then = func(id string) {
			if seen {
				_, _ = j.UserByID(ctx, id)
			}
		}
		u := must(a.Create(ctx, account.Draft{Email: "new" + strconv.Itoa(i) + "@example.org", Unconfirmed: true}))(t)
		firsts := must(j.FirstFactorsOf(ctx, u.ID))(t)
		if u.PasswordHash != "" || len(firsts) != 1 || firsts[0].Method != storage.Email ||
			firsts[0].Destination != u.Email || firsts[0].Usage != storage.UseFirst {
			t.Errorf("seen %v: %+v is opened by %+v", seen, u, firsts)
		}
	}
	with := must(a.Create(ctx,
		account.Draft{Email: "with@example.org",
			Hash: "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"}))(t)
	if firsts := must(j.FirstFactorsOf(ctx, with.ID))(t); len(firsts) != 0 {
		t.Errorf("who has a password is opened by %+v", firsts)
	}
}

// watched runs a function between the creation of a row and its first read.
type watched struct {
	*table
	then func(id string)
}

func (w *watched) Create(ctx context.Context, r account.Record) (string, error) {
	id, err := w.table.Create(ctx, r)
	w.then(id)
	return id, err
}

// TestAnotherAddressInTheTableIsAnotherMailbox checks that factors by mail move to the new address,
// other first factors are removed, and second factors are kept. The address is proven only if the
// table says so or a mailed code is entered.
func TestAnotherAddressInTheTableIsAnotherMailbox(t *testing.T) {
	own, j := joined(t)
	ctx := t.Context()
	add := func(u storage.User, f storage.Factor) storage.User {
		f.ID, f.UserID = storage.NewID(), u.ID
		c := storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: account.NewUniquifier(), Add: &f,
			Now: time.Now()}
		if err := j.ChangeFactors(ctx, c); err != nil {
			t.Fatal(err)
		}
		return must(j.UserByID(ctx, u.ID))(t)
	}
	u := must(j.UserByID(ctx, "1"))(t)
	if u.Proven() || u.ProvenKey != "" {
		t.Fatalf("an address of which the table says nothing is proven: %q", u.ProvenKey)
	}
	if err := j.ConfirmUser(ctx, "1", u.EmailKey, u.EmailKey, time.Now()); err != nil {
		t.Fatal(err)
	}
	if u = must(j.UserByID(ctx, "1"))(t); !u.Proven() {
		t.Fatal("an address that was proven is not")
	}
	u = add(u, storage.Factor{Method: storage.Email, Destination: u.Email})
	u = add(u, storage.Factor{Method: storage.Email, Destination: u.Email, Usage: storage.UseFirst})
	u = add(u, storage.Factor{Method: storage.SMS, Destination: "+16505551212", Usage: storage.UseFirst})
	own.set("1", func(r *account.Record) { r.PasswordHash = "another" })
	if u = must(j.UserByID(ctx, "1"))(t); !u.Proven() || len(must(j.FirstFactorsOf(ctx, "1"))(t)) != 2 {
		t.Error("another password is another address")
	}
	own.set("1", func(r *account.Record) { r.Email = "ada@elsewhere.org" })
	if u = must(j.UserByID(ctx, "1"))(t); u.Proven() || u.ProvenKey == "" {
		t.Errorf("another address is proven, or none ever was: %q", u.ProvenKey)
	}
	firsts, seconds := must(j.FirstFactorsOf(ctx, "1"))(t), must(j.FactorsOf(ctx, "1"))(t)
	if len(firsts) != 1 || len(seconds) != 1 || firsts[0].Destination != u.Email || seconds[0].Destination != u.Email {
		t.Errorf("first factors %+v, second factors %+v", firsts, seconds)
	}
	own.set("1", func(r *account.Record) { r.Confirmed = true })
	if !must(j.UserByID(ctx, "1"))(t).Proven() {
		t.Error("the word of the table is not taken")
	}
	// A shadow that was written without the mailbox is updated.
	if two := must(j.UserByID(ctx, "2"))(t); !two.Proven() {
		t.Error("a confirmed address is not proven")
	}
	shadow := must(j.Store.UserByID(ctx, "2"))(t)
	old := shadow.PasswordHash[:strings.LastIndex(shadow.PasswordHash, ":")]
	if err := j.Store.UpgradePassword(ctx, "2", shadow.PasswordHash, old); err != nil {
		t.Fatal(err)
	}
	if got := must(j.UserByID(ctx, "2"))(t); got.CredentialVersion != shadow.CredentialVersion ||
		must(j.Store.UserByID(ctx, "2"))(t).PasswordHash != shadow.PasswordHash {
		t.Error("an older shadow ends what was issued, or stays as it was")
	}
}
