package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/store"
)

// write runs a verb that changes something: again only if it was not sent, or if what it
// did is deleted.
func (db *DB) write(ctx context.Context, verb string, run func(context.Context) error) error {
	return db.try(ctx, verb, notSent, run)
}

// read runs a verb that changes nothing: again whenever the connection broke.
func (db *DB) read(ctx context.Context, verb string, run func(context.Context) error) error {
	return db.try(ctx, verb, func(err error) bool { return notSent(err) || broken(err) }, run)
}

func (db *DB) try(ctx context.Context, verb string, again func(error) bool, run func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: redis: %s: %w", store.ErrUnavailable, verb, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wait := 10 * time.Millisecond
	for n := 1; ; n++ {
		err := db.checked(ctx, run)
		if err == nil || n == 4 || db.closed.Load() || !again(err) {
			return db.fail(verb, err)
		}
		select {
		case <-ctx.Done():
			return db.fail(verb, err)
		case <-time.After(wait):
			wait *= 3
		}
	}
}

// notSent says that the server did not run it: no connection, or it said that
// it is just starting. What it did in an earlier run is deleted.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || strings.HasPrefix(err.Error(), "LOADING ") ||
		errors.Is(err, errRestarted)
}

func broken(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// fail translates an error. The server's own text may quote a key or a value,
// so only its first word is used.
func (db *DB) fail(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExists), errors.Is(err, store.ErrUsed), errors.Is(err, store.ErrWrong):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: redis: %s: %w", store.ErrUnavailable, verb, err)
	case errors.Is(err, errForm):
		return fmt.Errorf("redis: %s: %w", verb, err)
	}
	var reply client.Error
	if errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "ERR ") {
		return fmt.Errorf("redis: %s: ERR", verb)
	}
	return fmt.Errorf("%w: redis: %s: %s", store.ErrUnavailable, verb, text(err))
}

// errForm says that a record cannot be read; the cause would quote it.
var errForm = errors.New("a record is not what was written")

// text is an error without values.
func text(err error) string {
	var reply client.Error
	switch {
	case errors.Is(err, client.ErrClosed):
		return "closed"
	case errors.Is(err, errNoRun), errors.Is(err, errInUse), errors.Is(err, errRestarted):
		return err.Error()
	case errors.As(err, &reply):
		word, _, _ := strings.Cut(reply.Error(), " ")
		return word // READONLY, OOM, LOADING, NOAUTH, MISCONF ...
	}
	return "no connection"
}

// explain turns an error of opening into a sentence that says what to do.
func explain(err error) error {
	if errors.Is(err, errNoRun) || errors.Is(err, errInUse) {
		return err
	}
	switch word := text(err); word {
	case "no connection":
		return errors.New("it cannot be reached: see to host, port, TLS settings and whether it runs")
	case "NOAUTH", "WRONGPASS":
		return errors.New("it refuses the user or the password")
	case "NOPERM":
		return errors.New("the user lacks a permission: it needs reading, writing, scripting and INFO")
	default:
		return errors.New(word)
	}
}
