package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twofold-auth/twofold/store"
)

// The channels a message can take; the same words as the methods in store.
const (
	Email = store.Email
	SMS   = store.SMS
)

// The ways sending fails. Every one of them matches ErrFailed, so a caller who
// only wants to tell the person needs one errors.Is.
var (
	// ErrFailed says that no sender could deliver the message this time.
	ErrFailed = errors.New("send: message not delivered")
	// ErrRefused is returned for a recipient that is not a valid address or number,
	// or that the provider says so. Trying again is useless.
	ErrRefused = fmt.Errorf("%w: recipient refused", ErrFailed)
	// ErrNoSender is returned for a channel without a sender.
	ErrNoSender = fmt.Errorf("%w: no sender for this channel", ErrFailed)
)

// Message is one mail or text, rendered.
//
// Formatting one with fmt or log/slog never shows what it says, nor all of
// where it goes.
type Message struct {
	Channel string // Email or SMS
	To      string // one bare address or one E.164 number, see CheckRecipient
	Subject string // mail only
	Text    string // always there
	HTML    string // mail only; empty: text alone
	Kind    string // name of the template, e.g. "two_factor_code", for metrics and sinks
	ID      string // set by the outbox, the same at every try; may be empty
	// User is the id of the account it is for. The message is dropped if that is
	// deleted before it was sent. Empty: none.
	User string `json:"-"`
}

// Sender hands messages to a provider. It is safe for concurrent use.
//
// Send returns nil only once the provider has taken the message, an error that
// matches ErrRefused if this recipient will never work (decided with
// CheckRecipient before any network is touched, or by the provider), and any
// other error if a later try may succeed. It returns soon after ctx is done.
// Its errors never repeat the message's content: providers like to quote what
// they were sent, so their words are reduced to codes.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// LogValue shows the kind, the channel and the masked destination.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID),
		slog.String("kind", m.Kind),
		slog.String("channel", m.Channel),
		slog.String("to", Mask(m.Channel, m.To)),
	)
}

// String shows the kind, the channel and the masked destination.
func (m Message) String() string {
	return fmt.Sprintf("%q by %q to %s", m.Kind, m.Channel, Mask(m.Channel, m.To))
}

// GoString is String, so that %#v does not get around it.
func (m Message) GoString() string { return m.String() }
