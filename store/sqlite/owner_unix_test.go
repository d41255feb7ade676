//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/twofold-auth/twofold/store/sqlite"
)

func TestADatabaseMadeByRootBelongsToTheOwnerOfItsFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes files for others")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 61234, 61235); err != nil {
		t.Skip("this root may not give files away: ", err)
	}
	file := filepath.Join(dir, "app.db")
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); err != nil { // opens its log
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(file + end)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 61234 || stat.Gid != 61235 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s belongs to %d:%d with mode %v", file+end, stat.Uid, stat.Gid, info.Mode())
		}
	}
}
