package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// The account of every site, which `twofold serve --dev` creates.
const (
	person = "test@me.com"
	secret = "password"
)

// site is a running sign-in.
type site interface {
	origin() string
	// now returns the time on the users' phones.
	now() time.Time
	// pass moves the clock forward.
	pass(time.Duration)
	// messages returns the messages that the site sent, newest first.
	messages(*testing.T) []message
}

// message is a mail or a text message.
type message struct {
	At                         time.Time
	Channel, To, Subject, Text string
}

// code returns the newest code that was sent to a recipient. Call it after the page that reports
// the message as sent; then the code is there.
func code(t *testing.T, s site, to string) string {
	t.Helper()
	for _, m := range s.messages(t) {
		if c := testkit.Code(m.Text); m.To == to && c != "" && !strings.Contains(m.Text, "/tf-not-me/") {
			return c
		}
	}
	t.Fatalf("no code was sent to %s", to)
	return ""
}

// notice returns the path in the newest notice to a recipient. Notices are sent a moment after the
// page.
func notice(t *testing.T, s site, to string) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, m := range s.messages(t) {
			link := testkit.Link(m.Text, "tf-not-me")
			if m.To == to && link != "" && strings.Contains(m.Text, s.origin()+link) {
				return link
			}
		}
	}
	t.Fatalf("no notice was sent to %s", to)
	return ""
}

// server is the program in development mode.
type server struct{ address string }

// program builds the server once.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "twofold")
	out, err := exec.Command("go", "build", "-C", "../..", "-o", file, "./cmd/twofold").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// newServer starts the program in a separate folder. Settings have the form NAME=value.
func newServer(t *testing.T, settings ...string) *server {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, "serve", "--dev", "--listen", "127.0.0.1:0", "--dir", t.TempDir())
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "TWOFOLD_LOG_LEVEL=warn",
		"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=False"}, settings...)
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan string, 1)
	var said strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`Sign in +(http://\S+)/login`).FindStringSubmatch(lines.Text()); m != nil {
				select {
				case serving <- m[1]:
				default:
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", said.String())
		}
	})
	select {
	case address := <-serving:
		return &server{address}
	case <-read:
		t.Fatalf("the server does not start:\n%s", said.String())
	case <-time.After(patience):
		t.Fatal("the server does not say where it listens")
	}
	return nil
}

func (s *server) origin() string       { return s.address }
func (s *server) now() time.Time       { return time.Now() }
func (s *server) pass(d time.Duration) { time.Sleep(d) }

func (s *server) messages(t *testing.T) []message {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+"/dev/outbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list []message
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// library is the package in this process, with a clock that tests can move.
type library struct {
	address string
	box     *send.Box
	auth    *twofold.Auth
	db      *sqlite.DB

	mu    sync.Mutex
	ahead time.Duration
	deaf  bool
}

// newLibrary starts the package with all features.
func newLibrary(t *testing.T, change ...func(*twofold.Config)) *library {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &library{address: "http://" + listener.Addr().String(), box: send.NewBox(100), db: db}
	c := twofold.Config{
		Origin: s.address, Key: twofold.KeyText(twofold.NewKey()), Store: db, Pages: twofold.Pages{Site: "Twofold",
			AccountPage: true},
		TwoFactor: twofold.TwoFactor{
			RescueEmail: true, HelpAddress: "help@example.org", LoginValidity: 30 * 24 * time.Hour,
			RecoveryCodes: &twofold.RecoveryCodes{},
		},
		Mail: s, SMS: s, Accounts: twofold.Accounts{Registerable: true},
		Advanced: twofold.Advanced{
			Now:    s.now,
			Limits: limit.Limits{SendShort: 1000, SendDay: 1000, SendGap: time.Second},
		},
	}
	c.Pages.Views.PostLogin = "/me"
	for _, f := range change {
		f(&c)
	}
	if s.auth, err = twofold.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(background.Start(s.auth))
	s.createUser(t, person, "")
	mux := http.NewServeMux()
	s.auth.Mount(mux)
	mux.Handle("GET /{$}", http.RedirectHandler("/me", http.StatusFound))
	mux.Handle("GET /admin", s.auth.RequireRole("admin")(http.NotFoundHandler()))
	mux.Handle("/", s.auth)
	web := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux, ReadHeaderTimeout: patience}}
	web.Start()
	t.Cleanup(web.Close)
	return s
}

var hashed = sync.OnceValues(func() (string, error) {
	h, err := password.New(password.Config{})
	if err != nil {
		return "", err
	}
	return h.Hash(context.Background(), secret)
})

func (s *library) createUser(t *testing.T, email, username string) {
	t.Helper()
	hash, err := hashed()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.auth.CreateUser(t.Context(),
		twofold.NewUser{Email: email, Username: username, PasswordHash: hash}); err != nil {
		t.Fatal(err)
	}
}

// Send implements send.Sender.
func (s *library) Send(ctx context.Context, m send.Message) error {
	s.mu.Lock()
	deaf := s.deaf
	s.mu.Unlock()
	if deaf {
		return fmt.Errorf("the line is down")
	}
	return s.box.Send(ctx, m)
}

// cutLine makes all messages fail, or lets them pass again.
func (s *library) cutLine(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = cut
}

func (s *library) origin() string { return s.address }

func (s *library) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *library) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func (s *library) messages(*testing.T) []message {
	var list []message
	for _, k := range s.box.Messages() {
		list = append(list, message{k.At, k.Message.Channel, k.Message.To, k.Message.Subject, k.Message.Text})
	}
	return list
}
