package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// trail is a partitioned trail whose clock is a field.
type trail struct {
	*event.Trail
	t      *testing.T
	db     *postgres.DB
	url    string
	keys   *seal.Keys
	now    time.Time
	turns  int
	folder string
}

func newTrail(t *testing.T) *trail {
	url := servers.Postgres(t)
	keys, err := seal.NewKeys(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	v := &trail{t: t, db: open(t, url), url: url, keys: keys, now: time.Date(2026, 1, 3, 4, 5, 6, 7000, time.UTC),
		folder: t.TempDir()}
	v.Trail = v.on(v.db)
	return v
}

func (v *trail) on(db storage.Events) *event.Trail {
	return event.NewTrail(db, v.keys, func() time.Time { return v.now })
}

func (v *trail) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *trail) fill(n int) {
	v.t.Helper()
	for i := range n {
		v.must(v.Record(v.t.Context(), event.Entry{Name: "n", Result: event.OK, User: "u", Reason: "<&\u2028",
			Address: "192.0.2.1", Agent: strings.Repeat("a", i%3)}))
	}
}

// turn begins the next month, at the trail's clock and in the database.
func (v *trail) turn() {
	v.t.Helper()
	v.turns++
	v.now = v.now.AddDate(0, 1, 0)
	monthEnds(v.t, v.url, v.turns)
	v.must(v.db.NextEventPart(v.t.Context()))
}

func (v *trail) seal() {
	v.t.Helper()
	v.must(v.Close(v.t.Context()))
}

// archive archives what is older than a day.
func (v *trail) archive() int {
	v.t.Helper()
	n, err := v.ArchiveBefore(v.t.Context(), v.now.AddDate(0, 0, -1), v.folder)
	v.must(err)
	return n
}

func (v *trail) files() []string {
	v.t.Helper()
	list, err := os.ReadDir(v.folder)
	v.must(err)
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func (v *trail) read(name string) []byte {
	v.t.Helper()
	content, err := os.ReadFile(filepath.Join(v.folder, name))
	v.must(err)
	return content
}

func (v *trail) verify(content []byte) event.ArchiveReport {
	v.t.Helper()
	r, err := v.VerifyArchive(bytes.NewReader(content))
	v.must(err)
	return r
}

// whole verifies the rows that are kept.
func (v *trail) whole(head string, rows int) event.Report {
	v.t.Helper()
	r, err := v.Verify(v.t.Context(), head)
	v.must(err)
	if len(r.Problems) > 0 || r.Rows != rows {
		v.t.Errorf("%+v, want %d rows", r, rows)
	}
	return r
}

// months returns a trail with 250 rows from before it was partitioned, 150 of one month and 50 of
// the next, where the first 20 of each are sealed together with the last ones of the month before.
func months(t *testing.T) *trail {
	v := newTrail(t)
	v.fill(230)
	v.seal()
	v.fill(20)
	parted(t, v.db)
	v.fill(20)
	v.seal()
	v.fill(110)
	v.seal()
	v.fill(20)
	v.turn()
	v.fill(20)
	v.seal()
	v.fill(30)
	return v
}

func TestAMonthIsArchivedAndDropped(t *testing.T) {
	v := months(t)
	if n := v.archive(); n != 270 {
		t.Fatalf("%d rows of the first part and their seals, want 270", n)
	}
	if n := v.archive(); n != 0 {
		t.Errorf("%d rows of a month whose last seal has to stay", n)
	}
	v.seal()
	if n := v.archive(); n != 0 {
		t.Errorf("%d rows, the last of which are of today", n)
	}
	v.now = v.now.AddDate(0, 0, 2)
	if n := v.archive(); n != 150 {
		t.Errorf("%d rows of a month, want 150", n)
	}
	if n := v.archive(); n != 0 {
		t.Errorf("%d rows of the newest part", n)
	}
	files := v.files()
	want := []string{"audit-0000000000000001-0001000000000019.jsonl", "audit-0001000000000020-0002000000000019.jsonl"}
	if !slices.Equal(files, want) {
		t.Fatalf("files %v", files)
	}
	first, second := v.verify(v.read(files[0])), v.verify(v.read(files[1]))
	if len(first.Problems)+len(second.Problems) > 0 || first.Rows != 270 || second.Rows != 150 ||
		first.Follows != "0:" || second.Follows != first.Head {
		t.Errorf("%+v\n%+v", first, second)
	}
	if r := v.whole(second.Head, 30); r.RemovedRows != 420 {
		t.Errorf("%+v", r)
	}
	if left := texts(t, raw(t, v.url), tables); len(left) != 1 {
		t.Errorf("partitions %v", left)
	}
}

func TestWithoutAFolderMonthsAreDropped(t *testing.T) {
	v := months(t)
	v.seal()
	v.now = v.now.AddDate(0, 0, 2)
	var removed []int
	for {
		n, err := v.RemoveBefore(t.Context(), v.now)
		v.must(err)
		if n == 0 {
			break
		}
		removed = append(removed, n)
	}
	// The first part in ranges, the last of which has 20 rows of the second. The second at once.
	if !slices.Equal(removed, []int{100, 100, 70, 150}) {
		t.Errorf("removed %v", removed)
	}
	v.whole("", 30)
	if left := texts(t, raw(t, v.url), tables); len(left) != 1 || len(v.files()) > 0 {
		t.Errorf("partitions %v, files %v", left, v.files())
	}
}

func TestAnUnfinishedMonthIsNotArchived(t *testing.T) {
	v := newTrail(t)
	v.fill(3)
	v.seal()
	v.fill(3)
	v.seal()
	v.now = v.now.AddDate(1, 0, 0)
	if _, err := v.ArchiveBefore(t.Context(), v.now, v.folder); err == nil ||
		!strings.Contains(err.Error(), "it is not partitioned") {
		t.Errorf("in one table: %v", err)
	}
	parted(t, v.db)
	stays := func(why string) {
		t.Helper()
		if n := v.archive(); n != 0 {
			t.Errorf("%s: %d rows archived", why, n)
		}
	}
	stays("no later row is sealed")
	v.fill(2)
	stays("no later row is sealed")
	v.seal()
	v.fill(1)
	v.seal()
	if n := v.archive(); n != 6 {
		t.Errorf("%d rows of the first part", n)
	}
	v.now = v.now.AddDate(0, 0, 9)
	stays("the month is not over")
	// A node whose clock is ahead has added the last row, and one whose clock is behind the next.
	v.now = v.now.AddDate(0, 5, 0)
	v.fill(1)
	v.now = v.now.AddDate(0, -5, 0)
	v.turn()
	v.now = v.now.AddDate(0, -6, 0)
	v.fill(1)
	v.now = v.now.AddDate(0, 6, 3)
	v.seal()
	v.fill(1)
	v.seal()
	stays("a row is young")
	v.now = v.now.AddDate(0, 5, 0)
	if n := v.archive(); n != 5 { // 3, the young one, and the one that was sealed with it
		t.Errorf("%d rows", n)
	}
	stays("the newest part")
	v.whole("", 1)
	if _, err := v.ArchiveBefore(t.Context(), v.now, filepath.Join(v.folder, "none")); err == nil {
		t.Error("a folder that does not exist is not reported")
	}
}

// killed is a store that fails when rows are to be removed.
type killed struct {
	*postgres.DB
	meanwhile func()
}

var errKilled = errors.New("killed")

func (k killed) RemoveEvents(context.Context, int64, storage.Checkpoint) error {
	k.meanwhile()
	return errKilled
}

// TestACrashBetweenExportAndDrop checks that the file of the first attempt stays as it is, also if an
// account is deleted in between, and that the rows are removed once.
func TestACrashBetweenExportAndDrop(t *testing.T) {
	v := months(t)
	var file []byte
	_, err := v.on(killed{v.db, func() { file = v.read(v.files()[0]) }}).ArchiveBefore(t.Context(), v.now, v.folder)
	if !errors.Is(err, errKilled) || len(file) == 0 {
		t.Fatal(err)
	}
	v.whole("", 450)
	v.must(v.db.CreateUser(t.Context(), storage.User{ID: "u", EmailKey: "u", CredentialVersion: "1"}))
	x := v.NewErasure(t.Context())
	v.must(v.db.DeleteUser(t.Context(), storage.Deletion{UserID: "u", Erase: x.Erase, Event: x.Event()}))
	if n := v.archive(); n != 270 {
		t.Errorf("%d rows, want 270", n)
	}
	if len(v.files()) != 1 || !bytes.Equal(v.read(v.files()[0]), file) {
		t.Errorf("files %v; the first has changed: %v", v.files(), !bytes.Equal(v.read(v.files()[0]), file))
	}
	v.whole(v.verify(file).Head, 181)
	v.seal()
	v.now = v.now.AddDate(0, 0, 2)
	if n := v.archive(); n != 150 {
		t.Errorf("%d rows of an erased account, want 150", n)
	}
	second := v.read(v.files()[1])
	if r := v.verify(second); len(r.Problems) > 0 || bytes.Contains(second, []byte("192.0.2.1")) {
		t.Errorf("%+v", r)
	}
}

func TestAFileThatIsNoArchiveOfTheseRowsIsKept(t *testing.T) {
	v := months(t)
	name := "audit-0000000000000001-0001000000000019.jsonl"
	other := months(t) // under the same key
	other.archive()
	for what, content := range map[string][]byte{"nothing": nil, "another trail": other.read(name)} {
		v.must(os.WriteFile(filepath.Join(v.folder, name), content, 0o600))
		_, err := v.ArchiveBefore(t.Context(), v.now, v.folder)
		if err == nil || !strings.Contains(err.Error(), "exists and is") {
			t.Errorf("%s: %v", what, err)
		}
		if !bytes.Equal(v.read(name), content) || len(v.files()) != 1 {
			t.Errorf("%s: the file was changed, or others stay: %v", what, v.files())
		}
	}
	v.whole("", 450)
}

// meddling is a store while someone does something to each temporary file of a folder, once.
type meddling struct {
	*trail
	storage.Events
	do   func(path string) error
	done map[string]bool
}

func (r meddling) EventsBy(ctx context.Context, f storage.EventFilter, more ...storage.EventFilter) (
	[]storage.Event, error) {
	for _, name := range r.files() {
		if strings.HasSuffix(name, ".part") && !r.done[name] {
			r.done[name] = true
			r.must(r.do(filepath.Join(r.folder, name)))
		}
	}
	return r.Events.EventsBy(ctx, f, more...)
}

// TestRowsStayIfTheirFileIsNotTheOneWritten lets someone who can write in the folder replace the temporary
// file, or put something else under the name of the archive.
func TestRowsStayIfTheirFileIsNotTheOneWritten(t *testing.T) {
	const name = "audit-0000000000000001-0001000000000019.jsonl"
	elsewhere := filepath.Join(t.TempDir(), "a")
	for what, do := range map[string]func(path string) error{
		"another file": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("x"), 0o600))
		},
		"a link to the temporary file": func(path string) error {
			return os.Symlink(filepath.Base(path), filepath.Join(filepath.Dir(path), name))
		},
		"a link in place of the temporary file": func(path string) error {
			return errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path))
		},
		"a named pipe": func(path string) error {
			return unix.Mkfifo(filepath.Join(filepath.Dir(path), name), 0o600)
		},
	} {
		v := months(t)
		n, err := v.on(meddling{v, v.db, do, map[string]bool{}}).
			ArchiveBefore(t.Context(), v.now.AddDate(0, 0, -1), v.folder)
		if n != 0 || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %d rows removed, %v", what, n, err)
		}
		v.whole("", 450)
	}
}

func TestChangedRowsAreNeitherArchivedNorDropped(t *testing.T) {
	for what, statement := range map[string]string{
		"a row changed":  `UPDATE twofold_events SET name = 'x' WHERE row_no = 3`,
		"a row removed":  `DELETE FROM twofold_events WHERE row_no = 3`,
		"a seal removed": `DELETE FROM twofold_event_seals WHERE after_row = 100`,
		"seals removed":  `DELETE FROM twofold_event_seals WHERE after_row < 1000000000020`,
		"a row moved":    `UPDATE twofold_events SET row_no = 500 WHERE row_no = 249`,
		"made old":       `UPDATE twofold_events SET at = 0`,
		"a checkpoint set": `INSERT INTO twofold_event_checkpoint SELECT 1, 100, 100, mac, 0, 0, ''
			FROM twofold_event_seals WHERE through_row = 100`,
	} {
		t.Run(what, func(t *testing.T) {
			v := months(t)
			mustExec(t, raw(t, v.url), statement)
			rows := len(numbers(t, v.db))
			n, err := v.ArchiveBefore(t.Context(), v.now, v.folder)
			if n != 0 || err == nil || !strings.Contains(err.Error(), "they were changed") || len(v.files()) > 0 {
				t.Errorf("%d rows, %v; files %v", n, err, v.files())
			}
			if now := len(numbers(t, v.db)); now != rows {
				t.Errorf("%d of %d rows are left", now, rows)
			}
		})
	}
}

func TestOneOfManyNodesDropsAnArchivedMonth(t *testing.T) {
	v := months(t)
	var nodes sync.WaitGroup
	results := make(chan int, 4)
	for range 4 {
		nodes.Go(func() {
			n, err := v.on(open(t, v.url)).ArchiveBefore(context.Background(), v.now, v.folder)
			if err != nil {
				t.Error(err)
			}
			results <- n
		})
	}
	nodes.Wait()
	close(results)
	sum := 0
	for n := range results {
		sum += n
	}
	if sum != 270 || len(v.files()) != 1 || len(v.verify(v.read(v.files()[0])).Problems) > 0 {
		t.Errorf("%d rows, files %v", sum, v.files())
	}
	v.whole("", 180)
}

func TestFilesOfACrashAreRemoved(t *testing.T) {
	v := newTrail(t)
	parted(t, v.db)
	old, young := filepath.Join(v.folder, ".audit-1.part"), filepath.Join(v.folder, ".audit-2.part")
	v.must(errors.Join(os.WriteFile(old, nil, 0o600), os.WriteFile(young, nil, 0o600)))
	v.must(os.Chtimes(old, time.Time{}, time.Now().AddDate(0, 0, -2)))
	v.archive()
	if files := v.files(); !slices.Equal(files, []string{".audit-2.part"}) {
		t.Errorf("files %v", files)
	}
}
