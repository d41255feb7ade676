package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// python is Debian's Python, which has Debian's modules.
const python = "/usr/bin/python3"

// oldSecrets encrypts the keys of authenticator apps at the old site.
const oldSecrets = `{"1": "kq3VvWZkS1vYUn0GxZ3bqv5d6sMN2f0mWl7rJxq8abc"}`

// oldSite runs the small site in testdata.
func oldSite(t *testing.T, database string, args ...string) string {
	t.Helper()
	args = append([]string{"testdata/flask/site.py", args[0], database}, args[1:]...)
	cmd := exec.Command(python, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONWARNINGS=ignore", "PYTHONDONTWRITEBYTECODE=1"}
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, trouble.String())
	}
	return strings.TrimSpace(string(out))
}

// move is a Flask-Security site whose accounts are imported.
type move struct {
	t        *testing.T
	dir, old string // old is its database
	env      []string
	from     []string // the import command
}

func newMove(t *testing.T, origin string) *move {
	t.Helper()
	modules := "import flask_security, flask_sqlalchemy, argon2"
	if err := exec.Command(python, "-c", modules).Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Debian's python3-flask-security is not here: scripts/prepare installs it")
		}
		t.Skip("needs Debian's python3-flask-security")
	}
	m := &move{t: t, dir: t.TempDir()}
	m.old = filepath.Join(m.dir, "app.db")
	oldSite(t, m.old, "make")
	secrets := filepath.Join(m.dir, "secrets.json")
	if err := os.WriteFile(secrets, []byte(oldSecrets), 0o600); err != nil {
		t.Fatal(err)
	}
	m.from = []string{"import", "flask-security", "sqlite:///" + m.old, "--totp-secrets", secrets}
	m.env = []string{
		"TWOFOLD_ORIGIN=" + origin, "SECRET_KEY=" + goodKey, "SECURITY_PASSWORD_SALT=" + sampleSalt,
		"SQLALCHEMY_DATABASE_URI=sqlite:///" + filepath.Join(m.dir, "twofold.db"),
	}
	return m
}

// run runs a command of the program.
func (m *move) run(stdin string, args ...string) string {
	m.t.Helper()
	return runProgram(m.t, m.env, stdin, args...)
}

// back exports all accounts, imports them into the old site, and returns the output.
func (m *move) back() string {
	m.t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		m.t.Fatal(err)
	}
	file := filepath.Join(m.dir, "accounts.age")
	m.run("", "export", "--with-secrets", "--recipient", identity.Recipient().String(), "-o", file)
	sealed, err := os.Open(file)
	if err != nil {
		m.t.Fatal(err)
	}
	defer sealed.Close()
	lines, err := age.Decrypt(sealed, identity)
	if err != nil {
		m.t.Fatal(err)
	}
	back := exec.Command(python, "../../examples/flask-security/back.py", "sqlite:///"+m.old)
	back.Env = []string{"PATH=/usr/bin:/bin", "SECURITY_TOTP_SECRETS=" + oldSecrets}
	back.Stdin = lines
	out, err := back.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestFlaskSecurityThereAndBack follows docs/moving.md: the accounts of a real site are imported,
// one user changes the password, and all accounts are moved back.
func TestFlaskSecurityThereAndBack(t *testing.T) {
	m := newMove(t, "http://localhost:8080")
	m.run("", append(m.from, "--dry-run")...)
	m.run("", m.from...)
	if out := m.run("", append(m.from, "--dry-run")...); !strings.Contains(out, "unchanged") {
		t.Errorf("a second import would change something: %s", out)
	}
	s := start(t, m.env)
	s.want(200, "POST", "/login", `{"email":"ann@example.org","password":"walking boots 71"}`)
	m.run("new walking boots 81", "user", "set-password", "ann@example.org", "--password-stdin")
	m.run("new walking boots 82", "user", "create", "eve@example.org", "--password-stdin")
	if out := m.back(); !strings.Contains(out, "2 accounts changed, 1 added") {
		t.Fatal(out)
	}
	for _, p := range []struct{ email, password, key, want string }{
		{"ann@example.org", "new walking boots 81", "", "session"},
		{"ann@example.org", "walking boots 71", "", "refused"},
		{"bob@example.org", "walking boots 72", "", "second factor"},
		{"bob@example.org", "walking boots 72", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "session"},
		{"eve@example.org", "new walking boots 82", "", "session"},
	} {
		args := []string{"signin", p.email, p.password}
		if p.key != "" {
			args = append(args, p.key)
		}
		if got := oldSite(t, m.old, args...); got != p.want {
			t.Errorf("%s with %q at the old site: %s, want %s", p.email, p.password, got, p.want)
		}
	}
}
