package send

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Decoy costs what Queue costs and sends nothing: it stores a message that was
// never in time, which no worker is handed and the next one to look removes.
// With it, the answer to a request for mail takes as long for an address
// without an account as for one with (R123).
func (o *Outbox) Decoy(ctx context.Context, m Message) error {
	if !o.CanSend(m.Channel) {
		return ErrNoSender
	}
	m.ID = store.NewID()
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send: encode message: %w", err)
	}
	sealed, err := o.sealer.Seal(m.ID, plain)
	if err != nil {
		return fmt.Errorf("send: seal message: %w", err)
	}
	// Expired since 1970, so that no clock that is set back revives it; due far
	// off, as a second reason.
	now, never := o.now(), time.UnixMicro(1)
	err = o.messages.PutMessage(ctx, store.Message{
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
