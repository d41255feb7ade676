package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// A copy made during sign-ins contains a server's whole state: with the copy and the key, all users
// can sign in with both factors.
func TestBackupOfARunningServer(t *testing.T) {
	dir := t.TempDir()
	env := func(file string) []string {
		return []string{"TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY=" + goodKey,
			"SQLALCHEMY_DATABASE_URI=sqlite:///" + filepath.Join(dir, file)}
	}
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	run := func(stdin string, args ...string) (string, error) {
		cmd := exec.Command(binary, args...)
		cmd.Env, cmd.Stdin = env("app.db"), strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("correct horse 71 battery", "user", "create", "joan@example.org",
		"--password-stdin"); err != nil {
		t.Fatal(err, out)
	}
	s := start(t, env("app.db"))
	credentials := `{"email":"joan@example.org","password":"correct horse 71 battery"}`
	s.want(200, "POST", "/login", credentials)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // the database is in use throughout
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				s.do("POST", "/verify", `{"password":"correct horse 71 battery"}`)
			}
		}
	}()
	out, err := run("", "backup", filepath.Join(dir, "copy.db"))
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err, out)
	}
	s.stop()
	restored := start(t, env("copy.db"))
	restored.want(200, "POST", "/login", credentials)
	if me := restored.want(200, "GET", "/me", ""); !strings.Contains(me, "joan@example.org") {
		t.Errorf("signed in as %s", me)
	}
	restored.stop()
	if out, err := run("", "backup", filepath.Join(dir, "copy.db")); err == nil {
		t.Errorf("an existing copy was overwritten: %s", out)
	}
}

// The test follows docs/server.md for PostgreSQL: a dump of a running server, restored into an
// empty database, replaces that server.
func TestBackupOfPostgres(t *testing.T) {
	dump, restore := program(t, "pg_dump"), program(t, "pg_restore")
	from, to := servers.NewPostgres(t), servers.NewPostgres(t)
	env := func(url string) []string {
		return []string{"TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY=" + goodKey,
			"SQLALCHEMY_DATABASE_URI=" + url}
	}
	f := &front{t: t}
	f.run(env(from.URL), "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	s := start(t, env(from.URL))
	f.run(env(from.URL), "", "audit", "partition")
	s.want(200, "POST", "/login", joanSignsIn)
	file := filepath.Join(t.TempDir(), "twofold.dump")
	for _, args := range [][]string{
		{dump, "--format=custom", "--file=" + file, from.URL},
		{restore, "--clean", "--if-exists", "--no-owner", "--dbname=" + to.URL, file},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
	}
	restored := start(t, env(to.URL))
	restored.want(200, "POST", "/login", joanSignsIn)
	restored.want(200, "GET", "/me", "")
	restored.stop()
	s.stop()
	f.run(env(to.URL), "", "audit", "verify")
}
