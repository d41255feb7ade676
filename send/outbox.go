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

	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	// defaultTimeout is the time limit of one attempt of one sender, and patience that of all
	// attempts together, because a user waits for the page.
	defaultTimeout = 10 * time.Second
	patience       = 20 * time.Second
	// storeTimeout is the time limit for erasing a row, which may happen after the request has
	// ended.
	storeTimeout = 5 * time.Second
	// slack is added to the longest time that a message can take, before another worker may take
	// it. It allows for a slow store, a paused process and differing clocks.
	slack = 15 * time.Second
)

// Sealer encrypts bytes that can be decrypted only for the same owner. The outbox uses the row's ID
// as the owner, so a body that was moved to another row cannot be decrypted.
type Sealer interface {
	// Seal encrypts plain for an owner.
	Seal(owner string, plain []byte) ([]byte, error)
	// Open decrypts the result of Seal for the same owner.
	Open(owner string, sealed []byte) ([]byte, error)
}

// OutboxConfig configures an Outbox.
type OutboxConfig struct {
	// Messages stores the messages. Required.
	Messages storage.Messages
	// Sealer encrypts message bodies, which contain codes. Required.
	Sealer Sealer
	// Senders contains the senders for Email and SMS in the order in which they are tried: if one
	// fails, the next one is tried. A channel without senders returns ErrNoSender.
	Senders map[string][]Sender
	// Now returns the current time. The default is time.Now.
	Now func() time.Time
	// Log receives failed attempts as warnings and successes at debug level, without content and
	// with masked destinations. The default is slog.Default().
	Log *slog.Logger
	// Timeout is the time limit of one attempt of one sender. The default is 10 seconds, or less if
	// more than two senders share the 20 seconds that a user waits at most.
	Timeout time.Duration
	// Tried is called for every attempt, for metrics. It delays the delivery, so it must return
	// quickly. It may be nil.
	Tried func(ctx context.Context, a Attempt)
}

// Outbox delivers messages and stores them encrypted until they are delivered. It is safe for
// concurrent use.
type Outbox struct {
	messages storage.Messages
	sealer   Sealer
	senders  map[string]chain
	now      func() time.Time
	log      *slog.Logger
	timeout  time.Duration // 0 for the default
	tried    func(context.Context, Attempt)
	queued   chan struct{} // contains one token if there are new messages
}

// NewOutbox returns an outbox, or an error that lists every mistake in c.
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
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders has the channel %q; use %q or %q", channel,
				Email, SMS))
		}
		if slices.Contains(c.Senders[channel], nil) {
			errs = append(errs, fmt.Errorf("send: OutboxConfig.Senders[%q] contains a nil Sender", channel))
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

// Deliver sends m while the caller waits: every sender of its channel is tried once, in order,
// until one accepts it.
//
// An error that matches ErrFailed means that the user should try again or use another method, and
// ErrRefused that this destination will never work. In both cases the message is erased and not
// tried again. Any other error comes from the store or the sealer, and nothing was sent. If the
// process crashes, the row still exists and a worker delivers the message unless it has expired.
func (o *Outbox) Deliver(ctx context.Context, m Message, expires time.Time) error {
	budget := o.budget(m.Channel)
	// No worker gets the row during this call: it is due after budget+slack, and this context ends
	// all attempts after budget.
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

// Queue stores m for the worker and returns. The worker tries it at once, again after about 1 s, 5
// s, 30 s and 2 min, and then every 10 min until expires.
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

// Seal returns the row that Queue would store for m. A store method writes it in the transaction of
// the change that the message reports, so that neither exists without the other. Call Wake
// afterwards.
func (o *Outbox) Seal(m Message, expires time.Time) (storage.Message, error) {
	return o.seal(m, o.now(), expires)
}

// Wake makes the worker of this node look for messages now. Otherwise it looks after about a
// second, like the workers of the other nodes.
func (o *Outbox) Wake() {
	select {
	case o.queued <- struct{}{}:
	default: // there is already a token; the worker will look
	}
}

// seal checks m and converts it to a row.
func (o *Outbox) seal(m Message, due, expires time.Time) (storage.Message, error) {
	none := storage.Message{}
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
	m.ID = storage.NewID()
	plain, err := json.Marshal(m)
	if err != nil {
		return none, fmt.Errorf("send: encode message: %w", err)
	}
	sealed, err := o.sealer.Seal(m.ID, plain)
	if err != nil {
		return none, fmt.Errorf("send: seal message: %w", err)
	}
	return storage.Message{
		ID: m.ID, Channel: m.Channel, UserID: m.User, Body: sealed, CreatedAt: now, DueAt: due, ExpiresAt: expires,
	}, nil
}

func (o *Outbox) put(ctx context.Context, row storage.Message) error {
	if err := o.messages.PutMessage(ctx, row); err != nil {
		return fmt.Errorf("send: store message: %w", err)
	}
	return nil
}

// try offers m to each sender in turn until one accepts it or stop is done. The result is nil,
// ErrRefused if all of them refused the recipient, or ErrFailed.
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
		o.log.WarnContext(ctx, "sender failed", "message", m, "sender", s.name, "place", s.place, "took", a.Took,
			"cause", last)
	}
	return fmt.Errorf("%w: %s", kind, last)
}

// attempt calls one sender with the timeout. It converts a panic of a sender into an error;
// otherwise one message could crash the process at every start. The panic's value may contain the
// message and is not logged; a stack trace contains only addresses.
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

// erase deletes the row, even if the caller's context has ended. If that fails, a worker may send
// the message once more before it expires.
func (o *Outbox) erase(ctx context.Context, m Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := o.messages.FinishMessage(ctx, m.ID); err != nil {
		o.log.ErrorContext(ctx, "message not erased", "message", m, "cause", err)
	}
}

// share returns the longest time that one sender of a channel can take.
func (o *Outbox) share(channel string) time.Duration {
	if o.timeout > 0 {
		return o.timeout
	}
	return min(defaultTimeout, patience/time.Duration(max(1, len(o.senders[channel]))))
}

// budget returns the longest time that all senders of a channel can take together.
func (o *Outbox) budget(channel string) time.Duration {
	return time.Duration(max(1, len(o.senders[channel]))) * o.share(channel)
}

// Backlog returns the number of waiting messages and the time at which the oldest was stored.
func (o *Outbox) Backlog(ctx context.Context) (n int, oldest time.Time, err error) {
	return o.messages.CountMessages(ctx)
}
