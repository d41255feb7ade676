package send

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Decoy takes as long as Queue and sends nothing. It stores a message that has already expired,
// which no worker delivers and the next worker deletes. So a request for mail takes as long for an
// address without an account as for one with an account (R123).
func (o *Outbox) Decoy(ctx context.Context, m Message) error {
	if !o.CanSend(m.Channel) {
		return ErrNoSender
	}
	m.ID = storage.NewID()
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send: encode message: %w", err)
	}
	sealed, err := o.sealer.Seal(m.ID, plain)
	if err != nil {
		return fmt.Errorf("send: seal message: %w", err)
	}
	// It expired in 1970, so that it stays expired if the clock is set back. It is also due only in
	// 100 years.
	now, never := o.now(), time.UnixMicro(1)
	err = o.messages.PutMessage(ctx, storage.Message{
		ID: m.ID, Channel: m.Channel, Body: sealed, CreatedAt: now, DueAt: now.AddDate(100, 0, 0), ExpiresAt: never,
	})
	if err != nil {
		return fmt.Errorf("send: store message: %w", err)
	}
	select {
	case o.queued <- struct{}{}:
	default:
	}
	return nil
}
