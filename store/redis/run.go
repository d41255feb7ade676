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

	"github.com/twofold-auth/twofold/internal/storage"
)

// write runs a method that changes data. It repeats it only if the command was not sent, or if its
// effect was deleted.
func (db *DB) write(ctx context.Context, verb string, run func(context.Context) error) error {
	return db.try(ctx, verb, notSent, run)
}

// read runs a method that changes nothing. It repeats it whenever the connection breaks.
func (db *DB) read(ctx context.Context, verb string, run func(context.Context) error) error {
	return db.try(ctx, verb, func(err error) bool { return notSent(err) || broken(err) }, run)
}

func (db *DB) try(ctx context.Context, verb string, again func(error) bool, run func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: redis: %s: %w", storage.ErrUnavailable, verb, err)
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

// notSent reports whether the server did not run the command, because there was no connection or
// the server is starting. The effect in an earlier run has been deleted.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || strings.HasPrefix(err.Error(), "LOADING ") ||
		errors.Is(err, errRestarted)
}

func broken(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// fail translates an error. The server's text may contain a key or a value, so only its first word
// is used.
func (db *DB) fail(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrUsed),
		errors.Is(err, storage.ErrWrong):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: redis: %s: %w", storage.ErrUnavailable, verb, err)
	case errors.Is(err, errForm):
		return fmt.Errorf("redis: %s: %w", verb, err)
	}
	var reply client.Error
	if errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "ERR ") {
		return fmt.Errorf("redis: %s: ERR", verb)
	}
	return fmt.Errorf("%w: redis: %s: %s", storage.ErrUnavailable, verb, text(err))
}

// errForm means that a record cannot be decoded. It does not wrap the cause, which would contain
// the record.
var errForm = errors.New("a record cannot be decoded")

// text returns the text of an error without values.
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

// explain converts an error of Open to a sentence that says how to fix it.
func explain(err error) error {
	if errors.Is(err, errNoRun) || errors.Is(err, errInUse) {
		return err
	}
	switch word := text(err); word {
	case "no connection":
		return errors.New("it cannot be reached: check the host, port and TLS settings, and whether it is running")
	case "NOAUTH", "WRONGPASS":
		return errors.New("it rejected the user or the password")
	case "NOPERM":
		return errors.New("the user lacks a permission: allow reading, writing, scripting and INFO")
	default:
		return errors.New(word)
	}
}
