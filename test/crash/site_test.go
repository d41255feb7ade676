package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

type m = map[string]any

// site is a database with the process that currently serves it, and direct access to it.
type site struct {
	*testing.T
	place
	listener *os.File
	child    *exec.Cmd
	said     string          // by the child before it died
	living   context.Context // until then
	db       storage.Store
	auth     *twofold.Auth
	client   *http.Client
	people   int
	corp     *federatedtest.Provider // another site, if there is one
}

func newSite(t *testing.T, engine string, set func(s *site)) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{T: t, place: place{Mails: filepath.Join(dir, "mails")}}
	db := testkit.DatabaseOf(t, engine)
	s.File, s.Postgres, s.Redis = db.File, db.Postgres, db.Redis
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.Origin = "http://" + l.Addr().String()
	s.listener, err = l.(*net.TCPListener).File()
	s.must(err)
	s.must(l.Close()) // the file goes on listening
	s.db, err = s.open(nil)
	s.must(err)
	if set != nil {
		set(s)
	}
	c, err := s.config(s.db, s.now)
	s.must(err)
	s.auth, err = twofold.New(c)
	s.must(err)
	s.client = testkit.NewClient(t, &http.Transport{DisableKeepAlives: true})
	s.start()
	stop := background.Start(s.auth)
	t.Cleanup(func() {
		_ = s.child.Process.Kill()
		<-s.living.Done()
		stop()
		_ = s.db.Close()
		_ = s.listener.Close()
	})
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// now returns the current time of the site.
func (s *site) now() time.Time { return time.Now().Add(s.Offset) }

// gap is the time that people wait before they request another mail.
func (s *site) gap() time.Duration { return time.Minute }

func (s *site) pass(d time.Duration) { s.Offset += d }

// start starts a child.
func (s *site) start() {
	s.Helper()
	at, err := json.Marshal(s.place)
	s.must(err)
	s.child = exec.Command(os.Args[0])
	s.child.Env = append(os.Environ(), role+"="+string(at))
	s.child.ExtraFiles = []*os.File{s.listener}
	s.child.Stderr = os.Stderr
	out, err := s.child.StdoutPipe()
	s.must(err)
	s.must(s.child.Start())
	living, end := context.WithCancel(context.WithoutCancel(s.Context()))
	s.living = living
	go func() {
		said, _ := io.ReadAll(out)
		s.said = strings.TrimSpace(string(said))
		_ = s.child.Wait()
		end()
	}()
}

// dead starts another child if the last one was killed, and returns the call at which it was.
func (s *site) dead() string {
	s.Helper()
	<-s.living.Done()
	where := s.said
	if where == "" {
		s.Fatal("the child ended by itself")
	}
	s.start()
	return where
}

// browser is a browser of a site, whose answers get lost if the child is killed. The calls of a
// marked browser count.
type browser struct {
	*testkit.Browser
	s      *site
	marked bool
	last   func() *testkit.Answer // the last request once more
	heard  []string               // the answers
}

func (s *site) browser() *browser {
	b := &browser{Browser: testkit.NewBrowser(s.T, s.client, s.Origin), s: s}
	b.Lost = true
	return b
}

func (b *browser) post(path string, body m) *testkit.Answer { return b.send("POST", path, body) }

func (b *browser) send(method, path string, body m) *testkit.Answer {
	b.s.Helper()
	b.last = func() *testkit.Answer { return b.send(method, path, body) }
	raw, contentType := "", ""
	if body != nil {
		text, err := json.Marshal(body)
		b.s.must(err)
		raw, contentType = string(text), testkit.TypeJSON
	}
	lines := []string{"Accept", testkit.TypeJSON, "X-Crash-Clock", strconv.FormatInt(int64(b.s.Offset), 10)}
	if b.marked {
		lines = append(lines, "X-Crash", "1")
	}
	b.Context = b.s.living
	a := b.Do(method, path, contentType, raw, lines...)
	if a.Status != 0 {
		b.heard = append(b.heard, fmt.Sprint(a.What, ": ", a.Status, " ", a.Body))
	}
	return a
}

// in reports whether the browser is signed in.
func (b *browser) in() bool {
	return strings.HasPrefix(b.send("GET", "/app/user", nil).Body, "signed in as ")
}

// arm kills the child at a call.
func (s *site) arm(at int, after bool) {
	s.Helper()
	if s.living.Err() != nil { // it was killed after its last answer
		s.dead()
	}
	r, err := http.NewRequestWithContext(s.living, "POST", s.Origin, nil)
	s.must(err)
	r.Header.Set("X-Crash-At", strconv.Itoa(at))
	if after {
		r.Header.Set("X-Crash-After", "1")
	}
	resp, err := s.client.Do(r)
	s.must(err)
	s.must(resp.Body.Close())
}

// mails returns the texts of all messages of a kind to a recipient, newest last.
func (s *site) mails(to, kind string) (texts []string) {
	s.Helper()
	raw, err := os.ReadFile(s.Mails)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(raw)) {
		var l letter
		if json.Unmarshal([]byte(line), &l) == nil && l.To == to && (kind == "" || l.Kind == kind) {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

// wait waits for a mail.
func (s *site) wait(to, kind string, find func(text string) string) string {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		texts := s.mails(to, kind)
		for _, text := range slices.Backward(texts) {
			if found := find(text); found != "" {
				return found
			}
		}
		if s.living.Err() != nil { // it was killed after its answer, before it sent anything
			return ""
		}
	}
	s.Fatalf("nothing %q was sent to %s", kind, to)
	return ""
}

// delivers waits until all messages stored before a crash are delivered, so that they do not arrive
// after the next request.
func (s *site) delivers() {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n, _, err := s.db.CountMessages(s.Context())
		if n == 0 && err == nil || s.living.Err() != nil {
			return
		}
		s.must(err)
	}
	s.Fatal("what was stored before is not delivered")
}

// linked returns the link that a request mails, or "" if the request gets no answer.
func (s *site) linked(to, kind string, ask func() *testkit.Answer) string {
	s.Helper()
	s.delivers()
	before := s.newest(to, kind)
	if a := ask(); a.Status != 200 {
		return ""
	}
	return s.newestOf(to, kind, func(string) string {
		if link := s.newest(to, kind); link != before {
			return link
		}
		return ""
	})
}

// newestOf returns a function for wait that waits until all mail is delivered, since a mail that
// was stored before a crash may come first.
func (s *site) newestOf(to, kind string, find func(text string) string) string {
	s.Helper()
	if s.wait(to, kind, find) == "" {
		return ""
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if n, _, err := s.db.CountMessages(s.Context()); err != nil || n == 0 {
			break // a mail that a killed process had taken comes later than that
		}
	}
	return s.wait(to, kind, find)
}

// newest returns the newest mailed link of a kind to a recipient.
func (s *site) newest(to, kind string) (link string) {
	for _, text := range s.mails(to, kind) {
		if found := testkit.Link(text, "confirm", "reset", "change-email", "tf-delete", "tf-invite", "tf-recovery",
			"login", "us-verify-link"); found != "" {
			link = found
		}
	}
	return link
}

// coded returns the code that a request mails, or "" if the request gets no answer. After a crash,
// an older mail may be sent again.
func (s *site) coded(to string, ask func() *testkit.Answer) string {
	s.Helper()
	s.delivers()
	before := strings.Join(s.mails(to, ""), "")
	if a := ask(); a.Status != 200 {
		return ""
	}
	return s.newestOf(to, "", func(text string) string {
		if code := testkit.Code(text); !strings.Contains(before, code) {
			return code
		}
		return ""
	})
}

func (s *site) code(to string) string {
	s.Helper()
	return s.wait(to, "", testkit.Code)
}

// person is an account with the credentials of its owner.
type person struct {
	s                *site
	id, email, phone string
	password         string
	app, newApp      testkit.App // its key, and that of one which may have taken its place
	b                *browser    // of the step under way
	codes            []string
	link             string
	first            string // the factor at the start
	key              *softkey.Key
	comesIn          func(b *browser) *testkit.Answer // begins a sign-in, where no password does
	again            func()                           // the last request once more, from elsewhere if that is worse
}

// person creates an account. The clock moves forward a day for each, so that the budgets of the
// client address are available.
func (s *site) person() *person {
	s.Helper()
	p := s.stranger()
	u, err := s.auth.CreateUser(s.Context(), twofold.NewUser{Email: p.email, PasswordHash: testkit.PasswordHash})
	s.must(err)
	p.id = u.ID
	return p
}

// stranger is a person without an account.
func (s *site) stranger() *person {
	s.people++
	s.pass(25 * time.Hour)
	name, phone := fmt.Sprintf("p%d@good.test", s.people), fmt.Sprintf("+491511%07d", s.people)
	return &person{s: s, email: name, phone: phone, password: testkit.Password}
}

func (s *site) withApp() *person {
	s.Helper()
	p := s.person()
	p.b = p.in()
	p.setsUpApp()
	p.b.post("/logout", m{})
	p.b = nil
	if len(p.factors()) != 1 {
		s.Fatal("no app was set up")
	}
	return p
}

// in returns a browser that signed in with all factors of the account.
func (p *person) in() *browser {
	p.s.Helper()
	b := p.s.browser()
	r := p.logsIn(b, nil)
	if len(p.factors()) > 0 {
		r = b.post("/tf-validate", m{"code": p.next()})
	}
	if r.Status != 200 || !b.in() {
		p.s.Fatalf("%s is not signed in: %d %s", p.email, r.Status, r.Body)
	}
	return b
}

func (p *person) factors() []storage.Factor {
	p.s.Helper()
	if p.id == "" {
		return nil
	}
	list, err := p.s.db.FactorsOf(p.s.Context(), p.id)
	p.s.must(err)
	return list
}

// next returns the app's next code, since each code is single-use.
func (p *person) next() string {
	if p.newApp != nil && p.replaced() != "" {
		p.app = p.newApp
	}
	return p.shows(p.app)
}

func (p *person) shows(app testkit.App) string {
	p.s.pass(time.Minute)
	return app.Code(p.s.now())
}

func (b *browser) copy() *browser {
	c := *b
	c.Browser = b.Copy()
	return &c
}
