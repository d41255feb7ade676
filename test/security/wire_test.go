package security_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// wire relays messages between a node and PostgreSQL and records those of the node.
type wire struct {
	mu    sync.Mutex
	trips []trip
}

// trip holds the messages that a node sent before it waited for an answer.
type trip struct {
	statements []string
	commits    bool // something that was written is kept from here on
}

// newWire returns the address of a database behind a wire.
func newWire(t testing.TB, address string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w, server := &wire{}, u.Host
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(client, server)
		}
	}()
	u.Host = l.Addr().String()
	return w, u.String()
}

func (w *wire) carry(client net.Conn, server string) {
	defer client.Close()
	to, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(client, to)
		_ = client.Close()
	}()
	from := io.TeeReader(client, to)
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil { // the start has no letter
		return
	}
	if _, err := io.CopyN(io.Discard, from, int64(binary.BigEndian.Uint32(length[:]))-4); err != nil {
		return
	}
	c := conversation{prepared: map[string]string{}}
	for {
		var head [5]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		if c.heard(head[0], body) {
			w.mu.Lock()
			w.trips = append(w.trips, c.trip())
			w.mu.Unlock()
		}
	}
}

// conversation is one connection. See the message formats in PostgreSQL's documentation.
type conversation struct {
	prepared      map[string]string
	sent          []string
	inside, wrote bool // a transaction is open; something was written
}

// heard records a message and reports whether the node now waits for an answer.
func (c *conversation) heard(kind byte, body []byte) bool {
	texts := bytes.Split(body, []byte{0})
	switch kind {
	case 'P': // Parse: name, text
		c.prepared[string(texts[0])] = string(texts[1])
	case 'B': // Bind: portal, name of the statement
		c.sent = append(c.sent, c.prepared[string(texts[1])])
	case 'Q':
		c.sent = append(c.sent, string(texts[0]))
		return true
	case 'S':
		return true
	}
	return false
}

var writes = regexp.MustCompile(`(?i)\b(INSERT INTO|UPDATE \w+ (AS \w+ )?SET|DELETE FROM)\b`)

func (c *conversation) trip() (out trip) {
	for _, text := range c.sent {
		text = strings.Join(strings.Fields(text), " ")
		out.statements = append(out.statements, text)
		c.wrote = c.wrote || writes.MatchString(text)
		switch word, _, _ := strings.Cut(strings.ToLower(text), " "); word {
		case "begin":
			c.inside = true
		case "rollback":
			c.inside, c.wrote = false, false
		case "commit":
			c.inside = false
		}
	}
	c.sent = nil
	if out.commits = c.wrote && !c.inside; out.commits {
		c.wrote = false
	}
	return out
}

// taken returns the messages sent since its last call.
func (w *wire) taken() (trips []trip) {
	w.mu.Lock()
	defer w.mu.Unlock()
	trips, w.trips = w.trips, nil
	return trips
}

func commits(trips []trip) (n int) {
	for _, one := range trips {
		if one.commits {
			n++
		}
	}
	return n
}

// TestHowOftenASignInAsksTheDatabase counts the commits and round trips of a sign-in with a
// password and the code of an app, in a known and in a new browser. Lower the figures when a step
// needs fewer.
func TestHowOftenASignInAsksTheDatabase(t *testing.T) {
	line, address := newWire(t, servers.PostgresTables(t))
	w := newWorldAt(t, &testkit.Database{T: t, Postgres: address})
	user := w.withApp("person")
	w.Nodes[0].StopWork()
	before := w.browser()
	for _, b := range []*browser{before, w.browser(), before} { // every statement is prepared
		w.Advance(3 * 60 * 1e9)
		b.login(user).Want(200)
		b.validate(user.Code(0)).Want(200)
		b.Post("/logout", m{}).Want(200)
	}
	for _, c := range []struct {
		who         string
		browser     *browser
		first, code [2]int // commits and round trips
	}{
		{"a browser that signed in before", before, [2]int{2, 4}, [2]int{1, 3}},
		{"another browser", w.browser(), [2]int{2, 4}, [2]int{1, 3}},
	} {
		w.Advance(3 * 60 * 1e9)
		line.taken()
		c.browser.login(user).Want(200)
		first := line.taken()
		c.browser.validate(user.Code(0)).Want(200)
		code := line.taken()
		for step, s := range map[string]struct {
			trips []trip
			most  [2]int
		}{"POST /login": {first, c.first}, "POST /tf-validate": {code, c.code}} {
			got := [2]int{commits(s.trips), len(s.trips)}
			told := t.Logf
			if got != s.most {
				told = t.Errorf
			}
			told("%s in %s: %d commits and %d round trips, not %d and %d:\n%s", step, c.who,
				got[0], got[1], s.most[0], s.most[1], listed(s.trips))
		}
	}
}

func listed(trips []trip) string {
	var b strings.Builder
	for i, one := range trips {
		for _, text := range one.statements {
			fmt.Fprintf(&b, "%3d %.110s\n", i+1, text)
		}
		if one.commits {
			b.WriteString("    -- committed\n")
		}
	}
	return b.String()
}
