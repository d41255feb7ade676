package security_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// faulty is a store in which one write fails: the k-th after arm, either before or after it is
// done. A failure after the write simulates a crash.
type faulty struct {
	storage.Store
	mu     sync.Mutex
	at, n  int
	after  bool
	failed string
}

var errBroken = errors.New("the disk went away")

func (f *faulty) wrap(s storage.Store) storage.Store { f.Store = s; return f }

// arm makes the k-th write from now on fail.
func (f *faulty) arm(k int, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.n, f.after, f.failed = k, 0, after, ""
}

// disarm returns the name of the write that failed, or "" if there were fewer writes.
func (f *faulty) disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.failed
}

// do runs a write, which may fail.
func (f *faulty) do(verb string, write func() error) error {
	f.mu.Lock()
	f.n++
	hit := f.at > 0 && f.n == f.at
	if hit {
		f.failed = verb
	}
	after := f.after
	f.mu.Unlock()
	if hit && !after {
		return errBroken
	}
	if err := write(); err != nil {
		return err
	}
	if hit {
		return errBroken
	}
	return nil
}

func (f *faulty) Reserve(ctx context.Context, now time.Time, c ...storage.Claim) (opens time.Time, err error) {
	err = f.do("Reserve", func() (err error) { opens, err = f.Store.Reserve(ctx, now, c...); return err })
	return opens, err
}

func (f *faulty) Release(ctx context.Context, own, all []string) error {
	return f.do("Release", func() error { return f.Store.Release(ctx, own, all) })
}

func (f *faulty) AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error {
	return f.do("AdvanceStep", func() error { return f.Store.AdvanceStep(ctx, id, step, now) })
}

func (f *faulty) TakePending(ctx context.Context, hash string) (p storage.Pending, err error) {
	err = f.do("TakePending", func() (err error) { p, err = f.Store.TakePending(ctx, hash); return err })
	return p, err
}

func (f *faulty) TakeStep(ctx context.Context, s storage.Step) error {
	return f.do("TakeStep", func() error { return f.Store.TakeStep(ctx, s) })
}

func (f *faulty) TakeDraft(ctx context.Context, owner, id string) error {
	return f.do("TakeDraft", func() error { return f.Store.TakeDraft(ctx, owner, id) })
}

func (f *faulty) AcceptInvitation(
	ctx context.Context, tokenHash string, now time.Time, u storage.User, factors ...storage.Factor,
) error {
	return f.do("AcceptInvitation", func() error {
		return f.Store.AcceptInvitation(ctx, tokenHash, now, u, factors...)
	})
}

func (f *faulty) CreateConnected(ctx context.Context, u storage.User, c storage.Connection) error {
	return f.do("CreateConnected", func() error { return f.Store.CreateConnected(ctx, u, c) })
}

func (f *faulty) ChangeFactors(ctx context.Context, c storage.FactorChange) error {
	return f.do("ChangeFactors", func() error { return f.Store.ChangeFactors(ctx, c) })
}

func (f *faulty) PutSession(ctx context.Context, s storage.Session) error {
	return f.do("PutSession", func() error { return f.Store.PutSession(ctx, s) })
}

func (f *faulty) EndSession(ctx context.Context, userID, id string) (hashes []string, err error) {
	err = f.do("EndSession", func() (err error) { hashes, err = f.Store.EndSession(ctx, userID, id); return err })
	return hashes, err
}

func (f *faulty) TakeSession(ctx context.Context, hash string) (s storage.Session, err error) {
	err = f.do("TakeSession", func() (err error) { s, err = f.Store.TakeSession(ctx, hash); return err })
	return s, err
}

func (f *faulty) PutDevice(ctx context.Context, d storage.Device, m ...storage.Message) error {
	return f.do("PutDevice", func() error { return f.Store.PutDevice(ctx, d, m...) })
}

func (f *faulty) PutMessage(ctx context.Context, v storage.Message) error {
	return f.do("PutMessage", func() error { return f.Store.PutMessage(ctx, v) })
}

func (f *faulty) AppendEvent(ctx context.Context, e storage.Event) error {
	return f.do("AppendEvent", func() error { return f.Store.AppendEvent(ctx, e) })
}

// blind is a store that stores changes of factors and cannot read factors afterwards.
type blind struct {
	storage.Store
	changed atomic.Bool
}

func (s *blind) ChangeFactors(ctx context.Context, c storage.FactorChange) error {
	err := s.Store.ChangeFactors(ctx, c)
	if err == nil {
		s.changed.Store(true)
	}
	return err
}

func (s *blind) FactorsOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	if s.changed.Load() {
		return nil, errBroken
	}
	return s.Store.FactorsOf(ctx, userID)
}

// TestAReadThatFailsAfterASetUpCostsNoSession checks that the browser gets the cookie of its new session
// although the answer cannot contain the factor.
func TestAReadThatFailsAfterASetUpCostsNoSession(t *testing.T) {
	w := newWorld(t)
	for _, form := range []bool{false, true} {
		store := &blind{}
		n := w.Start(func(s storage.Store) storage.Store { store.Store = s; return store })
		p := w.person(fmt.Sprint("form", form))
		b := w.browser().on(n)
		b.login(p).Want(200)
		started := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		app := testkit.ReadApp(t, started.Text("tf_authr_b32key"))
		path, code := "/tf-setup/"+started.Text("tf_state_token"), app.Code(w.Now())
		if form {
			b.Form(path, "code", code)
		} else {
			b.Post(path, m{"code": code}).Want(200)
		}
		if !store.changed.Load() {
			t.Fatal("no factor was set up")
		}
		b.in(p, 2)
	}
}
