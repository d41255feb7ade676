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

// Former is the system from which the accounts of a site come, where it gave no password
// hashes: the site asks it at the first sign-in. It lets its users enter any address in
// their profile, and says which ones they proved.
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

// waiting is how many accounts the site has that wait for it.
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

// Waiting are the addresses of the accounts that the site is to have from the start.
func (f *Former) Waiting() (all []string) {
	for i := range waiting {
		all = append(all, fmt.Sprintf("waiting%d@old.example.org", i))
	}
	return all
}

// Take returns an account that no attack has used, or an empty one if all are used.
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

// Ask answers whether a password is that of a user.
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
