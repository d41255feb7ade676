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
	w := newWorldIn(t, dir, plenty)
	a, erika := w.withApp("anton"), w.person("erika").enrollMail()
	old := w.plantSession(a)
	old.in(a, 2)
	free := fill(t, dir)

	b := w.browser()
	for i := 0; i < 200; i++ { // pages that are there already still take a little
		if r := w.browser().login(erika); r.status == 503 {
			break
		} else if r.status != 200 && r.status != 500 {
			t.Fatalf("a sign-in answers %d: %s", r.status, r.body)
		}
	}
	r := b.login(a).want(503).refused("the disk is full")
	if r.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	b.out("the disk is full")
	for _, page := range []string{"/login", "/tf-setup"} {
		if got := b.get(page); got.status >= 500 && got.status != 503 {
			t.Errorf("%s: %d", page, got.status)
		}
	}
	if user, _ := old.sees(); user == "" {
		t.Error("a session that lives is not read")
	}
	before := w.rows("users", "factors")
	old.post("/tf-setup", m{"setup": "disable"}).want(503).refused("the disk is full")
	if w.rows("users", "factors") != before {
		t.Error("a factor was changed by half")
	}

	free()
	c := w.browser()
	c.login(a).want(200)
	c.validate(a.next()).want(200)
	c.in(a, 2)
	d := w.browser()
	w.advance(10 * time.Minute)
	d.login(erika).want(200)
	d.validate(erika.mailed()).want(200)
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
			spent := a.next()
			in := w.plantPending(a)
			in.validate(spent).want(200)
			b := w.plantPending(erika)
			b.post("/tf-resend", m{}).want(200)
			spentMail := erika.mailed()
			b.validate(spentMail).want(200)
			waits := w.plantPending(erika) // with a code that is not used
			w.advance(time.Minute)
			waits.post("/tf-resend", m{}).want(200)
			unused, rightTime := erika.mailed(), w.Now()

			w.advance(step)
			for _, again := range []string{spent, totp(a.app, rightTime.Unix()/30)} {
				w.plantPending(a).validate(again).want(400).refused("a code of another hour")
			}
			w.plantPending(erika).validate(spentMail).want(400).refused("a spent code")
			r := waits.validate(unused)
			user, _ := in.sees()
			if step > 0 {
				r.want(400).refused("a code, an hour old")
				if user != "" {
					t.Error("a session lives on after an hour without a request")
				}
			} else {
				r.want(200) // it lives longer by the hour, and still works once
				w.plantPending(erika).validate(unused).want(400).refused("a spent code")
				if !strings.HasPrefix(user, a.email) {
					t.Error("a living session was ended")
				}
			}

			w.advance(-step)
			w.advance(time.Minute)
			c := w.browser()
			c.login(a).want(200)
			c.validate(a.next()).want(200)
			c.in(a, 2)
			for _, again := range []string{spent, unused, spentMail} {
				w.plantPending(a).validate(again).want(400)
				w.plantPending(erika).validate(again).want(400)
			}
			d := w.browser()
			w.advance(16 * time.Minute)
			d.login(erika).want(200)
			d.validate(erika.mailed()).want(200)
			d.in(erika, 2)
		})
	}
}
