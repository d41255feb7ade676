package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/store"
)

const (
	// parallel is how many messages one worker has under way.
	parallel = 16
	// poll is how often a worker looks without being woken: for retries, and
	// for what other nodes stored and did not finish.
	poll = time.Second
	// maxPoll bounds the pause while the store does not answer.
	maxPoll = 30 * time.Second
)

// Run delivers what was queued, and what a crash left behind, until ctx is
// done. Then it lets the tries under way end, each within its time-out, and
// returns nil. Every node may run one: a claim hands a message to one worker
// only, for longer than that worker can take.
func (o *Outbox) Run(ctx context.Context) error {
	var sends sync.WaitGroup
	defer sends.Wait()
	slots := make(chan struct{}, parallel)
	pause := poll
	for {
		free := take(ctx, slots)
		if free == 0 {
			return nil
		}
		rows, err := o.messages.ClaimMessages(ctx, o.now(), o.lease(), free)
		for _, row := range rows {
			sends.Go(func() {
				defer func() { <-slots }()
				o.work(ctx, row)
			})
		}
		for range free - len(rows) {
			<-slots
		}
		switch {
		case err != nil && ctx.Err() == nil:
			o.log.ErrorContext(ctx, "outbox cannot read its table", "cause", err, "next", pause)
			pause = min(2*pause, maxPoll)
		case len(rows) == free:
			continue // there may be more
		default:
			pause = poll
		}
		if !o.wait(ctx, jitter(pause)) {
			return nil
		}
	}
}

// take waits for one free slot and then takes all that are free. It returns
// how many it took, 0 once ctx is done.
func take(ctx context.Context, slots chan<- struct{}) int {
	if ctx.Err() != nil {
		return 0
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	n := 1
	for {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

// wait returns true when it is time to look again, false once ctx is done.
func (o *Outbox) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-o.queued:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// work tries one claimed message and settles its row: erased when it was
// delivered, refused or has no time left for another try, due again otherwise.
func (o *Outbox) work(stop context.Context, row store.Message) {
	// The try ends before the lease does, so no second worker can meet it. A
	// stop of the process does not cut it off: half a conversation with a
	// provider may mean two messages.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), o.budget(row.Channel))
	defer cancel()
	m, err := o.open(row)
	if err == nil {
		err = o.try(ctx, stop, m, row.CreatedAt)
	} else {
		// Perhaps this node lacks a new key that another one has: keep it.
		o.log.ErrorContext(ctx, "message cannot be opened", "message", m, "cause", err)
	}
	due := o.now().Add(backoff(row.Attempts))
	switch {
	case err == nil:
		o.erase(ctx, m)
	case errors.Is(err, ErrRefused):
		o.log.WarnContext(ctx, "message dropped, recipient refused", "message", m)
		o.erase(ctx, m)
	case !due.Before(row.ExpiresAt):
		o.log.WarnContext(ctx, "message dropped, no time for another try", "message", m, "attempts", row.Attempts)
		o.erase(ctx, m)
	default:
		o.retry(ctx, m, due)
	}
}

// open unseals a row. The channel is the sealed one; the row's is a hint.
func (o *Outbox) open(row store.Message) (Message, error) {
	m := Message{ID: row.ID, Channel: row.Channel}
	plain, err := o.sealer.Open(row.ID, row.Body)
	if err != nil {
		return m, fmt.Errorf("send: open message: %w", err)
	}
	var opened Message
	if json.Unmarshal(plain, &opened) != nil {
		// The decoder's error may quote the content.
		return m, errors.New("send: open message: not a message")
	}
	opened.ID = row.ID
	return opened, nil
}

// retry sets when m is due again. If that fails the lease runs out instead.
func (o *Outbox) retry(ctx context.Context, m Message, due time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := o.messages.RetryMessage(ctx, m.ID, due); err != nil {
		o.log.ErrorContext(ctx, "retry not stored", "message", m, "cause", err)
	}
}

// lease is how long a claimed message stays with its worker: longer than the
// slowest channel can take, the settling of the row included.
func (o *Outbox) lease() time.Duration {
	return max(o.budget(Email), o.budget(SMS)) + slack
}

// backoff is the pause after the given number of tries.
func backoff(attempts int) time.Duration {
	switch {
	case attempts <= 1:
		return jitter(time.Second)
	case attempts == 2:
		return jitter(5 * time.Second)
	case attempts == 3:
		return jitter(30 * time.Second)
	case attempts == 4:
		return jitter(2 * time.Minute)
	default:
		return jitter(10 * time.Minute)
	}
}

// jitter spreads d over d ± 20 % so that messages that failed together, and
// nodes that started together, do not come back together. Nothing secret
// depends on it, hence math/rand.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d))
}
