package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store/redis"
)

// checker is implemented by senders that can be checked without sending a message.
type checker interface {
	// Check returns an error if the sender does not work.
	Check(ctx context.Context) error
}

// findings collects the results of checks, one line each.
type findings struct {
	out    io.Writer
	failed int
	down   bool            // the store cannot be reached
	clock  []time.Duration // differences between other machines' clocks and ours
}

func (f *findings) ok(what, format string, a ...any) {
	fmt.Fprintf(f.out, "ok      %-9s %s\n", what, fmt.Sprintf(format, a...))
}

// note is for results that are unknown or not required yet.
func (f *findings) note(what, format string, a ...any) {
	fmt.Fprintf(f.out, "note    %-9s %s\n", what, fmt.Sprintf(format, a...))
}

func (f *findings) fail(what, format string, a ...any) {
	f.failed++
	fmt.Fprintf(f.out, "FAILED  %-9s %s\n", what, fmt.Sprintf(format, a...))
}

// tryWithin is the time limit of each check.
const tryWithin = 10 * time.Second

// connect checks all external services that the server needs. It writes no data and sends no
// messages.
func (s *settings) connect(ctx context.Context, f *findings) {
	for i, try := range []func(context.Context, *findings){
		s.tryDatabase, s.tryRedis, s.trySenders, tryLegacy(s), tryCaptcha(s), s.tryOrigin, s.tryClock,
	} {
		one, cancel := context.WithTimeout(ctx, tryWithin)
		before := f.failed
		try(one, f)
		f.down = f.down || i < 2 && f.failed > before
		cancel()
	}
}

func (s *settings) tryDatabase(ctx context.Context, f *findings) {
	if s.Database.missing() {
		folder := filepath.Dir(s.Database.file)
		probe, err := os.CreateTemp(folder, ".twofold-check-*")
		if err != nil {
			f.fail("database", "%s is not there yet and cannot be made: %s", s.Database, fileCause(err))
			return
		}
		_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
		f.ok("database", "%s is not there yet; the server makes it at its first start", s.Database)
		return
	}
	steps, err := s.Database.steps(ctx)
	if err != nil {
		f.fail("database", "%s", oneLine(err))
		return
	}
	missing := 0
	for _, step := range steps {
		if step.At.IsZero() {
			missing++
		}
	}
	number := amount(missing, "step", "steps")
	switch {
	case missing > 0 && s.Database.migrate:
		f.ok("database", "%s answers; the server makes %s of the schema at its next start", s.Database, number)
	case missing > 0:
		f.fail("database", "%s lacks %s of the schema: run `twofold migrate up`", s.Database, number)
	default:
		f.ok("database", "%s answers, and its schema is up to date", s.Database)
	}
}

func (s *settings) tryRedis(ctx context.Context, f *findings) {
	if s.Database.redis == "" {
		return
	}
	db, err := redis.Open(ctx, s.Database.redis)
	if err == nil {
		err = errors.Join(db.Ping(ctx), db.Close())
	}
	if err != nil {
		f.fail("redis", "TWOFOLD_REDIS_URL: %s", oneLine(err))
		return
	}
	f.ok("redis", "it answers")
}

func (s *settings) trySenders(ctx context.Context, f *findings) {
	for _, c := range []struct {
		what    string
		senders []send.Sender
		unset   string
	}{
		{"mail", append([]send.Sender{s.Config.Mail}, s.Config.Advanced.MailFallback...),
			"no mail is sent: MAIL_SERVER is not set"},
		{"sms", append([]send.Sender{s.Config.SMS}, s.Config.Advanced.SMSFallback...),
			"no texts are sent: SECURITY_SMS_SERVICE is Dummy"},
	} {
		if s.dev {
			f.note(c.what, "nothing is sent with --dev: the running server shows it at /dev/outbox")
			continue
		}
		if c.senders[0] == nil {
			f.note(c.what, "%s", c.unset)
			continue
		}
		for _, sender := range c.senders {
			own, ok := sender.(checker)
			if !ok {
				f.note(c.what, "%T cannot be tried without sending", sender)
				continue
			}
			if err := own.Check(ctx); err != nil {
				f.fail(c.what, "%s: %s", sender, oneLine(err))
				continue
			}
			f.ok(c.what, "%s takes messages from us (`twofold send-test` sends one)", sender)
		}
	}
}

// tryLegacy asks the former system about an account that does not exist.
func tryLegacy(s *settings) func(context.Context, *findings) {
	return func(ctx context.Context, f *findings) {
		own, ok := s.Config.Password.Legacy.(checker)
		if !ok {
			return
		}
		if err := own.Check(ctx); err != nil {
			f.fail("legacy", "%s: %s", s.Config.Password.Legacy, oneLine(err))
			return
		}
		f.ok("legacy", "%s answers", s.Config.Password.Legacy)
	}
}

// tryOrigin requests /healthz at the site's own origin. Before the first start nothing answers
// there, and in some networks a server cannot reach its own public address. Neither is an error of
// the settings.
func (s *settings) tryOrigin(ctx context.Context, f *findings) {
	if s.Config.Origin == "" {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Config.Origin+"/healthz", nil)
	if err != nil {
		f.fail("origin", "TWOFOLD_ORIGIN: %s", oneLine(err))
		return
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		f.fail("origin", "%s has a certificate that browsers refuse: %s", s.Config.Origin, bad.Err)
		return
	case err != nil:
		f.note("origin", "%s was not reached from here (%s): start server and proxy, then look again", s.Config.Origin,
			requestCause(err))
		return
	}
	defer res.Body.Close()
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		f.clock = append(f.clock, time.Until(at))
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 100))
	if res.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "alive" {
		f.fail("origin", "%s answers /healthz with status %d, unlike this server: check where the proxy sends requests",
			s.Config.Origin, res.StatusCode)
		return
	}
	f.ok("origin", "%s leads to a server of this program", s.Config.Origin)
}

// tryClock compares the clock with those of other machines.
func (s *settings) tryClock(ctx context.Context, f *findings) {
	if ahead, err := s.databaseClock(ctx); err == nil {
		f.clock = append(f.clock, ahead)
	}
	if len(f.clock) == 0 {
		f.note("clock", "nothing here tells the time, so it was not compared: it is %s",
			time.Now().UTC().Format(time.RFC3339))
		return
	}
	worst := time.Duration(0)
	for _, d := range f.clock {
		if d.Abs() > worst.Abs() {
			worst = d
		}
	}
	if worst.Abs() > 5*time.Second {
		f.fail("clock", "it is %s off: codes of authenticator apps do not match if it is more than 30 s; set it "+
			"with NTP", worst.Abs().Round(time.Second))
		return
	}
	f.ok("clock", "it agrees with the other machines")
}

// requestCause returns the error of an HTTP client without the URL, which is printed separately.
func requestCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return oneLine(err)
}

// tryKeys checks whether the keys in the settings decrypt the data in the database.
func (s *settings) tryKeys(ctx context.Context, f *findings) {
	if f.down || !s.schemaReady(ctx) {
		return
	}
	s.Database.migrate = false
	_, db, err := s.open(ctx)
	if err != nil {
		f.fail("keys", "%s", oneLine(err))
		return
	}
	_ = db.Close() // it was only read
	f.ok("keys", "they open what is in the database")
}

// schemaReady reports whether there is a database whose schema is complete.
func (s *settings) schemaReady(ctx context.Context) bool {
	if s.Database.missing() {
		return false
	}
	steps, err := s.Database.steps(ctx)
	return err == nil && len(steps) > 0 && !steps[len(steps)-1].At.IsZero()
}
