package event_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// left puts an old temporary file into a new folder and returns its path.
func left(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, ".audit-1.part")
	old := time.Now().AddDate(0, 0, -2)
	err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestTheNameOfAnArchivesFolderIsNoPattern checks that files are removed only from the folder itself.
func TestTheNameOfAnArchivesFolderIsNoPattern(t *testing.T) {
	b, dir := open(t), t.TempDir()
	other := left(t, filepath.Join(dir, "a1"))
	for _, name := range []string{"a[1]", "b[", "c*", `d\`} {
		folder := filepath.Join(dir, name)
		own := left(t, folder)
		_, err := b.ArchiveBefore(t.Context(), b.now, folder)
		if err == nil || !strings.Contains(err.Error(), "it is not partitioned") { // after the folder was tried
			t.Errorf("%s: %v", name, err)
		}
		if exists(own) {
			t.Errorf("%s: its old file is still there", name)
		}
	}
	if !exists(other) {
		t.Error("the file of another folder was removed")
	}
}

// TestAFolderWithoutLinksIsReportedAtOnce tries a folder whose path is so long that a file in it can
// be created, but not linked to a longer name.
func TestAFolderWithoutLinksIsReportedAtOnce(t *testing.T) {
	const longest = 4095 // of a path in Linux
	b, folder := open(t), t.TempDir()
	length := longest - len("/.audit-4294967295.part")
	for len(folder) < length-1 {
		folder += "/" + strings.Repeat("x", min(200, length-len(folder)-1))
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Skip(err) // another limit
	}
	_, err := b.ArchiveBefore(t.Context(), b.now, folder)
	if e := (*os.LinkError)(nil); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v", files, err)
	}
}
