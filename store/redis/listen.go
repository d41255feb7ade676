package redis

import (
	"context"
	"errors"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
)

var _ storage.Notifier = (*DB)(nil)

// Notify implements store.Notifier by PUBLISH.
func (db *DB) Notify(ctx context.Context, word string) error {
	return db.write(ctx, "notify", func(ctx context.Context) error {
		return db.c.Publish(ctx, db.prefix+"notices", word).Err()
	})
}

// Listen implements store.Notifier by SUBSCRIBE.
func (db *DB) Listen(ctx context.Context, heard func(string), up func(bool)) {
	for ctx.Err() == nil {
		db.listen(ctx, heard, up)
		up(false)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// listen receives until an error occurs. It does not let the client reconnect silently, because
// notifications would be missed.
func (db *DB) listen(ctx context.Context, heard func(string), up func(bool)) {
	sub := db.c.Subscribe(ctx, db.prefix+"notices")
	defer sub.Close()
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	for asked := false; ; {
		m, err := sub.ReceiveTimeout(ctx, patience)
		if err != nil {
			var late interface{ Timeout() bool }
			if asked || ctx.Err() != nil || !errors.As(err, &late) || !late.Timeout() || sub.Ping(ctx) != nil {
				return
			}
			asked = true // no notification: the server must answer the ping
			continue
		}
		asked = false
		switch m := m.(type) {
		case *client.Subscription:
			up(true)
		case *client.Message:
			heard(m.Payload)
		}
	}
}
