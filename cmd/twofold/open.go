package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// logger is the process's log.
func (s *settings) logger(p process) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // one of four words, checked
	options := &slog.HandlerOptions{Level: level}
	if s.LogJSON {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}

// open opens the database and builds the sign-in. Close what it returns in
// reverse order.
func (s *settings) open(ctx context.Context) (*twofold.Auth, store.Store, error) {
	if s.dev {
		if err := s.Database.makeFolder(); err != nil {
			return nil, nil, err
		}
	}
	db, err := s.openStore()
	if err != nil {
		return nil, nil, err
	}
	auth, err := s.build(db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err := db.Ping(ctx); err != nil {
		return nil, nil, errors.Join(err, auth.Close(), db.Close())
	}
	return auth, db, nil
}

// build makes the sign-in on a store; what it complains about gets the names
// of the settings.
func (s *settings) build(db store.Store) (*twofold.Auth, error) {
	c := s.Config
	c.Store = db
	if c.Origin == "" && s.dev {
		c.Origin = "http://localhost:8080" // of a command; serve knows better
	}
	auth, err := twofold.New(c)
	if err != nil {
		return nil, renamed(err)
	}
	return auth, nil
}

// renamed turns "Field: text" lines into problems with the settings' names.
func renamed(err error) error {
	var bad problems
	for line := range strings.SplitSeq(strings.TrimPrefix(err.Error(), "twofold: "), "\n") {
		field, what, found := strings.Cut(line, ": ")
		name := ""
		for _, row := range table() {
			if found && row.Field != "" && row.Field == field {
				name = row.Name
				break
			}
		}
		if name == "" {
			name, what = "settings", line
		}
		bad = append(bad, problem{name, what})
	}
	return bad
}

// nowhere takes the place of the senders in commands with --dev: what a queue
// holds waits for the server, which shows it.
type nowhere struct{}

// Send implements send.Sender.
func (nowhere) Send(context.Context, send.Message) error {
	return errors.New("only the running development server shows messages")
}
