package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// TestMain lets the recipe start this test program as bench.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_IS_ITSELF") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestRecipe runs the whole recipe with very small numbers.
func TestRecipe(t *testing.T) {
	if _, err := processCPU(os.Getpid()); err != nil {
		t.Skip("needs /proc:", err)
	}
	t.Setenv("BENCH_IS_ITSELF", "1")
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"all", "-dir", filepath.Join(t.TempDir(), "new"), "-users", "4000", "-rounds", "1", "-duration", "150ms",
		"-clients", "4", "-size=false",
	}, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"guarded / bare", "verdict / bare, CPU", "sign-in without the hash",
		"sign-ins / bare hashes", "memory, idle", "start to first"} {
		if !strings.Contains(out.String(), "| "+want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
}

// TestSizesAreCompared uses both engines with very small databases.
func TestSizesAreCompared(t *testing.T) {
	if _, err := processCPU(os.Getpid()); err != nil {
		t.Skip("needs /proc:", err)
	}
	t.Setenv("BENCH_IS_ITSELF", "1")
	for name, where := range map[string][]string{
		"sqlite": {"-dir", filepath.Join(t.TempDir(), "new")}, "postgres": {"-postgres", servers.Postgres(t)},
	} {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"flat", "-users", "30,60", "-rounds", "1", "-duration", "150ms",
			"-clients", "4"}, where...), &out)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, &out)
		}
		for _, want := range []string{"| CPU of | 30 users | 60 users |", "| request, session in memory | 0.",
			"| request, session read each time | 0.", "| sign-in besides the hash | "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the table has no %q:\n%s", name, want, &out)
			}
		}
	}
}

// placedAsTheStoreDoes checks that the seeder would put the first user and session, which the store
// wrote, in the same places as the others.
func placedAsTheStoreDoes(t *testing.T, file place) {
	t.Helper()
	db, err := file.openRaw()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var user, session, sessions int64
	hash := seal.HashToken(person(0).token())
	if err := db.QueryRow(`SELECT user_place, place, (SELECT COUNT(*) FROM twofold_sessions AS s JOIN twofold_users AS u
		ON u.place = s.user_place AND u.id = s.user_id) FROM twofold_sessions WHERE hash = $1`, hash).Scan(&user, &session, &sessions); err != nil {
		t.Fatal(err)
	}
	if user != userPlace(0) || session != sessionPlace(hash) || sessions != 50 {
		t.Errorf("the store has user %d, session %d, %d at their users' places; the seeder %d, %d, 50",
			user, session, sessions, userPlace(0), sessionPlace(hash))
	}
}

// TestEveryKindIsAnswered checks that no load measures refusals, and that the guard protects the
// page.
func TestEveryKindIsAnswered(t *testing.T) {
	file := place(filepath.Join(t.TempDir(), "a.db"))
	if n, err := seed(t.Context(), seedOptions{db: file, users: 50, factors: true, sessions: true}); err != nil ||
		n != 49 && n != 50 {
		t.Fatal(n, err)
	}
	if n, err := seed(t.Context(), seedOptions{db: file, users: 50, factors: true, sessions: true}); err != nil ||
		n != 0 {
		t.Fatal("seeded twice:", n, err)
	}
	placedAsTheStoreDoes(t, file)
	addr := start(t, file)
	c := client{addr: addr}
	defer c.close()
	if r, err := c.do("GET", "/guarded", "", nil); err != nil || r.status != 401 {
		t.Fatal("a stranger got through:", r.status, err)
	}
	for _, kind := range []string{"bare", "guarded", "verdict", "spread", "touch", "signin", "hash"} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"load", "-json", "-url", "http://" + addr, "-kind", kind,
			"-users", "50", "-clients", "1", "-warm", "0s", "-duration", "100ms"}, &out)
		var r result
		if err == nil {
			err = json.Unmarshal(out.Bytes(), &r)
		}
		if err != nil || r.N == 0 || len(r.Errors) > 0 {
			t.Errorf("%s: %v, %s", kind, err, &out)
		}
		if kind == "signin" && r.Hash == 0 && ownCPU() > 0 {
			t.Error("the hash in a sign-in was not timed")
		}
	}
}

// The error of a load that measured nothing says how many users it needs.
func TestALoadWithTooFewUsersFails(t *testing.T) {
	file := place(filepath.Join(t.TempDir(), "bench.db"))
	if _, err := seed(t.Context(), seedOptions{db: file, users: 50, factors: true, sessions: true}); err != nil {
		t.Fatal(err)
	}
	addr := start(t, file)
	load := func(args ...string) string {
		args = append([]string{"load", "-url", "http://" + addr, "-users", "50", "-duration", "10s"}, args...)
		err := run(t.Context(), args, io.Discard)
		if err == nil {
			t.Fatalf("%v: no error", args)
		}
		return err.Error()
	}
	for _, kind := range []string{"touch", "signin"} {
		text := load("-kind", kind, "-clients", "2", "-users", "20", "-warm", "10s")
		_, number, _ := strings.Cut(text, "takes about ")
		var n int
		if _, err := fmt.Sscanf(number, "%d users", &n); err != nil || n <= 20 {
			t.Errorf("%s: %q", kind, text)
		}
	}
	for want, args := range map[string][]string{
		"6 clients of kind touch need at least 60 users":   {"-kind", "touch", "-clients", "6"},
		"46 clients of kind spread need at least 51 users": {"-kind", "spread", "-clients", "46"},
		"51 clients of kind bare need at least 51 users":   {"-kind", "bare", "-clients", "51"},
		"answered as it should be: map[status 404:": {"-kind", "bare", "-clients", "1", "-duration", "50ms",
			"-url", "http://" + nowhere(t)},
	} {
		if text := load(args...); !strings.Contains(text, want) {
			t.Errorf("%v: %q\nwant %q in it", args, text, want)
		}
	}
}

// nowhere is a server without pages.
func nowhere(t *testing.T) (addr string) {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func start(t *testing.T, at place) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(t.Context(), at, true, "http://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l, s, &bytes.Buffer{}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestSeries(t *testing.T) {
	s := series{3, 1, 2}
	if s.median() != 2 || s.noise() != "100 %" {
		t.Error(s.median(), s.noise())
	}
	if got := over(series{1, 4}, series{2, 2}); got[0] != 0.5 || got[1] != 2 {
		t.Error(got)
	}
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Skip("needs /proc:", err)
	}
	for { // the counter has steps of 10 ms; on a busy machine this may take a while
		after, err := processCPU(os.Getpid())
		if err != nil || after < before {
			t.Fatal("the CPU that was used:", before, after, err)
		}
		if after > before {
			break
		}
	}
}
