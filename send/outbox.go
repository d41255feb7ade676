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
	// defaultTimeout bounds one attempt with one sender, and patience all of
	// them together: a user waits for the page.
	defaultTimeout = 10 * time.Second
	patience       = 20 * time.Second
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
	// Timeout bounds one attempt with one sender; 0: 10 seconds, or less where
	// more than two senders share the 20 seconds a person waits at most.
	Timeout time.Duration
	// Tried hears of every attempt, for metrics. It runs in the delivery, so it
	// must be quick. It may be nil.
	Tried func(ctx context.Context, a Attempt)
}

// Outbox delivers messages and remembers them, sealed, until it has.
// It is safe for concurrent use.
type Outbox struct {
	messages store.Messages
	sealer   Sealer
	senders  map[string]chain
	now      func() time.Time
	log      *slog.Logger
	timeout  time.Duration // 0: the default
	tried    func(context.Context, Attempt)
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
	senders := make(map[string]chain)
	for _, channel := range slices.Sorted(maps.Keys(c.Senders)) {
		if channel != Email && channel != SMS {
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders has the channel %q; there are %q and %q", channel, Email, SMS))
		}
		if slices.Contains(c.Senders[channel], nil) {
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders[%q] holds a nil Sender", channel))
		}
		senders[channel] = newChain(c.Senders[channel])
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	o := &Outbox{
		messages: c.Messages, sealer: c.Sealer, senders: senders,
		now: c.Now, log: c.Log, timeout: c.Timeout, tried: c.Tried,
		queued: make(chan struct{}, 1),
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.log == nil {
		o.log = slog.Default()
	}
	if o.tried == nil {
		o.tried = func(context.Context, Attempt) {}
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
// either way the message is erased and not tried again. Any other error
// is the store's or the sealer's, and nothing was sent. If the process dies on
// the way, the row is still there and a worker finishes it, unless it has
// expired.
func (o *Outbox) Deliver(ctx context.Context, m Message, expires time.Time) error {
	budget := o.budget(m.Channel)
	// No worker gets the row while this call works on it: it is not due before
	// budget+slack from now, and this context ends all tries at budget.
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	began := o.now()
	row, err := o.seal(m, began.Add(budget+slack), expires)
	if err != nil {
		return err
	}
	if err := o.put(ctx, row); err != nil {
		return err
	}
	m.ID = row.ID
	err = o.try(ctx, ctx, m, began)
	o.erase(ctx, m)
	return err
}

// Queue stores m for the worker and returns. The worker tries it at once and
// then again after about 1 s, 5 s, 30 s, 2 min and every 10 min until expires.
func (o *Outbox) Queue(ctx context.Context, m Message, expires time.Time) error {
	row, err := o.Seal(m, expires)
	if err != nil {
		return err
	}
	if err := o.put(ctx, row); err != nil {
		return err
	}
	o.Wake()
	return nil
}

// Seal makes m the row that Queue would store, for a verb of the store that
// writes it in the transaction of the change it tells of: then there is no
// change without its message and no message without its change. Call Wake
// when that is done.
func (o *Outbox) Seal(m Message, expires time.Time) (store.Message, error) {
	return o.seal(m, o.now(), expires)
}

// Wake has the worker of this node look now. Without it, it looks within a
// second or so, like those of the other nodes.
func (o *Outbox) Wake() {
	select {
	case o.queued <- struct{}{}:
	default: // a token is there already; the worker will look
	}
}

// seal checks m and makes it a row.
func (o *Outbox) seal(m Message, due, expires time.Time) (store.Message, error) {
	none := store.Message{}
	if err := CheckRecipient(m.Channel, m.To); err != nil {
		return none, err
	}
	if !o.CanSend(m.Channel) {
		return none, ErrNoSender
	}
	now := o.now()
	if !expires.After(now) {
		return none, fmt.Errorf("%w: it had expired before it was sent", ErrFailed)
	}
	m.ID = store.NewID()
	plain, err := json.Marshal(m)
	if err != nil {
		return none, fmt.Errorf("send: encode message: %w", err)
	}
	sealed, err := o.sealer.Seal(m.ID, plain)
	if err != nil {
		return none, fmt.Errorf("send: seal message: %w", err)
	}
	return store.Message{
		ID: m.ID, Channel: m.Channel, UserID: m.User, Body: sealed, CreatedAt: now, DueAt: due, ExpiresAt: expires,
	}, nil
}

func (o *Outbox) put(ctx context.Context, row store.Message) error {
	if err := o.messages.PutMessage(ctx, row); err != nil {
		return fmt.Errorf("send: store message: %w", err)
	}
	return nil
}

// try offers m to each sender in turn until one takes it or stop is done. The
// result is nil, ErrRefused if all of them refused the recipient, or ErrFailed.
func (o *Outbox) try(ctx, stop context.Context, m Message, stored time.Time) error {
	senders := o.senders[m.Channel]
	if len(senders) == 0 {
		return ErrNoSender
	}
	kind, last := ErrRefused, ""
	for i, s := range senders.order(o.now()) {
		if i > 0 && stop.Err() != nil {
			return fmt.Errorf("%w: stopped before every sender was tried: %s", ErrFailed, last)
		}
		started := time.Now()
		err := o.attempt(ctx, s, m)
		a := Attempt{Channel: m.Channel, Kind: m.Kind, Sender: s.name, Place: s.place, Took: time.Since(started)}
		now := o.now()
		a.Outcome, a.Waited = s.settle(now, err), max(0, now.Sub(stored))
		o.tried(ctx, a)
		if err == nil {
			o.log.DebugContext(ctx, "message sent", "message", m, "sender", s.name, "place", s.place, "took", a.Took)
			return nil
		}
		if a.Outcome != Refused {
			kind = ErrFailed
		}
		last = cause(err, m)
		o.log.WarnContext(ctx, "sender failed", "message", m, "sender", s.name, "place", s.place, "took", a.Took, "cause", last)
	}
	return fmt.Errorf("%w: %s", kind, last)
}

// attempt is one call of one sender within the time-out. A sender is foreign
// code that runs in our worker's goroutine, so its panic is turned into an
// error here: otherwise one message could take the process down at every
// start. The panic's value may hold the message and is not kept; a stack holds
// addresses only.
func (o *Outbox) attempt(ctx context.Context, s *link, m Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.share(m.Channel))
	defer cancel()
	defer func() {
		if recover() != nil {
			o.log.ErrorContext(ctx, "sender panicked", "message", m, "sender", s.name, "stack", string(debug.Stack()))
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

// share is the longest that one sender of a channel can take.
func (o *Outbox) share(channel string) time.Duration {
	if o.timeout > 0 {
		return o.timeout
	}
	return min(defaultTimeout, patience/time.Duration(max(1, len(o.senders[channel]))))
}

// budget is the longest that all senders of a channel can take together.
func (o *Outbox) budget(channel string) time.Duration {
	return time.Duration(max(1, len(o.senders[channel]))) * o.share(channel)
}

// Backlog says how many messages wait and since when the oldest does.
func (o *Outbox) Backlog(ctx context.Context) (n int, oldest time.Time, err error) {
	return o.messages.CountMessages(ctx)
}
