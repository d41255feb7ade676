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

// probes checks the external services that the settings name. It writes no data and sends no
// messages.
type probes struct {
	*findings
	s *settings
}

// all checks all services that the server needs.
func (p probes) all(ctx context.Context) {
	for i, try := range []func(context.Context){
		p.database, p.redis, p.senders, p.legacy, p.captcha, p.origin, p.clockAgrees,
	} {
		one, cancel := context.WithTimeout(ctx, tryWithin)
		before := p.failed
		try(one)
		p.down = p.down || i < 2 && p.failed > before
		cancel()
	}
}

func (p probes) database(ctx context.Context) {
	if p.s.Database.missing() {
		folder := filepath.Dir(p.s.Database.file)
		probe, err := os.CreateTemp(folder, ".twofold-check-*")
		if err != nil {
			p.fail("database", "%s does not exist yet and cannot be created: %s", p.s.Database, fileCause(err))
			return
		}
		_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
		p.ok("database", "%s does not exist yet; the server creates it at its first start", p.s.Database)
		return
	}
	steps, err := p.s.Database.steps(ctx)
	if err != nil {
		p.fail("database", "%s", oneLine(err))
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
	case missing > 0 && p.s.Database.migrate:
		p.ok("database", "%s answers; the server applies %s of the schema at its next start", p.s.Database, number)
	case missing > 0:
		p.fail("database", "%s lacks %s of the schema: run `twofold migrate up`", p.s.Database, number)
	default:
		p.ok("database", "%s answers, and its schema is up to date", p.s.Database)
	}
}

func (p probes) redis(ctx context.Context) {
	if p.s.Database.redis == "" {
		return
	}
	db, err := redis.Open(ctx, p.s.Database.redis)
	if err == nil {
		err = errors.Join(db.Ping(ctx), db.Close())
	}
	if err != nil {
		p.fail("redis", "TWOFOLD_REDIS_URL: %s", oneLine(err))
		return
	}
	p.ok("redis", "it answers")
}

func (p probes) senders(ctx context.Context) {
	for _, c := range []struct {
		what    string
		senders []send.Sender
		unset   string
	}{
		{"mail", append([]send.Sender{p.s.Config.Mail}, p.s.Config.Advanced.MailFallback...),
			"no mail is sent: MAIL_SERVER is not set"},
		{"sms", append([]send.Sender{p.s.Config.SMS}, p.s.Config.Advanced.SMSFallback...),
			"no text messages are sent: SECURITY_SMS_SERVICE is Dummy"},
	} {
		if p.s.dev {
			p.note(c.what, "--dev sends nothing: the running server shows messages at /dev/outbox")
			continue
		}
		if c.senders[0] == nil {
			p.note(c.what, "%s", c.unset)
			continue
		}
		for _, sender := range c.senders {
			own, ok := sender.(checker)
			if !ok {
				p.note(c.what, "%T cannot be checked without sending a message", sender)
				continue
			}
			if err := own.Check(ctx); err != nil {
				p.fail(c.what, "%s: %s", sender, oneLine(err))
				continue
			}
			p.ok(c.what, "%s accepts messages (`twofold send-test` sends one)", sender)
		}
	}
}

// legacy asks the former system about an account that does not exist.
func (p probes) legacy(ctx context.Context) {
	own, ok := p.s.Config.Password.Legacy.(checker)
	if !ok {
		return
	}
	if err := own.Check(ctx); err != nil {
		p.fail("legacy", "%s: %s", p.s.Config.Password.Legacy, oneLine(err))
		return
	}
	p.ok("legacy", "%s answers", p.s.Config.Password.Legacy)
}

// origin requests /healthz at the site's own origin. Before the first start nothing answers
// there, and in some networks a server cannot reach its own public address. Neither is an error of
// the settings.
func (p probes) origin(ctx context.Context) {
	if p.s.Config.Origin == "" {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.s.Config.Origin+"/healthz", nil)
	if err != nil {
		p.fail("origin", "TWOFOLD_ORIGIN: %s", oneLine(err))
		return
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		p.fail("origin", "%s has a certificate that browsers refuse: %s", p.s.Config.Origin, bad.Err)
		return
	case err != nil:
		p.note("origin", "%s could not be reached from here (%s): start the server and the proxy, then try again",
			p.s.Config.Origin, requestCause(err))
		return
	}
	defer res.Body.Close()
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		p.clock = append(p.clock, time.Until(at))
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 100))
	if res.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "alive" {
		p.fail("origin", "%s answers /healthz with status %d, unlike this server: check where the proxy sends requests",
			p.s.Config.Origin, res.StatusCode)
		return
	}
	p.ok("origin", "%s leads to a Twofold server", p.s.Config.Origin)
}

// clockAgrees compares the clock with those of other machines.
func (p probes) clockAgrees(ctx context.Context) {
	if ahead, err := p.s.Database.clockAhead(ctx); err == nil {
		p.clock = append(p.clock, ahead)
	}
	if len(p.clock) == 0 {
		p.note("clock", "no clock of another machine could be read, so the time was not compared: it is %s",
			time.Now().UTC().Format(time.RFC3339))
		return
	}
	worst := time.Duration(0)
	for _, d := range p.clock {
		if d.Abs() > worst.Abs() {
			worst = d
		}
	}
	if worst.Abs() > 5*time.Second {
		p.fail("clock", "it is off by %s: beyond 30 s, codes of authenticator apps do not match; synchronize it "+
			"with NTP", worst.Abs().Round(time.Second))
		return
	}
	p.ok("clock", "it agrees with the other machines")
}

// requestCause returns the error of an HTTP client without the URL, which is printed separately.
func requestCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return oneLine(err)
}

// keys checks whether the keys in the settings decrypt the data in the database.
func (p probes) keys(ctx context.Context) {
	if p.down || !p.s.Database.ready(ctx) {
		return
	}
	p.s.Database.migrate = false
	_, db, err := p.s.open(ctx)
	if err != nil {
		p.fail("keys", "%s", oneLine(err))
		return
	}
	_ = db.Close() // it was only read
	p.ok("keys", "they decrypt the data in the database")
}
