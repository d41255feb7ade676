//go:build unix

package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
)

// giveToFolder gives a file that root makes to the owner of its folder: a command
// run by root before the first start of a server must not make a database that
// the server, under a user of its own, cannot open. SQLite gives its log the
// owner of the database by itself.
func giveToFolder(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(stat.Uid), int(stat.Gid)) // opening says so if it is in the way
	}
}
