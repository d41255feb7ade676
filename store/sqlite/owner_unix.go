//go:build unix

package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
)

// giveToFolder changes the owner of a file that root creates to the owner of its folder. Otherwise
// a command that root runs before the first start of a server would create a database that the
// server's user cannot open. SQLite itself gives its log the owner of the database.
func giveToFolder(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(stat.Uid), int(stat.Gid)) // opening reports an error if this matters
	}
}
