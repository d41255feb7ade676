package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	// parallel is the number of messages that one worker delivers at a time.
	parallel = 16
	// poll is the interval at which a worker looks for messages without being woken: for retries
	// and for unfinished messages of other nodes.
	poll = time.Second
	// maxPoll is the maximum interval while the store does not answer.
	maxPoll = 30 * time.Second
)

// Run delivers queued messages, and messages left by a crash, until ctx is done. Then it waits for
// the current attempts, each within its timeout, and returns nil. Every node may call it: a claim
// reserves a message for one worker, for longer than that worker can take.
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
			continue // there may be more messages
		default:
			pause = poll
		}
		if !o.wait(ctx, jitter(pause)) {
			return nil
		}
	}
}

// take waits for one free slot and then takes all free slots. It returns the number of slots taken,
// or 0 once ctx is done.
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

// wait returns true when it is time to look again, or false once ctx is done.
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

// work tries to deliver one claimed message. It erases the row if the message was delivered or
// refused, or if there is no time for another attempt. Otherwise it makes the message due again.
func (o *Outbox) work(stop context.Context, row storage.Message) {
	// The attempt ends before the lease does, so no other worker tries the message at the same
	// time. Stopping the process does not interrupt it, because an interrupted conversation with a
	// provider may lead to two messages.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), o.budget(row.Channel))
	defer cancel()
	m, err := o.open(row)
	if err == nil {
		err = o.try(ctx, stop, m, row.CreatedAt)
	} else {
		// Keep the message: this node may lack a new key that another node has.
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

// open decrypts a row. The channel comes from the encrypted body; the column is only a hint.
func (o *Outbox) open(row storage.Message) (Message, error) {
	m := Message{ID: row.ID, Channel: row.Channel}
	plain, err := o.sealer.Open(row.ID, row.Body)
	if err != nil {
		return m, fmt.Errorf("send: open message: %w", err)
	}
	var opened Message
	if json.Unmarshal(plain, &opened) != nil {
		// The decoder's error may contain the content.
		return m, errors.New("send: open message: invalid content")
	}
	opened.ID = row.ID
	return opened, nil
}

// retry sets the time at which m is due again. If that fails, the message is due when the lease
// ends.
func (o *Outbox) retry(ctx context.Context, m Message, due time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := o.messages.RetryMessage(ctx, m.ID, due); err != nil {
		o.log.ErrorContext(ctx, "retry not stored", "message", m, "cause", err)
	}
}

// lease returns the time for which a message is reserved for a worker. It is longer than the
// slowest channel can take, including the update of the row.
func (o *Outbox) lease() time.Duration {
	return max(o.budget(Email), o.budget(SMS)) + slack
}

// backoff returns the pause after the given number of attempts.
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

// jitter varies d by up to 20 % so that messages that failed together, and nodes that started
// together, are not retried together. It uses math/rand because it need not be unpredictable.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d))
}
