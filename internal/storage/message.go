package storage

import (
	"context"
	"time"
)

// Message is an outgoing mail or text message with encrypted content.
type Message struct {
	ID        string
	Channel   string // Email or SMS
	UserID    string // account of the recipient, or empty; the message is deleted with the account
	Body      []byte // sealed, bound to ID
	Attempts  int
	CreatedAt time.Time
	DueAt     time.Time // earliest time of the next attempt; a claim postpones it
	ExpiresAt time.Time // dropped from then on
}

// Messages stores the messages of the outbox.
type Messages interface {
	// PutMessage stores a message. It returns ErrExists if the ID is taken.
	PutMessage(ctx context.Context, m Message) error
	// ClaimMessages returns up to limit due messages, counts the attempt and sets DueAt to
	// now+lease, so that no other worker gets them until then. Expired messages are deleted, not
	// returned.
	ClaimMessages(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Message, error)
	// RetryMessage sets the time at which a message is due again. It returns ErrNotFound if there
	// is no such message.
	RetryMessage(ctx context.Context, id string, due time.Time) error
	// CountMessages returns the number of stored messages, including expired ones, and the time at
	// which the oldest was stored, or zero if there is none.
	CountMessages(ctx context.Context) (n int, oldest time.Time, err error)
	// FinishMessage deletes a message. It does nothing if there is no such message.
	FinishMessage(ctx context.Context, id string) error
}
