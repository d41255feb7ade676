package store

import (
	"context"
	"time"
)

// Message is an outgoing mail or text, its content sealed.
type Message struct {
	ID        string
	Channel   string // Email or SMS
	UserID    string // whom it is for; empty: no account. It goes with the account.
	Body      []byte // sealed, bound to ID
	Attempts  int
	CreatedAt time.Time
	DueAt     time.Time // not tried before; moved on by a claim
	ExpiresAt time.Time // dropped from here on
}

// Messages is the outbox's table.
type Messages interface {
	// PutMessage stores a message; ErrExists if the id is taken.
	PutMessage(ctx context.Context, m Message) error
	// ClaimMessages hands out up to limit due messages, counts the attempt and
	// moves DueAt to now+lease, so that no other worker gets them meanwhile.
	// Expired messages are deleted, not handed out.
	ClaimMessages(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Message, error)
	// RetryMessage sets when a message is due again; ErrNotFound if it is gone.
	RetryMessage(ctx context.Context, id string, due time.Time) error
	// CountMessages says how many messages wait, expired ones too, and when the
	// oldest was stored (zero: none waits).
	CountMessages(ctx context.Context) (n int, oldest time.Time, err error)
	// FinishMessage deletes a message. A message that is gone is ignored.
	FinishMessage(ctx context.Context, id string) error
}
