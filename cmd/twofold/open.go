package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// logger returns the logger of the process.
func (s *settings) logger(p process) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // already checked
	options := &slog.HandlerOptions{Level: level}
	if s.LogJSON {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}

// quietLogger returns the logger of a command, which logs only errors.
func (s *settings) quietLogger(p process) *slog.Logger {
	if s.LogLevel == "info" {
		s.LogLevel = "warn"
	}
	return s.logger(p)
}

// open opens the database and creates the sign-in. The caller must close the store.
func (s *settings) open(ctx context.Context) (*twofold.Auth, storage.Store, error) {
	fresh := s.Database.missing()
	auth, db, err := s.openAll(ctx)
	if err != nil && fresh && !inUse(s.Database.file) {
		// Remove a database that was created by a failed start.
		for _, end := range []string{"-wal", "-shm", ""} {
			_ = os.Remove(s.Database.file + end)
		}
	}
	return auth, db, err
}

func (s *settings) openAll(ctx context.Context) (*twofold.Auth, storage.Store, error) {
	if s.dev {
		if err := s.Database.makeFolder(); err != nil {
			return nil, nil, err
		}
	}
	if err := olderKeyFits(ctx, s); err != nil {
		return nil, nil, err
	}
	db, err := s.openStore(ctx)
	if err != nil {
		return nil, nil, err
	}
	auth, err := s.build(db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	err = db.Ping(ctx)
	if err == nil {
		err = s.keyFits(ctx, auth)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return auth, db, nil
}

// keyFits returns an error if another key has written the database: second factors could not be
// decrypted, and new data would be encrypted with the wrong key.
func (s *settings) keyFits(ctx context.Context, auth *twofold.Auth) error {
	fits, err := auth.Checks().KeyFits(ctx)
	if err != nil || s.keyLost {
		return err
	}
	if fits {
		return s.factorsOpen(ctx, auth)
	}
	return wrongKey(s)
}

// olderKeyFits is like keyFits, for a database that lacks migrations. It is called before they are
// applied, so that nothing is changed with a wrong key.
func olderKeyFits(ctx context.Context, s *settings) error {
	if !s.Database.migrate || s.keyLost || s.Database.missing() {
		return nil
	}
	steps, err := s.Database.steps(ctx)
	if err != nil || len(steps) == 0 || steps[0].At.IsZero() || !steps[len(steps)-1].At.IsZero() {
		return nil // there is no data or no migration; errors are reported when the database is opened
	}
	db, err := s.Database.openUnchecked(ctx)
	if err != nil {
		return nil
	}
	auth, err := s.build(db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	fits, err := auth.Checks().KeyFits(ctx)
	if closed := db.Close(); closed != nil {
		return closed
	}
	if err == nil && !fits { // a database older than the audit trail
		return wrongKey(s)
	}
	return nil
}

// wrongKey returns the error that another key wrote the database, with the solution.
func wrongKey(s *settings) error {
	name, cure := "SECRET_KEY", "set that key, or add it to SECRET_KEY_FALLBACKS"
	if s.KeyFile != "" {
		name, cure = "TWOFOLD_KEY_FILE", "name that key's file, or put that key on a line before the newest"
	}
	return problems{{name, "is not the key that wrote this database (or the newest sealed row of the audit trail " +
		"was changed; check with `twofold audit verify`): " +
		cure + "; if the key is lost, TWOFOLD_KEY_LOST=true starts without it, and authenticator apps must be set " +
		"up again"}}
}

// factorsOpen returns an error if keys of second factors are missing, because their users'
// correct codes would be refused.
func (s *settings) factorsOpen(ctx context.Context, auth *twofold.Auth) error {
	missing, err := auth.Checks().MissingKeys(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	name, cure := "SECRET_KEY", "add the former key to SECRET_KEY_FALLBACKS"
	if s.KeyFile != "" {
		name, cure = "TWOFOLD_KEY_FILE", "put the missing key on a line before the newest"
	}
	var bad problems
	for _, tag := range slices.Sorted(maps.Keys(missing)) {
		one, what := name, cure
		if !strings.HasPrefix(tag, "k") {
			one, what = "SECURITY_TOTP_SECRETS", "add that tag and its key again, alongside the newer ones"
		}
		bad = append(bad, problem{one, fmt.Sprintf("lacks the key %q, with which %d second factors are encrypted: %s; "+
			"if the key is lost, TWOFOLD_KEY_LOST=true starts without it", tag, missing[tag], what)})
	}
	return bad
}

// siteName returns the name of the site.
func (s *settings) siteName() string {
	if s.Config.Pages.Site != "" {
		return s.Config.Pages.Site
	}
	u, err := url.Parse(s.Config.Origin)
	if err != nil {
		return "Twofold"
	}
	return u.Hostname()
}

// build creates the sign-in with a store. Its errors contain the names of the settings.
func (s *settings) build(db storage.Store) (*twofold.Auth, error) {
	c := s.Config
	c.Store = db
	if c.Origin == "" && s.dev {
		c.Origin = "http://localhost:8080" // for a command; serve sets the real one
	}
	c.Password.Checkers, _ = s.checkers.make(c.Log) // finish has checked them; now there is a log
	auth, err := twofold.New(c)
	if err != nil {
		return nil, s.renamed(err)
	}
	if err := openGate(s, auth); err != nil {
		return nil, err
	}
	return auth, nil
}

// renamed replaces the fields in a configuration error with the names of the settings.
func (s *settings) renamed(err error) error {
	var wrong *twofold.ConfigError
	if !errors.As(err, &wrong) {
		return problems{{"settings", strings.TrimPrefix(err.Error(), "twofold: ")}}
	}
	var bad problems
	rows := table()
	for _, p := range wrong.Problems {
		name, what := settingOf(rows, p.Field), settingNames(rows, p.Problem)
		if name == "SECRET_KEY" && s.KeyFile != "" {
			name = "TWOFOLD_KEY_FILE"
		}
		if name == "" {
			name, what = "settings", p.Field+": "+p.Problem
		}
		bad = append(bad, problem{name, what})
	}
	return bad
}
