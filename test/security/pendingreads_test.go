package security_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// pendingReads is a store that counts reads of pending sign-ins.
type pendingReads struct {
	storage.Store // not a storage.SessionUser, so every read is one of these
	n             atomic.Int64
}

func (s *pendingReads) Pending(ctx context.Context, hash string, now time.Time) (storage.Pending, error) {
	s.n.Add(1)
	return s.Store.Pending(ctx, hash, now)
}

// plantReauth stores a session with a re-authentication that waits for the second factor.
func (w *world) plantReauth(p *person) *browser {
	w.T.Helper()
	b := w.plantSession(p)
	db := w.Nodes[0].Store
	s, err := db.Session(w.T.Context(), seal.HashToken(b.Jar["twofold"]), w.Now())
	w.Must(err)
	b.Jar["twofold-pending"] = w.plantPending(p).Jar["twofold-pending"]
	q, err := db.TakePending(w.T.Context(), seal.HashToken(b.Jar["twofold-pending"]))
	w.Must(err)
	q.SessionID = s.ID
	w.Must(db.PutPending(w.T.Context(), q))
	return b
}

// TestAPendingSignInIsReadOnceARequest checks that every path, in every state of a pending sign-in,
// reads its record at most once, so that all steps of a request use the same state.
func TestAPendingSignInIsReadOnceARequest(t *testing.T) {
	w := newWorld(t, open, unified, tokens)
	store := &pendingReads{}
	n := w.Start(func(s storage.Store) storage.Store { store.Store = s; return store })
	plain, full, two, phone := w.person("plain"), w.withApp("full"), w.withApp("both"), w.person("phone")
	w.plantFactor(two, storage.SMS, "+41791234567")
	w.plantFactor(phone, storage.SMS, "+41791234568")
	of := func(plant func(*person) *browser, p *person) func() *browser {
		return func() *browser { return plant(p) }
	}
	states := map[string]func() *browser{
		"setup": of(w.plantPending, plain), "app": of(w.plantPending, full), "select": of(w.plantPending, two),
		"sms": of(w.plantPending, phone), "again": of(w.plantReauth, full), "again, sms": of(w.plantReauth, phone),
		"over": func() *browser {
			b := w.browser()
			b.Jar["twofold-pending"] = seal.Token()
			return b
		},
	}
	bodies := map[string]m{
		"/login": {"email": full.Email, "password": "wrong"}, "/verify": {"password": secret},
		"/us-signin": {"identity": full.Email, "passcode": "wrong"}, "/us-verify": {"passcode": "wrong"},
		"/tf-setup": {"setup": "authenticator"}, "/tf-select": {"which": "sms"}, "/tf-rescue": {"help_setup": "email"},
		"/tf-validate": {"code": "123456"}, "/mf-recovery": {"code": "aaaa-bbbb-cccc"},
		"/wan-register": {"name": "x", "usage": "secondary"}, "/wan-signin": {"identity": full.Email},
	}
	used, most := map[string]bool{}, int64(0)
	counts := func(what string, ask func()) {
		store.n.Store(0)
		ask()
		got := store.n.Load()
		most = max(most, got)
		if got > 1 {
			t.Errorf("%s: %d reads", what, got)
		}
		if path, _, _ := strings.Cut(what, ","); got == 1 {
			used[path] = true
		}
	}
	paths := n.Auth.Paths()
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		real := strings.ReplaceAll(path, "{token}", strings.Repeat("A", 43))
		fields := url.Values{}
		for name, value := range bodies[path] {
			fields.Add(name, value.(string))
		}
		for state, make := range states {
			at := func() *browser { b := make().on(n); b.Header["X-Forwarded-For"] = "192.0.2.7"; return b }
			counts(path+", GET, "+state, func() { at().Get(real) })
			counts(path+", page, "+state, func() { at().Page(real) })
			counts(path+", POST, "+state, func() { at().Post(real, bodies[path]) })
			// A refused form is redirected to its page, which is another request.
			form := func(body string) func() {
				return func() { at().Do("POST", real, testkit.TypeForm, body, "Accept", "text/html") }
			}
			counts(path+", form, "+state, form(fields.Encode()))
			if path == "/tf-validate" {
				counts(path+", no code, "+state, form(""))
			}
		}
	}
	for _, path := range []string{
		"/tf-validate", "/tf-select", "/tf-setup", "/tf-rescue", "/tf-resend", "/mf-recovery", "/wan-signin",
		"/wan-register",
	} {
		if !used[path] {
			t.Errorf("%s reads no pending sign-in: this test looks in the wrong place", path)
		}
	}
	t.Logf("at most %d reads, on %d paths", most, len(used))
}

// TestAPendingSignInIsReadOnceWhenItSucceeds checks the same for steps that succeed.
func TestAPendingSignInIsReadOnceWhenItSucceeds(t *testing.T) {
	w := newWorld(t, open, unified, tokens)
	store := &pendingReads{}
	n := w.Start(func(s storage.Store) storage.Store { store.Store = s; return store })
	counts := func(what string, r func() *answer) {
		t.Helper()
		store.n.Store(0)
		r().Want(200)
		if got := store.n.Load(); got > 1 {
			t.Errorf("%s: %d reads", what, got)
		}
	}
	p := w.withApp("alice")
	b := w.plantPending(p).on(n)
	code := p.Next()
	counts("the code of an app", func() *answer { return b.validate(code) })
	b.in(p, 2)
	again := w.plantReauth(p).on(n)
	code = p.Next()
	counts("the code of a re-authentication", func() *answer { return again.validate(code) })
	lost := w.plantPending(p).on(n)
	counts("a rescue", func() *answer { return lost.Post("/tf-rescue", m{"help_setup": "email"}) })
	counts("its page", func() *answer { return lost.Get("/tf-rescue") })
	code = p.Mailed()
	counts("its code", func() *answer { return lost.validate(code) })
	plain := w.person("robert")
	b = w.plantPending(plain).on(n)
	var r *answer
	counts("a set-up", func() *answer { r = b.Post("/tf-setup", m{"setup": "authenticator"}); return r })
	plain.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	counts("the page of its code", func() *answer { return b.Get("/tf-validate") })
	counts("its code", func() *answer { return b.validate(plain.Code(0)) })
}

// TestTheApplicationIsAskedOnceForAPendingSignIn checks that the steps of one request ask the
// application once whether the account may sign in, and once more before a session is issued. They do
// not ask what only matters before the second factor.
func TestTheApplicationIsAskedOnceForAPendingSignIn(t *testing.T) {
	var locked, rest atomic.Int64
	w := newWorld(t, func(c *twofold.Config) {
		c.Accounts.Locked = func(twofold.User) bool { locked.Add(1); return false }
		c.TwoFactor.Require = func(twofold.User) bool { rest.Add(1); return false }
		c.TwoFactor.Trust = func(twofold.User) bool { rest.Add(1); return true }
	})
	p := w.withApp("alice")
	b := w.browser()
	b.login(p).Want(200)
	right := p.Next()
	for _, step := range []struct {
		what, code string
		most       int64
	}{{"a wrong code", other(right), 1}, {"the right code", right, 2}} {
		locked.Store(0)
		rest.Store(0)
		b.validate(step.code)
		if n, m := locked.Load(), rest.Load(); n > step.most || m > 0 {
			t.Errorf("%s: Locked is called %d times, and Require and Trust %d times", step.what, n, m)
		}
	}
	b.in(p, 2)
}
