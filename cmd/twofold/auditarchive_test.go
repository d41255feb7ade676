package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/store/postgres"
)

// TestMonthsOfTheTrailAreArchived partitions the trail of a running server, and later has its
// workers archive the rows so far. The files and the rest are then verified by the command.
func TestMonthsOfTheTrailAreArchived(t *testing.T) {
	url, folder := servers.Postgres(t), t.TempDir()
	env := []string{"TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY=" + goodKey, "SQLALCHEMY_DATABASE_URI=" + url,
		"TWOFOLD_AUDIT_DAYS=400", "TWOFOLD_AUDIT_ARCHIVE=" + folder}
	f := &front{t: t}
	f.run(env, "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	s := start(t, env)
	s.want(200, "POST", "/login", joanSignsIn)
	for _, want := range []string{"is partitioned by month", "already partitioned"} {
		if out := f.run(env, "", "audit", "partition"); !strings.Contains(out, want) {
			t.Errorf("audit partition: %s", out)
		}
	}
	s.want(200, "POST", "/logout", `{}`)
	s.want(200, "POST", "/login", joanSignsIn)
	s.stop()

	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := seal.NewKeys(goodKey)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().AddDate(0, 0, 401) }
	trail := event.NewTrail(db, keys, now)
	for range 2 { // what the server wrote is sealed first, and the newest sealed row stays
		if err := trail.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := trail.Record(t.Context(), event.Entry{Name: "n", Result: event.OK}); err != nil {
			t.Fatal(err)
		}
	}
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost:8080", Key: twofold.KeyText(goodKey), Store: db,
		Accounts: twofold.Accounts{AuditDays: 400, AuditArchive: folder}, Advanced: twofold.Advanced{Now: now},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := background.Start(auth)
	archived := func() bool {
		c, err := db.Checkpoint(context.Background())
		return err == nil && c.Through > 0
	}
	for begun := time.Now(); !archived() && time.Since(begun) < time.Minute; {
		time.Sleep(20 * time.Millisecond)
	}
	stop()

	files, err := filepath.Glob(filepath.Join(folder, "audit-*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	out := f.run(env, "", "audit", "verify", files[0])
	head := regexp.MustCompile(`(?m)^Head: (.+)$`).FindStringSubmatch(out)
	if head == nil || !regexp.MustCompile(`is intact: .+, rows 1 to \d+\.\n`).MatchString(out) {
		t.Fatal(out)
	}
	out = f.run(env, "", "audit", "verify", "--head", head[1])
	if !strings.Contains(out, "The audit trail is intact: ") || !strings.Contains(out, "were removed by policy") {
		t.Error(out)
	}
	if out := f.refused(env, "audit", "verify", files[0], files[0]); !strings.Contains(out, "it follows row 0") {
		t.Error(out)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.jsonl")
	content = bytes.Replace(content, []byte(`"result":"ok"`), []byte(`"result":"refused"`), 1)
	if err := os.WriteFile(changed, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := f.refused(env, "audit", "verify", changed); !strings.Contains(out, "row 1: it was changed") {
		t.Error(out)
	}
}

func TestFilesThatDoNotBeginWithTheFirstRowAreNamed(t *testing.T) {
	for after, want := range map[int64]string{
		0: "rows 1 to 90", 40: "rows 41 to 90; it follows row 40, which is not among the files",
	} {
		got := extent(event.ArchiveReport{After: after, Through: 50}, event.ArchiveReport{Through: 90})
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// refused runs a command that fails and returns what it prints.
func (f *front) refused(env []string, args ...string) string {
	f.t.Helper()
	binary, err := buildOnce()
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err == nil {
		f.t.Errorf("%v: %s", args, out)
	}
	return string(out)
}
