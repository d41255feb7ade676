package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// A copy made during writes contains the data from its start, and is a valid database.
func TestBackupOfALivingDatabase(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.db")
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put := func(id string) {
		m := storage.Message{ID: id, Channel: storage.Email, Body: []byte("sealed"), CreatedAt: time.Now(),
			DueAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
		if err := db.PutMessage(t.Context(), m); err != nil {
			t.Error(err)
		}
	}
	for i := range 100 {
		put(fmt.Sprint("before", i))
	}
	var writers sync.WaitGroup
	stop := make(chan struct{})
	writers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				put(fmt.Sprint("during", i))
			}
		}
	})
	to := filepath.Join(dir, "copy.db")
	err = sqlite.Backup(t.Context(), file, to)
	close(stop)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v %v", info.Mode(), err)
	}
	restored, err := sqlite.Open(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	n, _, err := restored.CountMessages(t.Context())
	if err != nil || n < 100 {
		t.Errorf("%d rows in the copy, %v", n, err)
	}
}

func TestBackupTouchesNothingThatIsThere(t *testing.T) {
	dir := t.TempDir()
	file, to := filepath.Join(dir, "app.db"), filepath.Join(dir, "copy.db")
	if err := sqlite.Backup(t.Context(), file, to); err == nil {
		t.Error("a copy of nothing")
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("it left an empty copy of nothing")
	}
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Backup(t.Context(), file, to); err == nil {
		t.Error("a file was written over")
	}
	if raw, _ := os.ReadFile(to); string(raw) != "precious" {
		t.Errorf("the file holds %q", raw)
	}
	if err := sqlite.Backup(t.Context(), file, filepath.Join(dir, "none", "copy.db")); err == nil {
		t.Error("a copy in no folder")
	}
}

func TestACopyEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	path, to := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy.db")
	open(t, path).Close()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	err := sqlite.Backup(ctx, path, to)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "before its context ended") {
		t.Error(err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of the copy is there: %v", err)
	}
}
