package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
)

// The account that --dev creates.
const (
	devEmail    = "test@me.com"
	devPassword = "password"
)

// devKept is the number of messages that /dev/outbox shows.
const devKept = 200

// unusedInDev lists settings that --dev ignores, so errors in them do not prevent a start.
var unusedInDev = []string{
	"SQLALCHEMY_DATABASE_URI", "DATABASE_URL", "TWOFOLD_REDIS_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS",
	"TWOFOLD_KEY_FILE", "SECURITY_TOTP_SECRETS", "MAIL_SERVER", "SECURITY_SMS_SERVICE",
}

// wouldBeRefused returns a note if a key would be refused without --dev, or an empty string.
func wouldBeRefused(s *settings, name string) string {
	keys := []string{}
	switch name {
	case "SECRET_KEY":
		keys = append(keys, s.SecretKey)
	case "SECRET_KEY_FALLBACKS":
		keys = s.Fallbacks
	case "SECURITY_TOTP_SECRETS":
		keys = slices.Collect(maps.Values(s.Config.TwoFactor.Secrets))
	}
	if slices.ContainsFunc(keys, func(k string) bool { return weakKey(k) != "" }) {
		return ". Do not use this key in production: it is a public example or easily guessed. " +
			"Create one with `twofold key new`"
	}
	return ""
}

// finishDev sets everything that --dev needs to values on this machine. The production settings of
// the database, keys and senders are ignored, so that no real database gets a test account and no
// real phone a test code.
func (s *settings) finishDev(w where) problems {
	var bad problems
	host, _, err := net.SplitHostPort(s.Listen)
	if err == nil && !web.Loopback(host) {
		bad = append(bad, problem{"TWOFOLD_LISTEN", "is not a loopback address, and --dev shows every code to " +
			"anyone who can reach it: listen on 127.0.0.1, or leave out --dev"})
	}
	if o := s.Config.Origin; strings.HasPrefix(o, "https:") {
		bad = append(bad, problem{"TWOFOLD_ORIGIN",
			"is not this machine: leave it out with --dev, or write http://localhost with a port"})
	}
	for _, name := range unusedInDev {
		if s.given[name] {
			s.note("%s is not used with --dev%s", name, wouldBeRefused(s, name))
		}
	}
	s.dev = true
	s.Config.TwoFactor.Secrets = nil
	s.Database = database{file: filepath.Join(w.Dir, "twofold.db"), migrate: true}
	s.KeyFile = filepath.Join(w.Dir, "twofold.key")
	s.Config.Key = twofold.KeyFile(s.KeyFile)
	if missing(s.KeyFile) && !missing(s.Database.file) {
		bad = append(bad, problem{"--dir",
			"has a twofold.db but no twofold.key, so it is not a development database: name another folder with --dir"})
	}
	s.box = send.NewBox(devKept)
	s.Config.Mail, s.Config.SMS = s.box, s.box
	if s.methodsGiven == nil {
		s.methodsGiven = []string{"authenticator", "email", "sms"}
	}
	for name, set := range map[string]func(){
		"SECURITY_TWO_FACTOR_SENDS_SHORT":   func() { s.Config.Advanced.Limits.SendShort = 1000 },
		"SECURITY_TWO_FACTOR_SENDS_DAY":     func() { s.Config.Advanced.Limits.SendDay = 1000 },
		"SECURITY_TWO_FACTOR_SEND_GAP":      func() { s.Config.Advanced.Limits.SendGap = time.Second },
		"SECURITY_TWO_FACTOR_SENDS_ADDRESS": func() { s.Config.Advanced.Limits.SendAddress = 100_000 },
		"SECURITY_TWO_FACTOR_RESCUES_HOUR":  func() { s.Config.Advanced.Limits.RescueHour = 1000 },
		"SECURITY_TWO_FACTOR_RESCUES_DAY":   func() { s.Config.Advanced.Limits.RescueDay = 1000 },
		"SECURITY_TWO_FACTOR_SETUPS_HOUR":   func() { s.Config.Advanced.Limits.SetupHour = 10_000 },
		"SECURITY_REGISTERS_HOUR":           func() { s.Config.Advanced.Limits.RegisterHour = 100_000 },
		"SECURITY_LINKS_HOUR":               func() { s.Config.Advanced.Limits.LinkHour = 1000 },
		"SECURITY_LINKS_ADDRESS":            func() { s.Config.Advanced.Limits.LinkAddress = 100_000 },
		"SECURITY_LINKS_DAY":                func() { s.Config.Advanced.Limits.LinkDay = 1000 },
		"SECURITY_LOGIN_ADDRESS_FAILURES":   func() { s.Config.Advanced.Limits.AddressFailures = 100_000 },
	} {
		if !s.given[name] {
			set()
		}
	}
	if !s.given["SECURITY_MULTI_FACTOR_RECOVERY_CODES"] {
		s.codes.on = true
	}
	if s.Config.Pages.Site == "" {
		s.Config.Pages.Site = "Twofold"
	}
	return bad
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// makeDevUser creates the test account if it does not exist. Its password does not meet the rules,
// so it is stored as a hash.
func makeDevUser(ctx context.Context, auth *twofold.Auth, s *settings) error {
	if _, err := auth.FindUser(ctx, devEmail); err == nil || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	hasher, err := password.New(password.Config{Scheme: s.Config.Password.Scheme, Portable: s.Config.Password.Portable})
	if err != nil {
		return err
	}
	hash, err := hasher.Hash(ctx, devPassword)
	if err != nil {
		return err
	}
	_, err = auth.CreateUser(ctx, twofold.NewUser{Email: devEmail, PasswordHash: hash})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// devBanner prints what is running and where to find it.
func devBanner(w io.Writer, s *settings) {
	at, paths := s.Config.Origin+s.Config.Pages.Prefix, s.Config.Pages.Paths
	fmt.Fprintf(w, `
  twofold, development only: anyone on this machine can read every code.
  Never use it for real accounts.

  Sign in      %s%s
               %s, password: %s
  Mail and SMS %s/dev/outbox
  Account      %s%s

  Database %s, keys %s. Stop with Ctrl-C.

`, at, paths.Login, devEmail, devPassword, s.Config.Origin, at, paths.Account, s.Database, s.KeyFile)
}
