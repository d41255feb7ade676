// Package security_test attacks the complete sign-in over real HTTP with a real database (see
// testkit.Database), with one test for each requirement, named by its number. Tests examine the
// responses, the messages and the contents of the database.
package security_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// notBuilt: parts of requirements that wait for a feature. Anyone who builds one
// takes its line out and adds the sentences it stands for.
//
//	notice that a factor was ended             R37 R61

const (
	secret   = testkit.Password
	hashed   = testkit.PasswordHash
	firstKey = testkit.Key
	helpBox  = "help@good.test"
)

type (
	m      = map[string]any // a JSON object
	node   = testkit.Node
	answer = testkit.Answer
)

// world is a site, and every secret that it issued.
type world struct {
	*testkit.Site
	replies   *testkit.Buffer // every reply: status, headers, body
	witnesses int             // accounts made by later
	*issued
}

// issued holds what the answers of a site gave to browsers.
type issued struct {
	mu      sync.Mutex
	secrets map[string]string   // value handed out -> what it is
	cookies map[string][]string // Set-Cookie lines by name
}

// newWorld starts a world with one node.
func newWorld(t testing.TB, change ...func(*twofold.Config)) *world {
	t.Helper()
	return newWorldAt(t, testkit.NewDatabase(t), change...)
}

func newWorldAt(t testing.TB, db *testkit.Database, change ...func(*twofold.Config)) *world {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	w := &world{replies: &testkit.Buffer{},
		issued: &issued{secrets: map[string]string{secret: "password"}, cookies: map[string][]string{}}}
	w.Site = testkit.NewSite(t, db, append([]func(*twofold.Config){features}, change...)...)
	w.Seen, w.Pages = w.records, frontPage
	w.Start(nil)
	return w
}

// frontPage answers every path that nothing else does.
func frontPage(mux *http.ServeMux, _ *twofold.Auth) {
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "front page") })
}

// features enables what most tests attack.
func features(c *twofold.Config) {
	c.Pages = twofold.Pages{Site: "good", AccountPage: true}
	c.Accounts = twofold.Accounts{Registerable: true, Usernames: true}
	c.TwoFactor.LoginValidity, c.TwoFactor.RescueEmail, c.TwoFactor.HelpAddress = 30*24*time.Hour, true, helpBox
	c.TwoFactor.RecoveryCodes = &twofold.RecoveryCodes{}
	c.Passkeys = passkeys()
}

// happened returns the events of one type.
func happened[E event.Event](w *world) []E { return testkit.EventsOf[E](w.Events) }

// records notes what an answer hands out.
func (w *world) records(a *answer) {
	fmt.Fprintf(w.replies, "%s -> %d %v\n%s\n", a.What, a.Status, a.Header, a.Body)
	w.mu.Lock()
	for _, line := range a.Header.Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		w.cookies[name] = append(w.cookies[name], line)
	}
	w.mu.Unlock()
	for _, c := range a.Cookies() {
		if c.MaxAge >= 0 && !strings.HasSuffix(c.Name, "notes") && !strings.HasSuffix(c.Name, "refused") {
			w.handedOut(c.Name+" cookie", c.Value)
		}
	}
	for _, k := range []string{"tf_authr_b32key", "tf_authr_key", "tf_state_token", "csrf_token"} {
		w.handedOut(k, a.Field(k))
	}
	if user, ok := a.JSON["user"].(m); ok {
		if v, ok := user["authentication_token"].(string); ok {
			w.handedOut("authentication_token", v)
		}
	}
}

// handedOut records a secret, so that tests can search for it where it must not be.
func (w *world) handedOut(what, value string) {
	if len(value) < 6 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[value] = what
}

// known returns every secret issued so far, including the codes in messages.
func (w *world) known() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for v, what := range w.secrets {
		out[v] = what
	}
	for _, m := range append(w.Mail.All(), w.SMS.All()...) {
		for _, code := range testkit.Codes(m.Text) {
			out[code] = "code by " + m.Channel
		}
	}
	return out
}

func (w *world) dump() []testkit.Cell { w.T.Helper(); return w.DB.Dump() }

// rows returns a table's content as one text, without the columns that every request changes. Tests
// compare it before and after an action.
func (w *world) rows(tables ...string) string {
	w.T.Helper()
	var b strings.Builder
	for _, c := range w.dump() {
		for _, t := range tables {
			if c.Table == "twofold_"+t && c.Column != "seen_at" && c.Column != "idle_at" && c.Column != "ends_at" {
				fmt.Fprintf(&b, "%s.%s=%s\n", c.Table, c.Column, c.Hex)
			}
		}
	}
	return b.String()
}

// count returns the number of rows of a table.
func (w *world) count(table string) int {
	w.T.Helper()
	if table == "sessions" { // valid ones: it does not matter when expired ones are swept
		return w.number(`SELECT COUNT(*) FROM twofold_sessions WHERE ends_at > ?`, w.Now().UnixMicro())
	}
	return w.number(`SELECT COUNT(*) FROM twofold_` + table)
}

func (w *world) write(query string, args ...any) { w.T.Helper(); w.DB.Write(query, args...) }

func (w *world) number(query string, args ...any) int {
	w.T.Helper()
	return w.DB.Number(query, args...)
}

// settled waits until all messages are sent.
func (w *world) settled() {
	w.T.Helper()
	w.wait("all messages are sent", func() bool { return w.count("messages") == 0 })
}

// sealed waits until all rows of the audit trail are sealed, so that later ones are not under the same
// seal.
func (w *world) sealed() {
	w.T.Helper()
	w.wait("all rows are sealed", func() bool {
		return w.number(`SELECT COUNT(*) FROM twofold_events
			WHERE row_no > (SELECT COALESCE(MAX(through_row), 0) FROM twofold_event_seals)`) == 0
	})
}

// mails returns the number of mails sent so far, including those in progress.
func (w *world) mails() int {
	w.T.Helper()
	w.settled()
	return len(w.Mail.All())
}

// texts returns the number of SMS messages, including those in progress.
func (w *world) texts() int {
	w.T.Helper()
	w.settled()
	return len(w.SMS.All())
}

// read reads the response to a request that no browser sent.
func (w *world) read(what string, resp *http.Response) *answer {
	w.T.Helper()
	a, err := testkit.ReadAnswer(w.T, what, resp)
	w.Must(err)
	w.records(a)
	return a
}

// raw sends bytes unchanged and reads one response, nil if there is none.
func (w *world) raw(n *node, text string) *answer {
	w.T.Helper()
	c, err := net.DialTimeout("tcp", n.Addr, 5*time.Second)
	w.Must(err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return nil
	}
	var seen bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &seen)),
		&http.Request{Method: text[:strings.IndexByte(text, ' ')]})
	if err != nil {
		return nil
	}
	a := w.read("raw "+text[:min(len(text), 60)], resp)
	a.Body = seen.String()
	return a
}
