package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExampleSystemd lets systemd verify the unit and rate its exposure.
func TestExampleSystemd(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../examples/systemd/twofold.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "twofold.service")
	text := strings.ReplaceAll(string(raw), "/usr/local/bin/twofold", binary)
	if text == string(raw) {
		t.Fatal("the unit does not start /usr/local/bin/twofold")
	}
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", unit).CombinedOutput(); err != nil ||
		strings.Contains(string(out), "twofold.service") {
		t.Errorf("systemd reports problems of the unit: %v %s", err, out)
	}
	// 0 means no exposure and 10 the most; the threshold is in tenths.
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15",
		unit).CombinedOutput(); err != nil {
		t.Errorf("the exposure of the unit is too high: %s", out)
	}
}

// TestExampleContainer runs the program as the container file does: alone in a read-only root, as
// an unprivileged user, with all data in /data.
func TestExampleContainer(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("skipped: a separate root directory needs root")
	}
	raw, err := os.ReadFile("../../examples/container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, _ := strings.Cut(string(raw), "FROM scratch\n")
	for _, line := range []string{"USER 65532:65532\n", "WORKDIR /data\n", `ENTRYPOINT ["/twofold"]`, `CMD ["serve"]`,
		"sqlite:////data/twofold.db"} {
		if !strings.Contains(final, line) {
			t.Fatalf("the container file has no %q: this test proves nothing", line)
		}
	}
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=80m"); err != nil {
		t.Skip("skipped: cannot create a root: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	program, err := os.ReadFile(binary)
	must(err)
	must(os.WriteFile(filepath.Join(root, "twofold"), program, 0o755))
	data := filepath.Join(root, "data")
	must(os.Mkdir(data, 0o700))
	must(unix.Mount("tmpfs", data, "tmpfs", 0, "size=8m,mode=0700,uid=65532,gid=65532"))
	t.Cleanup(func() { _ = unix.Unmount(data, unix.MNT_DETACH) })
	must(unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))

	s := confined(t, root)
	s.want(200, "GET", "/readyz", "")
	s.want(200, "GET", "/login", "")
	s.want(400, "POST", "/login", `{"email":"joan@example.org","password":"wrong"}`)
	s.stop()
	if _, err := os.Stat(filepath.Join(data, "twofold.db")); err != nil {
		t.Error("the database is not in /data: ", err)
	}
}

// confined runs serve in a separate root without privileges.
func confined(t *testing.T, root string, env ...string) *server {
	t.Helper()
	cmd := exec.Command("/twofold", "serve", "--listen", "127.0.0.1:0")
	cmd.Dir = "/data"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root,
		Credential: &syscall.Credential{Uid: 65532, Gid: 65532, NoSetGroups: false}}
	cmd.Env = append(env, "TWOFOLD_LOG_FORMAT=json", "TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY="+goodKey,
		"SQLALCHEMY_DATABASE_URI=sqlite:////data/twofold.db")
	return follow(t, cmd)
}

// TestExamplesAreDocumented checks that a page of docs names every example file that other programs
// read.
func TestExamplesAreDocumented(t *testing.T) {
	var doc strings.Builder
	for _, page := range []string{
		"server.md", "gate.md", "moving.md", "tutorial.md", "how-to/single-page-application.md",
	} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		doc.Write(text)
	}
	files, err := filepath.Glob("../../examples/*/*")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, f := range files {
		name := strings.TrimPrefix(f, "../../")
		if strings.HasSuffix(name, ".go") || strings.Contains(name, "/go.") {
			continue
		}
		shown++
		if !strings.Contains(doc.String(), name) {
			t.Errorf("no page of docs names %s", name)
		}
	}
	if shown < 6 {
		t.Errorf("only %d files: this test looks in the wrong place", shown)
	}
	known := map[string]bool{}
	for _, row := range table() {
		known[row.Name] = true
	}
	for _, name := range regexp.MustCompile(`\b(?:TWOFOLD|SECURITY|MAIL)_[A-Z_]+\b`).FindAllString(doc.String(), -1) {
		if !known[name] {
			t.Errorf("docs/server.md names %s, which is not a setting", name)
		}
	}
}
