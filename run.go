package twofold

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// work is the state of Run and its part of the configuration.
type work struct {
	log     *slog.Logger
	now     func() time.Time
	built   time.Time
	audit   auditAge
	running atomic.Bool
	told    sync.Once
	tell    func() // logs settings that have no effect
}

func newWork(c Config) *work {
	now := c.Advanced.Now
	age := auditAge{c.Accounts.AuditDays, c.Accounts.AuditArchive}
	return &work{log: c.Log, now: now, built: now(), audit: age, tell: c.tell}
}

// Run runs the workers of the sign-in until ctx ends and returns nil then. They deliver messages,
// seal the audit trail, delete expired data and receive changes from other nodes. Run also logs
// settings that have no effect. Each process that serves the sign-in calls Run; one that only calls
// methods of Auth, such as a command, need not. Run returns an error if it is already running.
func (a *Auth) Run(ctx context.Context) error {
	if !a.work.running.CompareAndSwap(false, true) {
		return errors.New("twofold: Run is already running")
	}
	defer a.work.running.Store(false)
	a.work.tell()
	var workers sync.WaitGroup
	workers.Go(func() { _ = a.outbox.Run(ctx) }) // it logs its errors
	workers.Go(func() { closeTrail(ctx, a.trail, a.work.log) })
	workers.Go(func() { a.sessions.Follow(ctx) })
	workers.Go(func() { a.sessions.WriteTouches(ctx, a.work.log) })
	workers.Go(func() { a.accounts.LearnPace(ctx) })
	workers.Go(func() { sweep(ctx, a.store, a.now, a.work.log) })
	workers.Go(func() { deleteDue(ctx, a.leaving, a.work.log) })
	if age := a.work.audit; age.days > 0 {
		workers.Go(func() { sweepTrail(ctx, a.trail, age, a.now, a.work.log) })
	}
	workers.Wait()
	return nil
}

// startWithin is the time after New within which a program that serves must call Run.
const startWithin = 10 * time.Second

// watch logs once if requests are served while Run is not running.
func (w *work) watch(ctx context.Context) {
	if w.running.Load() || w.now().Sub(w.built) < startWithin {
		return
	}
	w.told.Do(func() {
		w.log.ErrorContext(ctx, "the sign-in serves requests without its workers: messages wait, and the audit "+
			"trail is not sealed", "cure", "call Run of the Auth in each process that serves")
	})
}
