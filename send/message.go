package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twofold-auth/twofold/internal/storage"
)

// The channels of messages. They have the same names as the methods in package store.
const (
	Email = storage.Email
	SMS   = storage.SMS
)

// The errors of sending. All of them match ErrFailed with errors.Is.
var (
	// ErrFailed means that no sender could deliver the message this time.
	ErrFailed = errors.New("send: message not delivered")
	// ErrRefused means that the recipient is not a valid address or number, or that the provider
	// refused it. Further attempts are useless.
	ErrRefused = fmt.Errorf("%w: recipient refused", ErrFailed)
	// ErrNoSender means that the channel has no sender.
	ErrNoSender = fmt.Errorf("%w: no sender for this channel", ErrFailed)
)

// Message is one rendered mail or text message.
//
// Formatting it with fmt or log/slog never shows its content or its full destination.
type Message struct {
	Channel string // Email or SMS
	To      string // one bare address or one E.164 number, see CheckRecipient
	Subject string // mail only
	Text    string // required
	HTML    string // mail only; empty for a mail with text only
	Kind    string // name of the template, e.g. "two_factor_code", for metrics and sinks
	ID      string // set by the outbox, the same for every attempt; may be empty
	// User is the ID of the recipient's account, or empty. If the account is deleted before the
	// message is sent, the message is dropped.
	User string `json:"-"`
}

// Sender passes messages to a provider. It must be safe for concurrent use.
//
// Errors must not contain the content of the message. Providers often quote the request, so only
// their codes may be kept.
type Sender interface {
	// Send returns nil only if the provider has accepted the message. It returns an error that
	// matches ErrRefused if this recipient will never work, either because CheckRecipient refuses
	// it before any connection is made or because the provider does. It returns any other error if
	// a later attempt may succeed. It returns soon after ctx is done.
	Send(ctx context.Context, m Message) error
}

// LogValue contains the kind, the channel and the masked destination.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID),
		slog.String("kind", m.Kind),
		slog.String("channel", m.Channel),
		slog.String("to", Mask(m.Channel, m.To)),
	)
}

// String returns the kind, the channel and the masked destination.
func (m Message) String() string {
	return fmt.Sprintf("%q by %q to %s", m.Kind, m.Channel, Mask(m.Channel, m.To))
}

// GoString returns the same text as String, so that %#v does not show the content.
func (m Message) GoString() string { return m.String() }
