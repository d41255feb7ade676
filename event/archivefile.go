package event

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// ArchiveBefore is like RemoveBefore, for a trail that is stored in parts, and writes each part to a
// file of the folder before it removes it. The name of the file has the numbers of its first and
// last row; VerifyArchive checks it. A file is complete and on disk before it has its name, and is
// never changed. It is read again and checked before the rows are removed; after a crash before
// that, the file that is there is checked and kept.
//
// Several nodes may call it with one folder. If the trail is not stored in parts, nothing is
// removed, and ArchiveBefore returns an error.
func (t *Trail) ArchiveBefore(ctx context.Context, before time.Time, folder string) (int, error) {
	if err := tryFolder(folder); err != nil { // long before the first part is old
		return 0, err
	}
	old, err := t.events.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	part, err := t.oldestPart(ctx, old)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, errors.New("audit trail: it is not partitioned, so old rows are neither archived nor removed: run " +
			"`twofold audit partition`, which needs PostgreSQL")
	}
	if err != nil || part.Through == 0 {
		return 0, err
	}
	return t.removePart(ctx, old, part, before.UTC().Truncate(time.Microsecond), folder)
}

// oldestPart returns the part of the oldest row, or the zero EventPart if there is no row. It returns
// ErrNotFound if the trail is not stored in parts.
func (t *Trail) oldestPart(ctx context.Context, old storage.Checkpoint) (storage.EventPart, error) {
	first, err := t.events.EventsBy(ctx, store.EventFilter{After: old.Through, Limit: 1})
	if err != nil {
		return storage.EventPart{}, err
	}
	if len(first) == 0 {
		_, err := t.events.EventPart(ctx, old.Through)
		return storage.EventPart{}, err
	}
	return t.events.EventPart(ctx, first[0].Row)
}

// The removal of a part waits for a lock only briefly, and is tried again.
const (
	removalTries = 30
	removalPause = 10 * time.Second
)

// removePart removes a part if it is over, sealed, and older than the given time. If a folder is
// given, its rows are written to a file there first.
func (t *Trail) removePart(ctx context.Context, old storage.Checkpoint, part storage.EventPart, before time.Time,
	folder string) (int, error) {
	newest, err := t.events.EventsBy(ctx, store.EventFilter{UpTo: part.Through, Newest: true, Limit: 1})
	if err != nil {
		return 0, err
	}
	last, err := t.events.LastSeal(ctx)
	if err != nil || len(newest) == 0 || !newest[0].At.Before(before) || last.After < newest[0].Row ||
		last.Through <= part.Through {
		return 0, err
	}
	p := partReader{verifier: verifier{t: t}, through: newest[0].Row, before: before}
	p.begin(old)
	if err := p.returned(ctx); err != nil {
		return 0, err
	}
	if folder == "" {
		err = p.read(ctx, func(storage.Seal, []store.Event) error { return nil })
	} else {
		err = p.archive(ctx, folder)
	}
	if errors.Is(err, errYoung) || err == nil && len(p.Problems) > 0 {
		return 0, p.stuck(ctx, old)
	}
	if err != nil {
		return 0, err
	}
	err = t.drop(ctx, old, t.checkpoint(old, p.last, p.Rows, before))
	if errors.Is(err, storage.ErrUsed) {
		return 0, nil // another node has removed it
	}
	if err != nil {
		return 0, err
	}
	return p.Rows, nil
}

// drop removes the rows that a checkpoint replaces.
func (t *Trail) drop(ctx context.Context, old, c storage.Checkpoint) error {
	for n := 1; ; n++ {
		err := t.events.RemoveEvents(ctx, old.Through, c)
		if n == removalTries || !errors.Is(err, storage.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(removalPause):
		}
	}
}

// errYoung means that a row of the part is not old enough.
var errYoung = errors.New("a row is not old enough")

// partReader reads and checks the sealed ranges after a checkpoint, up to the one with row through.
type partReader struct {
	verifier
	through int64
	before  time.Time
}

// read calls each for every range, in order. It ends at the first problem.
func (p *partReader) read(ctx context.Context, each func(storage.Seal, []store.Event) error) error {
	for len(p.Problems) == 0 && p.last.Through < p.through {
		seals, err := p.t.events.SealsAfter(ctx, p.last.Through, 100)
		if err != nil {
			return err
		}
		if len(seals) == 0 {
			p.problem("rows %d to %d: their seal is missing", p.last.Through+1, p.through)
		}
		for _, s := range seals {
			if p.last.Through >= p.through {
				break
			}
			rows, err := p.stretch(ctx, s)
			if err != nil || len(p.Problems) > 0 {
				return err
			}
			for _, e := range rows {
				if !e.At.Before(p.before) {
					return errYoung
				}
			}
			if err := each(s, rows); err != nil {
				return err
			}
			p.last = s
		}
	}
	return nil
}

// archive writes the ranges to a file, and checks what is there under its name: another node may
// have written it, or someone else may have replaced the temporary file.
func (p *partReader) archive(ctx context.Context, folder string) error {
	tmp, err := createPart(folder)
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	follows := p.last
	out, err := p.t.newArchiver(tmp, follows)
	if err != nil {
		return err
	}
	if err := p.read(ctx, out.add); err != nil || len(p.Problems) > 0 {
		return err
	}
	written, err := tmp.Stat()
	if err := errors.Join(err, out.end(), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	path := filepath.Join(folder, fmt.Sprintf("audit-%016d-%016d.jsonl", follows.Through+1, p.last.Through))
	err = os.Link(tmp.Name(), path) // unlike Rename, it replaces nothing
	switch {
	case errors.Is(err, fs.ErrExist):
		written = nil // another file is there
	case err != nil:
		return err
	}
	return errors.Join(p.t.sameArchive(path, written, follows, p.last), syncFolder(folder))
}

// sameArchive returns an error if a file is not the archive of the rows between two seals, or not the
// given one unless that is nil. Rows of an account that was deleted later may be as they were.
func (t *Trail) sameArchive(path string, written fs.FileInfo, follows, last storage.Seal) error {
	f, err := openRegular(path, written)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := t.VerifyArchive(f)
	if err != nil {
		return err
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("audit trail: the file %s exists and is not the archive of these rows: %s", path,
			r.Problems[0])
	}
	if r.Follows != headOf(follows) || r.Head != headOf(last) {
		return fmt.Errorf("audit trail: the file %s exists and is an archive of other rows", path)
	}
	return f.Sync()
}

// openRegular opens a file, which must be the given one unless that is nil. It follows no link, which could
// lead to a file that is removed later, and does not wait for a named pipe.
func openRegular(path string, written fs.FileInfo) (*os.File, error) {
	there, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && (!there.Mode().IsRegular() || !os.SameFile(there, opened) ||
		written != nil && !os.SameFile(written, opened)) {
		err = fmt.Errorf("audit trail: the file %s was replaced or is not a regular file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

const (
	partPattern = ".audit-*.part"
	partAge     = 24 * time.Hour
)

// createPart creates a temporary file, and removes those that a crash left behind.
func createPart(folder string) (*os.File, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if match, err := filepath.Match(partPattern, f.Name()); err != nil || !match {
			continue
		}
		if info, err := f.Info(); err == nil && time.Since(info.ModTime()) > partAge {
			err := os.Remove(filepath.Join(folder, f.Name()))
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // another node may remove it too
				return nil, err
			}
		}
	}
	return os.CreateTemp(folder, partPattern) // mode 0600
}

// tryFolder reports whether files can be created and linked in a folder.
func tryFolder(folder string) error {
	tmp, err := createPart(folder)
	if err != nil {
		return err
	}
	link := tmp.Name() + ".link.part" // a name of partPattern
	err = os.Link(tmp.Name(), link)
	if err == nil {
		err = os.Remove(link)
	}
	return errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
