package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// The test program runs itself as a second process: "count" writes until it is killed, and "take"
// competes for the keys that the parent sends.
const (
	envRole = "TWOFOLD_TEST_ROLE"
	envFile = "TWOFOLD_TEST_FILE"
)

func TestMain(m *testing.M) {
	role := os.Getenv(envRole)
	if role == "" {
		os.Exit(m.Run())
	}
	db, err := sqlite.Open(context.Background(), os.Getenv(envFile))
	if err == nil {
		err = map[string]func(*sqlite.DB) error{"count": count, "take": take}[role](db)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// child starts this program in a role and returns its input and output.
func child(t *testing.T, role, file string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envRole+"="+role, envFile+"="+file)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, in, bufio.NewScanner(out)
}

func budget(limit int) storage.Claim {
	return storage.Claim{Key: "guesses", Limit: limit, Window: time.Hour, Hold: time.Minute}
}

const factorID = "factor"

// count prints the number of each claim after the claim returned nil.
func count(db *sqlite.DB) error {
	for i := 1; ; i++ {
		if _, err := db.Reserve(context.Background(), now, budget(1<<30)); err != nil {
			return err
		}
		if err := db.AdvanceStep(context.Background(), factorID, int64(i), now); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

func TestAKilledProcessLosesNothingItWasTold(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		path, ctx := filepath.Join(t.TempDir(), "a.db"), t.Context()
		db := open(t, path)
		u := storage.User{ID: "user", CredentialVersion: "a"}
		f := storage.Factor{ID: factorID, UserID: u.ID}
		if err := db.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		if err := db.ChangeFactors(ctx, storage.FactorChange{UserID: u.ID, From: "a", To: "b", Add: &f}); err != nil {
			t.Fatal(err)
		}
		db.Close()

		cmd, _, out := child(t, "count", path)
		told := 0
		for told < 20+round && out.Scan() {
			told, _ = strconv.Atoi(out.Text())
		}
		if err := cmd.Process.Kill(); err != nil { // SIGKILL
			t.Fatal(err)
		}
		for out.Scan() { // what it still said
			told, _ = strconv.Atoi(out.Text())
		}
		_ = cmd.Wait()
		if told < 20 {
			t.Fatalf("the child counted to %d: %s", told, out.Text())
		}

		db = open(t, path)
		if err := db.AdvanceStep(ctx, factorID, int64(told), now); !errors.Is(err, storage.ErrUsed) {
			t.Errorf("step %d can be used again: %v", told, err)
		}
		// With one more claim, the count is at least told+1. If a claim were lost, the budget would
		// not be closed.
		if _, err := db.Reserve(ctx, now, budget(told+1)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Reserve(ctx, now, budget(told+1)); !errors.Is(err, storage.ErrUsed) {
			t.Errorf("of %d claims one was lost: %v", told, err)
		}
	}
}

const takers = 25 // in each process

// rush lets many goroutines take one code and returns how many succeeded.
func rush(db *sqlite.DB, key string) (int, error) {
	var won atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			err := db.TryChallenge(context.Background(), key, [][]byte{{1}}, now)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, storage.ErrNotFound):
				failed.Store(err)
			}
		})
	}
	all.Wait()
	err, _ := failed.Load().(error)
	return int(won.Load()), err
}

// take runs rush for each key that it reads and prints the results.
func take(db *sqlite.DB) error {
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n, err := rush(db, in.Text())
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return db.Close()
}

func TestOneOfFiftyTakersInTwoProcessesGetsTheChallenge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, path)
	_, in, out := child(t, "take", path)
	if !out.Scan() || out.Text() != "ready" {
		t.Fatal(out.Text())
	}
	here, there := 0, 0
	for i := range 40 {
		key := fmt.Sprint("c", i)
		c := storage.Challenge{Key: key, MAC: []byte{1}, Tries: 5, ExpiresAt: now.Add(time.Minute)}
		if err := db.PutChallenge(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(in, key)
		if i%2 == 0 { // the child needs a moment to read: let it be first at times
			time.Sleep(time.Duration(i) * 10 * time.Microsecond)
		}
		mine, err := rush(db, key)
		if err != nil {
			t.Fatal(err)
		}
		if !out.Scan() {
			t.Fatal("the child ended")
		}
		theirs, err := strconv.Atoi(strings.TrimSpace(out.Text()))
		if err != nil {
			t.Fatal(out.Text())
		}
		if mine+theirs != 1 {
			t.Fatalf("round %d: %d of this process and %d of the other got the code", i, mine, theirs)
		}
		here, there = here+mine, there+theirs
	}
	t.Logf("won here %d, there %d", here, there)
	in.Close()
}
