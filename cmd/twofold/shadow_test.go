package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
)

const shadowPassword = "correct horse 71 battery"

// shadowed is a site with accounts, and the environment of a command that uses it.
func shadowed(t *testing.T) (env []string, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "app.db")
	env = []string{
		"TWOFOLD_ORIGIN=http://localhost:8080", "SECRET_KEY=" + goodKey, "SQLALCHEMY_DATABASE_URI=sqlite:///" + file,
	}
	s, err := load(where{}, env)
	if err != nil {
		t.Fatal(err)
	}
	auth, db, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, err := password.New(password.Config{Scheme: "bcrypt"}) // a hash that a real sign-in would rewrite
	if err != nil {
		t.Fatal(err)
	}
	hash, err := old.Hash(t.Context(), shadowPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"in@example.org", "off@example.org"} {
		u, err := auth.CreateUser(t.Context(), twofold.NewUser{Email: email, PasswordHash: hash})
		if err == nil && email == "off@example.org" {
			err = auth.SetActive(t.Context(), u.ID, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return env, file
}

// contents returns all rows of the database.
func contents(t *testing.T, file string) string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	for _, table := range []string{"users", "counters", "events", "sessions", "pendings", "messages"} {
		rows, err := db.Query("SELECT * FROM twofold_" + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			for _, cell := range row {
				fmt.Fprintf(&out, "%v|", *cell.(*any))
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func signInLine(identity, password, outcome string) string {
	return fmt.Sprintf("{\"identity\":%q,\"password\":%q,\"outcome\":%q}\n", identity, password, outcome)
}

func TestShadowReportsDifferencesAndChangesNothing(t *testing.T) {
	env, file := shadowed(t)
	before := contents(t, file)
	log := filepath.Join(t.TempDir(), "signins.jsonl")
	input := signInLine("in@example.org", shadowPassword, "session") + // the same
		signInLine("in@example.org", "wrong", "refused") +
		signInLine("nobody@example.org", "wrong", "refused") +
		signInLine("off@example.org", shadowPassword, "refused") +
		signInLine("in@example.org", "", "session") + "\n" +
		signInLine("in@example.org", "", "refused") + // not compared
		signInLine("in@example.org", "wrong", "session") + // line 8 and on: different
		signInLine("gone@example.org", shadowPassword, "session") +
		signInLine("in@example.org", shadowPassword, "second factor") +
		signInLine("in@example.org", shadowPassword, "refused") +
		"not JSON\n" + signInLine("in@example.org", "x", "maybe")
	if err := os.WriteFile(log, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := shadowCommand{File: log}.Run(t.Context(), process{environ: env, out: &out, err: &out})
	if err == nil {
		t.Error("the command succeeds despite differences")
	}
	for _, want := range []string{
		`line 8: "in@example.org": session there, wrong password here`,
		`line 9: "gone@example.org": session there, unknown account here`,
		`line 10: "in@example.org": second factor there, session here`,
		`line 11: "in@example.org": refused there, session here`,
		"line 12: is not a sign-in", "line 13: is not a sign-in",
		"5 the same, 4 different, 1 refused without a password and not compared, 2 not read.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), shadowPassword) {
		t.Error("prints a password")
	}
	if after := contents(t, file); after != before {
		t.Error("the database has changed")
	}
}

func TestShadowAcceptsSignInsOnlyFromThisMachine(t *testing.T) {
	env, _ := shadowed(t)
	var out strings.Builder
	p := process{environ: env, out: &out, err: &out}
	for _, bad := range []string{"0.0.0.0:0", ":9009", "192.0.2.1:9009", "nonsense"} {
		if err := (shadowCommand{ListenAt: bad}).Run(t.Context(), p); err == nil {
			t.Errorf("listens at %s", bad)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := &shadow{kinds: map[string]int{}, out: &out}
	s.preview = func(context.Context, string, string) (string, []string, error) {
		return "second factor", []string{"authenticator"}, nil
	}
	told, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, "127.0.0.1:0", process{out: w, err: &out}) }()
	text := make([]byte, 200)
	n, _ := told.Read(text)
	_, at, _ := strings.Cut(string(text[:n]), "http://")
	at, _, _ = strings.Cut(at, "/")
	body := strings.NewReader(signInLine("a@example.org", "x", "session"))
	answer, err := http.Post("http://"+at, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	stop()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("does not stop")
	}
	want := "session there, second factor (authenticator) here"
	if answer.StatusCode != 204 || !strings.Contains(out.String(), want) {
		t.Errorf("%d: %s", answer.StatusCode, out.String())
	}
}
