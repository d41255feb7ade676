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

// The pragmas are constants, to which a path cannot add; see dsn. busy_timeout comes first, so that
// it applies to the others.
const (
	commonPragmas = "&_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_defensive=1&_dqs=0&_error_rc=1"
	writerPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	migratorPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(0)"
	swiftPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
	// Foreign keys are not checked: the import of whole accounts ensures that each row has its
	// account, and SQLite would look up the account of every row.
	bulkPragmas = "mode=rw&_txlock=immediate" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(0)&_pragma=cache_size(-32768)" +
		"&_pragma=wal_autocheckpoint(8192)"
	readerPragmas = "mode=rw" + commonPragmas + "&_pragma=query_only(1)"
)

// dsn returns the driver's name of the file. The path is escaped as a URL path, including '?', '%'
// and '#', so no part of it is taken as a parameter.
func dsn(file, pragmas string) string {
	file = filepath.ToSlash(file)
	if runtime.GOOS == "windows" {
		file = "/" + file // file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: file, OmitHost: false}).String() + "?" + pragmas
}

// making serializes the creation of files within the process. When a process closes any descriptor
// of a file, POSIX releases all of its locks on the file, including SQLite's. So a file is opened
// directly only before any connection can have it open.
var making sync.Mutex

// prepareFile creates the file with mode 0600 if it does not exist, and returns its absolute path,
// because the program may change its working directory before connections are opened.
func prepareFile(path string) (string, error) {
	switch {
	case path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:"):
		return "", errors.New("it must be a plain path to a file (in tests, to a file in t.TempDir())")
	case strings.ContainsRune(path, 0):
		return "", errors.New("the path contains a NUL byte")
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
		return "", errors.New("it is a directory: use a file in it")
	case err == nil:
		return file, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", reason(err)
	}
	if _, err := os.Stat(filepath.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("its directory does not exist: create that first, or choose another path")
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another program has created it
		return file, nil
	}
	if err != nil {
		return "", reason(err)
	}
	giveToFolder(f)
	return file, f.Close()
}

// reason removes the path, which the error of Open already contains.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
