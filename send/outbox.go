package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/store"
)

const (
	// defaultTimeout bounds one attempt with one sender.
	defaultTimeout = 10 * time.Second
	// storeTimeout bounds the erasing of a row when the request that began it
	// may be gone already.
	storeTimeout = 5 * time.Second
	// slack is added to the time a message can take, before anybody else may
	// touch it: for a slow store, a paused process and clocks that differ
	// between nodes.
	slack = 15 * time.Second
)

// Sealer encrypts bytes so that they open for the same owner only. The outbox
// uses the row's id as owner: a body moved to another row does not open.
type Sealer interface {
	Seal(owner string, plain []byte) ([]byte, error)
	Open(owner string, sealed []byte) ([]byte, error)
}

// OutboxConfig says what an Outbox works with.
type OutboxConfig struct {
	// Messages is the table. Required.
	Messages store.Messages
	// Sealer keeps message bodies. Required: they hold codes.
	Sealer Sealer
	// Senders lists, for Email and SMS, who sends, in the order they are
	// tried: the next one takes over when one fails. None: that channel
	// answers ErrNoSender.
	Senders map[string][]Sender
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log gets failed tries as warnings and successes at debug level, without
	// content and with masked destinations. nil: slog.Default().
	Log *slog.Logger
	// Timeout bounds one attempt with one sender; 0: 10 seconds.
	Timeout time.Duration
}

// Outbox delivers messages and remembers them, sealed, until it has.
// It is safe for concurrent use.
type Outbox struct {
	messages store.Messages
	sealer   Sealer
	senders  map[string][]Sender
	now      func() time.Time
	log      *slog.Logger
	timeout  time.Duration
	queued   chan struct{} // holds one token while something new is stored
}

// NewOutbox returns an outbox, or every mistake in c at once.
func NewOutbox(c OutboxConfig) (*Outbox, error) {
	var errs []error
	if c.Messages == nil {
		errs = append(errs, errors.New("send: OutboxConfig.Messages is missing"))
	}
	if c.Sealer == nil {
		errs = append(errs, errors.New("send: OutboxConfig.Sealer is missing"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("send: OutboxConfig.Timeout is negative"))
	}
	senders := make(map[string][]Sender)
	for _, channel := range slices.Sorted(maps.Keys(c.Senders)) {
		if channel != Email && channel != SMS {
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders has the channel %q; there are %q and %q", channel, Email, SMS))
		}
		if slices.Contains(c.Senders[channel], nil) {
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders[%q] holds a nil Sender", channel))
		}
		senders[channel] = slices.Clone(c.Senders[channel])
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	o := &Outbox{
		messages: c.Messages, sealer: c.Sealer, senders: senders,
		now: c.Now, log: c.Log, timeout: c.Timeout,
		queued: make(chan struct{}, 1),
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.log == nil {
		o.log = slog.Default()
	}
	if o.timeout == 0 {
		o.timeout = defaultTimeout
	}
	return o, nil
}

// CanSend reports whether a channel has a sender.
func (o *Outbox) CanSend(channel string) bool { return len(o.senders[channel]) > 0 }

// Deliver sends m while the caller waits: every sender of its channel is tried
// once, in order, until one takes it.
//
// An error that matches ErrFailed means that the person should be told to try
// again or take another method, ErrRefused that this destination is useless;
// either way the message is erased and nobody tries it again. Any other error
// is the store's or the sealer's, and nothing was sent. If the process dies on
// the way, the row is still there and a worker finishes it, unless it has
// expired.
func (o *Outbox) Deliver(ctx context.Context, m Message, expires time.Time) error {
	budget := o.budget(m.Channel)
	// No worker gets the row while this call works on it: it is not due before
	// budget+slack from now, and this context ends all tries at budget.
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	m, err := o.put(ctx, m, o.now().Add(budget+slack), expires)
	if err != nil {
		return err
	}
	err = o.try(ctx, ctx, m)
	o.erase(ctx, m)
	return err
}

// Queue stores m for the worker and returns. The worker tries it at once and
// then again after about 1 s, 5 s, 30 s, 2 min and every 10 min until expires.
func (o *Outbox) Queue(ctx context.Context, m Message, expires time.Time) error {
	if _, err := o.put(ctx, m, o.now(), expires); err != nil {
		return err
	}
	select {
	case o.queued <- struct{}{}:
	default: // a token is there already; the worker will look
	}
	return nil
}

// put checks, seals and stores m and returns it with its id.
func (o *Outbox) put(ctx context.Context, m Message, due, expires time.Time) (Message, error) {
	if err := CheckRecipient(m.Channel, m.To); err != nil {
		return m, err
	}
	if !o.CanSend(m.Channel) {
		return m, ErrNoSender
	}
	now := o.now()
	if !expires.After(now) {
		return m, fmt.Errorf("%w: it had expired before it was sent", ErrFailed)
	}
	m.ID = store.NewID()
	plain, err := json.Marshal(m)
	if err != nil {
		return m, fmt.Errorf("send: encode message: %w", err)
	}
	sealed, err := o.sealer.Seal(m.ID, plain)
	if err != nil {
		return m, fmt.Errorf("send: seal message: %w", err)
	}
	err = o.messages.PutMessage(ctx, store.Message{
		ID: m.ID, Channel: m.Channel, Body: sealed,
		CreatedAt: now, DueAt: due, ExpiresAt: expires,
	})
	if err != nil {
		return m, fmt.Errorf("send: store message: %w", err)
	}
	return m, nil
}

// try offers m to each sender in turn until one takes it or stop is done. The
// result is nil, ErrRefused if all of them refused the recipient, or ErrFailed.
func (o *Outbox) try(ctx, stop context.Context, m Message) error {
	senders := o.senders[m.Channel]
	if len(senders) == 0 {
		return ErrNoSender
	}
	kind, last := ErrRefused, ""
	for i, s := range senders {
		if i > 0 && stop.Err() != nil {
			return fmt.Errorf("%w: stopped before every sender was tried: %s", ErrFailed, last)
		}
		started := time.Now()
		err := o.attempt(ctx, s, m)
		took := time.Since(started)
		if err == nil {
			o.log.DebugContext(ctx, "message sent", "message", m, "sender", fmt.Sprintf("%T", s), "took", took)
			return nil
		}
		if !errors.Is(err, ErrRefused) {
			kind = ErrFailed
		}
		last = cause(err, m)
		o.log.WarnContext(ctx, "sender failed", "message", m, "sender", fmt.Sprintf("%T", s), "took", took, "cause", last)
	}
	return fmt.Errorf("%w: %s", kind, last)
}

// attempt is one call of one sender within the time-out. A sender is foreign
// code that runs in our worker's goroutine, so its panic is turned into an
// error here: otherwise one message could take the process down at every
// start. The panic's value may hold the message and is not kept; a stack holds
// addresses only.
func (o *Outbox) attempt(ctx context.Context, s Sender, m Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	defer func() {
		if recover() != nil {
			o.log.ErrorContext(ctx, "sender panicked", "message", m, "sender", fmt.Sprintf("%T", s), "stack", string(debug.Stack()))
			err = errors.New("sender panicked")
		}
	}()
	return s.Send(ctx, m)
}

// erase deletes the row, also when the caller has gone. If that fails the row
// waits for a worker, who may send the message once more before it expires.
func (o *Outbox) erase(ctx context.Context, m Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := o.messages.FinishMessage(ctx, m.ID); err != nil {
		o.log.ErrorContext(ctx, "message not erased", "message", m, "cause", err)
	}
}

// budget is the longest that all senders of a channel can take together.
func (o *Outbox) budget(channel string) time.Duration {
	return time.Duration(max(1, len(o.senders[channel]))) * o.timeout
}
