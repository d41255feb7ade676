package servers

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// watch runs its arguments as a server until its standard input ends or has a line.
// Without a line, it then removes the directory.
const watch = `dir=$1; signal=$2; shift 2
"$@" </dev/null >>"$dir/log" 2>&1 &
pid=$!
trap '' INT TERM HUP
word=
read -r word
kill -s "$signal" $pid 2>/dev/null
wait $pid
[ -n "$word" ] || rm -rf "$dir"`

// Server is a server of one test, which can stop and start it.
type Server struct {
	URL string

	as      *syscall.Credential
	dir     string
	signal  string // signal for an orderly stop
	command []string
	ready   func() error
	watcher *exec.Cmd
	end     *os.File // closed when this program ends
}

// start runs the server with a watcher.
func (s *Server) start() error {
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	s.watcher = exec.Command("/bin/sh", append([]string{"-c", watch, "watch", s.dir, s.signal}, s.command...)...)
	s.watcher.Stdin = out
	s.watcher.Dir = s.dir
	s.watcher.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	err = s.watcher.Start()
	out.Close()
	if err != nil {
		in.Close()
		return err
	}
	s.end = in
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := s.ready()
		if err == nil {
			return nil
		}
		if time.Since(begun) > 60*time.Second {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			in.Close()
			_ = s.watcher.Wait()
			return fmt.Errorf("it did not start: %w\n%s", err, log)
		}
	}
}

// Stop ends the server. Its data on disk are kept.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if _, err := s.end.WriteString("keep\n"); err != nil {
		t.Fatal(err)
	}
	_ = s.watcher.Wait()
	s.end.Close()
}

// Start starts the server again, on the same port with the same data.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// own returns a server that ends with a test.
func own(t testing.TB, s *Server, err error) *Server {
	t.Helper()
	need(t, err)
	t.Cleanup(func() {
		s.end.Close()
		_ = s.watcher.Wait()
		_ = os.RemoveAll(s.dir) // needed if the server was stopped
	})
	return s
}

// folder creates an empty directory to which its user may write.
func folder(as *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "twofold-servers-")
	if err == nil && as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	return dir, err
}

// Port returns a port that nothing listens on.
func Port(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// freePort chooses a port that nothing listens on. It is below the ports that the
// system assigns to connections (32768 and more on Linux), so that no connection
// takes it in the meantime.
func freePort() (int, error) {
	for tries := 1; ; tries++ {
		n, err := rand.Int(rand.Reader, big.NewInt(20000))
		if err != nil {
			return 0, err
		}
		port := 10000 + int(n.Int64())
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, l.Close()
		}
		if tries == 100 {
			return 0, err
		}
	}
}

// errMissing is returned if a server is not installed.
var errMissing = errors.New("is not installed: scripts/prepare installs it where it may")

// find returns the path of a program. It also searches the directories of Debian's
// versions.
func find(name, folders string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	list, _ := filepath.Glob(filepath.Join(folders, name))
	if len(list) == 0 {
		return "", fmt.Errorf("%s %w", name, errMissing)
	}
	return list[len(list)-1], nil
}

// unprivileged returns the user for programs that refuse to run as root, or nil if
// the current user is not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is no user to run a database as")
}

// need ends a test whose server is not available.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skip("skipped: " + err.Error())
	default:
		t.Fatal(err)
	}
}

func run(as *syscall.Credential, dir string, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(command[0]), err, bytes.TrimSpace(out))
	}
	return nil
}

// New runs a program as a server of this test. signal is the signal that Stop
// sends, e.g. KILL. Standard output and standard error are written to a file named
// log in dir.
func New(t testing.TB, dir, signal string, port int, command ...string) *Server {
	t.Helper()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s := &Server{URL: "http://" + address, dir: dir, signal: signal, command: command}
	s.ready = func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
	return own(t, s, s.start())
}

// FreePort returns a port that nothing listened on just now.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Find returns the path of a program. If it is not installed, the test is skipped.
func Find(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name, "/usr/sbin")
	need(t, err)
	return path
}
