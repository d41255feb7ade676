package door

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Former is a former system that provided no password hashes. The site queries it at the first
// sign-in of an account. Its users can enter any address in their profile, and it reports which
// ones are proven.
type Former struct {
	URL, Secret string
	listener    net.Listener

	mu    sync.Mutex
	users map[string]FormerUser
	next  int
}

// FormerUser is a user of the former system.
type FormerUser struct {
	Password, Email string
	Proven          bool
}

// waiting is the number of accounts at the site that wait for the former system.
const waiting = 8

// OpenFormer starts one.
func OpenFormer() (*Former, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Former{
		URL: "http://" + l.Addr().String(), Secret: rand.Text() + rand.Text(), listener: l,
		users: map[string]FormerUser{},
	}
	server := &http.Server{Handler: http.HandlerFunc(f.asked), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	return f, nil
}

// Close stops it.
func (f *Former) Close() { f.listener.Close() }

// Waiting returns the addresses of the accounts that the site must have at the start.
func (f *Former) Waiting() (all []string) {
	for i := range waiting {
		all = append(all, fmt.Sprintf("waiting%d@old.example.org", i))
	}
	return all
}

// Take returns an account that no attack has used, or an empty one if there are none left.
func (f *Former) Take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == waiting {
		return ""
	}
	f.next++
	return f.Waiting()[f.next-1]
}

// Put adds a user.
func (f *Former) Put(identity string, u FormerUser) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[identity] = u
}

// Ask reports whether a password is that of a user.
func (f *Former) Ask(identity, password string) (FormerUser, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, there := f.users[identity]
	return u, there && u.Password == password
}

func (f *Former) asked(w http.ResponseWriter, r *http.Request) {
	var in struct{ Identity, Password string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		http.Error(w, "JSON with identity and password is expected", http.StatusBadRequest)
		return
	}
	u, ok := f.Ask(in.Identity, in.Password)
	if !ok {
		tell(w, map[string]any{"ok": false})
		return
	}
	tell(w, map[string]any{"ok": true, "email": u.Email, "email_verified": u.Proven})
}
