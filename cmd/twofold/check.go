package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

type configCommands struct {
	Check  configCheck  `cmd:"" help:"Check the settings and report every mistake."`
	Import configImport `cmd:"" help:"Convert the settings of a Flask application."`
}

type configCheck struct {
	where
	Connect bool `help:"Also try the database, Redis, mail, SMS, the clock and the site's own address."`
}

// Help implements kong.HelpProvider.
func (configCheck) Help() string {
	return `Reads the settings as serve does and prints every mistake with its fix, one per line. It also prints
which settings are set, without secrets. It does not open the database, but checks that its folder exists. With
--connect it also tries everything that the server needs, without sending or writing anything.

Examples:
  twofold config check
  twofold config check --connect
  twofold config check --config /etc/twofold.toml`
}

// Run checks the settings.
func (c configCheck) Run(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	if err := s.Database.folderThere(); err != nil && !s.dev {
		return err
	}
	if err := s.try(ctx); err != nil {
		return err
	}
	for _, row := range table() {
		if !s.given[row.Name] {
			continue
		}
		fmt.Fprintf(p.out, "%s is set by the %s%s\n", row.Name, s.from[row.Name], s.shown(row))
	}
	for _, note := range s.noteworthy {
		fmt.Fprintln(p.out, "note:", note)
	}
	if c.Connect {
		f := &findings{out: p.out}
		tries := probes{f, s}
		tries.all(ctx)
		tries.keys(ctx)
		if f.failed > 0 {
			return fmt.Errorf("%d of the checks above failed", f.failed)
		}
	}
	return line(p, "Settings are good. The server would listen on %s and keep its data in %s.", s.Listen, s.Database)
}

// shown returns the value of a setting in a form that may be printed.
func (s *settings) shown(row setting) string {
	v := s.values[row.Name].raw
	if row.Type.hidden() {
		return ""
	}
	return ": " + strings.ToValidUTF8(plain(v), "?")
}

// try creates the sign-in with a temporary empty database.
func (s *settings) try(ctx context.Context) error {
	return s.withoutDatabase(ctx, func(*twofold.Auth) error { return nil })
}

// withoutDatabase runs f with a sign-in that has a temporary empty database.
func (s *settings) withoutDatabase(ctx context.Context, f func(*twofold.Auth) error) error {
	dir, err := os.MkdirTemp("", "twofold-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.dev && missing(s.KeyFile) { // checking must not create it
		defer func(key twofold.Key) { s.Config.Key = key }(s.Config.Key)
		s.Config.Key = twofold.KeyFile(filepath.Join(dir, "twofold.key"))
	}
	db, err := sqlite.Open(ctx, filepath.Join(dir, "check.db"))
	if err != nil {
		return err
	}
	auth, err := s.build(db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(db.Ping(ctx), f(auth), db.Close())
}
