package security_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// smallDisk returns a folder on a small file system.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: needs Linux for a small file system")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("skipped: cannot make a small file system (", err, "): run as root")
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill fills the disk of dir and returns a function that frees the space.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(bytes.Repeat([]byte{1}, size)); err != nil {
			size /= 2
		}
	}
	_ = f.Close()
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaultDiskFull checks that requests that need a write are refused with 503 while the disk is
// full, and that existing sessions continue. Nothing is lost or granted in part, and everything
// works again once there is space.
func TestFaultDiskFull(t *testing.T) {
	dir := smallDisk(t)
	w := newWorldAt(t, &testkit.Database{T: t, File: filepath.Join(dir, "app.db")}, plenty)
	a, erika := w.withApp("anton"), w.person("erika").enrollMail()
	old := w.plantSession(a)
	old.in(a, 2)
	free := fill(t, dir)

	b := w.browser()
	for i := 0; i < 200; i++ { // pages that are there already still take a little
		if r := w.browser().login(erika); r.Status == 503 {
			break
		} else if r.Status != 200 && r.Status != 500 {
			t.Fatalf("a sign-in answers %d: %s", r.Status, r.Body)
		}
	}
	r := b.login(a).Want(503).Refused("the disk is full")
	if r.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	b.out("the disk is full")
	for _, page := range []string{"/login", "/tf-setup"} {
		if got := b.Get(page); got.Status >= 500 && got.Status != 503 {
			t.Errorf("%s: %d", page, got.Status)
		}
	}
	if user, _ := old.sees(); user == "" {
		t.Error("a session that lives is not read")
	}
	before := w.rows("users", "factors")
	old.Post("/tf-setup", m{"setup": "disable"}).Want(503).Refused("the disk is full")
	if w.rows("users", "factors") != before {
		t.Error("a factor was changed by half")
	}

	free()
	c := w.browser()
	c.login(a).Want(200)
	c.validate(a.Next()).Want(200)
	c.in(a, 2)
	d := w.browser()
	w.Advance(10 * time.Minute)
	d.login(erika).Want(200)
	d.validate(erika.Mailed()).Want(200)
	d.in(erika, 2)
}

// TestFaultClockSteps sets the clock forward by an hour, which expires sessions and opens nothing,
// and back by an hour, which makes no spent code usable again. Once the clock is right, everyone
// can sign in.
func TestFaultClockSteps(t *testing.T) {
	for name, step := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, plenty, func(c *twofold.Config) { c.Sessions.Idle = 30 * time.Minute })
			a, erika := w.withApp("anton"), w.person("erika").enrollMail()
			spent := a.Next()
			in := w.plantPending(a)
			in.validate(spent).Want(200)
			b := w.plantPending(erika)
			b.Post("/tf-resend", m{}).Want(200)
			spentMail := erika.Mailed()
			b.validate(spentMail).Want(200)
			waits := w.plantPending(erika) // with a code that is not used
			w.Advance(time.Minute)
			waits.Post("/tf-resend", m{}).Want(200)
			unused, rightTime := erika.Mailed(), w.Now()

			w.Advance(step)
			for _, again := range []string{spent, testkit.App(a.App).At(rightTime.Unix() / 30)} {
				w.plantPending(a).validate(again).Want(400).Refused("a code of another hour")
			}
			w.plantPending(erika).validate(spentMail).Want(400).Refused("a spent code")
			r := waits.validate(unused)
			user, _ := in.sees()
			if step > 0 {
				r.Want(400).Refused("a code, an hour old")
				if user != "" {
					t.Error("a session lives on after an hour without a request")
				}
			} else {
				r.Want(200) // it lives longer by the hour, and still works once
				w.plantPending(erika).validate(unused).Want(400).Refused("a spent code")
				if !strings.HasPrefix(user, a.Email) {
					t.Error("a living session was ended")
				}
			}

			w.Advance(-step)
			w.Advance(time.Minute)
			c := w.browser()
			c.login(a).Want(200)
			c.validate(a.Next()).Want(200)
			c.in(a, 2)
			for _, again := range []string{spent, unused, spentMail} {
				w.plantPending(a).validate(again).Want(400)
				w.plantPending(erika).validate(again).Want(400)
			}
			d := w.browser()
			w.Advance(16 * time.Minute)
			d.login(erika).Want(200)
			d.validate(erika.Mailed()).Want(200)
			d.in(erika, 2)
		})
	}
}
