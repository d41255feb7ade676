package sqlite

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// The pragmas are constants; a path cannot add to them, see dsn. busy_timeout
// comes first, so that the others wait too.
const (
	commonPragmas = "&_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_defensive=1&_dqs=0&_error_rc=1"
	writerPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	migratorPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(0)"
	swiftPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
	// What puts whole accounts sees to it that each row has its account. SQLite would
	// look for the account of every row.
	bulkPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(0)&_pragma=cache_size(-32768)" +
		"&_pragma=wal_autocheckpoint(8192)"
	readerPragmas = "mode=rw" + commonPragmas + "&_pragma=query_only(1)"
)

// dsn is the driver's name of the file. The path is escaped as a part of a URL
// path ('?', '%' and '#' too), so no part of it is read as a parameter.
func dsn(file, pragmas string) string {
	file = filepath.ToSlash(file)
	if runtime.GOOS == "windows" {
		file = "/" + file // file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: file, OmitHost: false}).String() + "?" + pragmas
}

// making serialises creation within the process. POSIX drops all of a process's
// locks on a file when it closes any descriptor of it, SQLite's included: so a
// file is touched only before any connection of ours can have it open.
var making sync.Mutex

// prepareFile creates the file, if need be, with mode 0600, and returns its
// absolute path: connections are opened later, and the program may change its
// working directory.
func prepareFile(path string) (string, error) {
	switch {
	case path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:"):
		return "", errors.New("it must be a plain path to a file (in tests: one in t.TempDir())")
	case strings.ContainsRune(path, 0):
		return "", errors.New("the path has a NUL byte in it")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", reason(err)
	}
	making.Lock()
	defer making.Unlock()
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return "", errors.New("it is a directory: name a file in it")
	case err == nil:
		return file, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", reason(err)
	}
	if _, err := os.Stat(filepath.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("its directory does not exist: create that first, or choose another path")
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another program was quicker
		return file, nil
	}
	if err != nil {
		return "", reason(err)
	}
	giveToFolder(f)
	return file, f.Close()
}

// reason strips the path, which Open names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
