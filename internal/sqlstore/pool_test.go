package sqlstore

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"

	_ "modernc.org/sqlite"
)

// TestAPoolKeepsFewStatements checks this because the statements that store whole accounts depend
// on the accounts.
func TestAPoolKeepsFewStatements(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db")+"?_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	classify := func(err error) (Class, string) { return Other, err.Error() }
	d := Dialect{Name: "sqlite", Classify: classify, Local: true, Places: true}
	if err := Migrate(t.Context(), db, d, os.DirFS("../../store/sqlite/schema")); err != nil {
		t.Fatal(err)
	}
	s := New(Pools{Write: db, Swift: db, Bulk: db, Read: db, Borrowed: true}, d)
	defer s.Close()
	for n := range 400 {
		u := storage.User{ID: fmt.Sprint(n), EmailKey: fmt.Sprint(n), CredentialVersion: "1"}
		for bit, field := range []*string{
			&u.Email, &u.Username, &u.PasswordHash, &u.ProvenKey, &u.Language, &u.Profile,
		} {
			if n>>bit&1 == 1 {
				*field = "x"
			}
		}
		for bit, field := range []*time.Time{&u.ResetAt, &u.ConfirmedAt, &u.MovedAt} {
			if n>>(6+bit)&1 == 1 {
				*field = time.UnixMicro(1)
			}
		}
		if err := s.PutAccounts(t.Context(), []storage.Whole{{User: u}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.bulk.stmts); n > 300 {
		t.Errorf("%d statements are prepared", n)
	}
}
