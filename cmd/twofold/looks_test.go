package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"testing"

	"github.com/twofold-auth/twofold/send/sendtest"
)

// TestReadOnlyCommandsStartNoWorkers checks that doctor and config check do not send a message that is
// due. The server sends it.
func TestReadOnlyCommandsStartNoWorkers(t *testing.T) {
	t.Parallel()
	mail := sendtest.SMTP(t)
	path := filepath.Join(t.TempDir(), "app.db")
	env := []string{
		"TWOFOLD_ORIGIN=http://localhost:1", "SECRET_KEY=" + goodKey, "SQLALCHEMY_DATABASE_URI=sqlite:///" + path,
		"MAIL_SERVER=" + mail.Host, fmt.Sprintf("MAIL_PORT=%d",
			mail.Port), "SECURITY_EMAIL_SENDER=no-reply@example.org",
	}
	f := &front{t: t}
	f.run(env, "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	mail.Answer(sendtest.AtRcpt, 451, [3]int{4, 3, 0}, "try again later")
	f.run(env, "another horse 71 battery", "user", "set-password", "joan@example.org", "--password-stdin")
	mail.Answer(sendtest.AtRcpt, 0, [3]int{}, "")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	waiting := func() (n int) {
		t.Helper()
		if err := db.QueryRow(`SELECT COUNT(*) FROM twofold_messages WHERE due_at = 0`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := db.Exec(`UPDATE twofold_messages SET due_at = 0`); err != nil {
		t.Fatal(err)
	}
	if waiting() == 0 {
		t.Fatal("no message is queued, so the test proves nothing")
	}
	for range 3 {
		for _, command := range [][]string{{"doctor"}, {"doctor", "--store"}, {"config", "check", "--connect"}} {
			f.run(env, "", command...)
			if len(mail.Mails()) > 0 || waiting() == 0 {
				t.Fatalf("%v sent a message that was due", command)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, env).awaited("message sent", 1)
	if len(mail.Mails()) == 0 {
		t.Error("the server did not send it")
	}
}

// TestSessionsAreEndedFromTheCommandLine ends one session and then all sessions, also while a
// server runs.
func TestSessionsAreEndedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	env := []string{
		"TWOFOLD_ORIGIN=http://localhost:1", "SECRET_KEY=" + goodKey, "SQLALCHEMY_DATABASE_URI=sqlite:///" + path,
	}
	f := &front{t: t}
	f.run(env, "correct horse 71 battery", "user", "create", "joan@example.org", "--password-stdin")
	one := start(t, env)
	other := func() *server {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &server{t: t, url: one.url, http: &http.Client{Jar: jar}}
	}
	two, three := other(), other()
	list := func() (ids []string) {
		t.Helper()
		var rows []sessionRow
		text := f.run(env, "", "user", "sessions", "joan@example.org", "--json")
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		return ids
	}
	one.want(200, "POST", "/login", joanSignsIn)
	first := list()
	if len(first) != 1 {
		t.Fatalf("one sign-in makes the sessions %v", first)
	}
	two.want(200, "POST", "/login", joanSignsIn)
	three.want(200, "POST", "/login", joanSignsIn)
	if n := len(list()); n != 3 {
		t.Fatalf("three sign-ins make %d sessions", n)
	}
	f.run(env, "", "user", "sessions", "joan@example.org", "--end", first[0])
	one.becomes(401, "GET", "/me", "")
	two.want(200, "GET", "/me", "")
	three.want(200, "GET", "/me", "")
	f.run(env, "", "user", "sessions", "joan@example.org", "--end-all")
	two.becomes(401, "GET", "/me", "")
	three.becomes(401, "GET", "/me", "")
	if left := list(); len(left) != 0 {
		t.Errorf("after all sessions were ended, there are %v", left)
	}
}
