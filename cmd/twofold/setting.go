package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/metrics"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/tracing"
)

// kind is the type of a setting's value.
type kind string

const (
	text      kind = "text"
	secret    kind = "secret text"
	flag      kind = "true/false"
	number    kind = "number"
	duration  kind = "duration"
	list      kind = "list"
	dict      kind = "dict"
	secrets   kind = "secret list"
	secretMap kind = "secret dict"
)

// hidden reports whether values of this kind may never be shown.
func (k kind) hidden() bool { return strings.HasPrefix(string(k), "secret") }

// setting is one row of the table: everything there is to know about a name.
type setting struct {
	Name    string
	Type    kind
	Default string // as one writes it; applied when nothing is given, unless empty
	Empty   string // what stands in the documentation in place of an empty default
	Doc     string
	Cost    string // what it costs to relax it, if it can be relaxed
	Field   string // of twofold.Config, so that its complaints get this name
	Group   string
	// TakesNone says that None is a value. For any other row it means "not given".
	TakesNone bool
	// Apply takes the value over. Its error says what is wrong and, after a
	// colon, what to do; it never repeats a hidden value.
	Apply func(s *settings, raw any) error
}

// section is a part of Config that is nil unless it is switched on.
type section[T any] struct {
	on   bool
	with T
}

func (s *section[T]) config() *T {
	if !s.on {
		return nil
	}
	return &s.with
}

// settings is what the table's rows fill.
type settings struct {
	Config   twofold.Config
	Database database
	Listen   string
	// MetricsListen is the address of the second listener; none if empty.
	MetricsListen string
	LogJSON       bool
	LogLevel      string

	SecretKey    string
	Fallbacks    []string
	KeyFile      string
	keyLost      bool   // the key that wrote the database is gone
	Templates    string // folder
	Locales      string // folder
	Static       string // folder
	mail         mailSettings
	oauth        oauthSettings
	legacy       legacySettings
	captcha      captchaSettings
	passkeys     section[twofold.Passkeys]
	unified      section[twofold.Passwordless]
	codes        section[twofold.RecoveryCodes]
	smsService   string
	smsConfig    map[string]string
	mailFallback map[string]string
	smsFallback  map[string]string
	always       bool          // second factor at every sign-in
	validity     time.Duration // of a trusted browser, unless always
	remember     bool          // browsers may stay signed in
	rememberFor  time.Duration // if so
	freshness    time.Duration
	checkers     checkerSettings
	noteworthy   []string          // one line each, for the log
	given        map[string]bool   // names that were set
	from         map[string]string // and by what
	values       map[string]value  // as they were given
	texts        map[string]string // of the catalogue, replaced
	keys         []string          // oldest first
	dev          bool
	metrics      *metrics.Metrics
	tracer       *tracing.Tracer
	box          *send.Box // mail and texts of --dev
	methodsGiven []string
	twoFactorOff bool
	gateRules    []gate.Rule
}

// mailSettings are the MAIL_* names.
type mailSettings struct {
	server, username, password string
	port                       int
	useTLS, useSSL             bool
	sender, defaultSender      string
	timeout                    time.Duration
}

func (s *settings) note(format string, a ...any) {
	s.noteworthy = append(s.noteworthy, fmt.Sprintf(format, a...))
}

// The helpers below make the Apply of the common types.

func toText(p func(*settings) *string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asText(raw)
		if err == nil {
			*p(s) = v
		}
		return err
	}
}

func toChoice(p func(*settings) *string, choices ...string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asText(raw)
		if err != nil {
			return err
		}
		if !slices.Contains(choices, v) {
			return fmt.Errorf("is not one of %s: write one of them", strings.Join(choices, ", "))
		}
		*p(s) = v
		return nil
	}
}

func toBool(p func(*settings) *bool) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asBool(raw)
		if err == nil {
			*p(s) = v
		}
		return err
	}
}

// toOpposite is toBool for a field that says the opposite of the setting.
func toOpposite(p func(*settings) *bool) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asBool(raw)
		if err == nil {
			*p(s) = !v
		}
		return err
	}
}

func toInt(p func(*settings) *int, lo, hi int) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asInt(raw)
		if err != nil {
			return err
		}
		if v < lo || v > hi {
			return fmt.Errorf("is out of bounds: write a number from %d to %d", lo, hi)
		}
		*p(s) = v
		return nil
	}
}

func toDuration(p func(*settings) *time.Duration, lo, hi time.Duration) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asDuration(raw)
		if err != nil {
			return err
		}
		if v < lo || v > hi {
			return fmt.Errorf("is out of bounds: write a duration from %s to %s", sayDuration(lo), sayDuration(hi))
		}
		*p(s) = v
		return nil
	}
}

// clamped says that a value was out of bounds and what was taken in its place. It
// is a warning, not a mistake: the value taken is the safer one.
type clamped struct{ bound, taken string }

func (c clamped) Error() string {
	return fmt.Sprintf("is %s and is taken as %s", c.bound, c.taken)
}

// toLife takes how long something is good for. Shorter is safer, so what is above
// the upper bound is taken as the bound; what is below the lower one is refused.
func toLife(p func(*settings) *time.Duration, lo, hi time.Duration) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asDuration(raw)
		if err == nil && v > hi {
			*p(s) = hi
			return clamped{"above the upper bound", sayDuration(hi)}
		}
		return toDuration(p, lo, hi)(s, raw)
	}
}

// toWait takes the length of a wait. Longer is safer, so what is below the
// lower bound is taken as the bound; what is above the upper one is refused.
func toWait(p func(*settings) *time.Duration, lo, hi time.Duration) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asDuration(raw)
		if err == nil && v < lo {
			*p(s) = lo
			return clamped{"below the lower bound", sayDuration(lo)}
		}
		return toDuration(p, lo, hi)(s, raw)
	}
}

// toMost takes a number of which a lower one is safer, so what is above the upper
// bound is taken as the bound.
func toMost(p func(*settings) *int, lo, hi int) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asInt(raw)
		if err == nil && v > hi {
			*p(s) = hi
			return clamped{"above the upper bound", strconv.Itoa(hi)}
		}
		return toInt(p, lo, hi)(s, raw)
	}
}

// toLeast takes a number of which a higher one is safer, so what is below the
// lower bound is taken as the bound.
func toLeast(p func(*settings) *int, lo, hi int) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asInt(raw)
		if err == nil && v < lo {
			*p(s) = lo
			return clamped{"below the lower bound", strconv.Itoa(lo)}
		}
		return toInt(p, lo, hi)(s, raw)
	}
}

func toList(p func(*settings) *[]string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asList(raw)
		if err == nil {
			*p(s) = v
		}
		return err
	}
}

func toDict(p func(*settings) *map[string]string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asDict(raw)
		if err == nil {
			*p(s) = v
		}
		return err
	}
}

// toPath takes a path of our own, such as /login.
func toPath(p func(*settings) *string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asText(raw)
		if err != nil {
			return err
		}
		if len(v) < 2 || v[0] != '/' || v[1] == '/' || strings.HasSuffix(v, "/") || strings.ContainsAny(v, "?#{}\\ ") {
			return errors.New("is not a plain path: write one that begins with a slash, e.g. /login")
		}
		*p(s) = v
		return nil
	}
}

// toView takes a path to go to afterwards; contractDefault is the default of the
// original and stands for ours.
func toView(p func(*settings) *string, contractDefault string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asText(raw)
		if err != nil {
			return err
		}
		if v == contractDefault {
			return nil
		}
		if !strings.HasPrefix(v, "/") || strings.HasPrefix(v, "//") || strings.ContainsAny(v, "\\ ") {
			return errors.New("is not a path of this origin: write one that begins with a single slash, e.g. /account (names of endpoints are not known here)")
		}
		*p(s) = v
		return nil
	}
}

func applyProxies(s *settings, raw any) error {
	items, err := asList(raw)
	if err != nil {
		return err
	}
	s.Config.Advanced.TrustedProxies = nil
	for _, it := range items {
		p, err := netip.ParsePrefix(it)
		if err != nil {
			a, err := netip.ParseAddr(it)
			if err != nil || a.Zone() != "" {
				return errors.New(`holds something that is no address or network: write e.g. 10.0.0.0/8,192.168.1.7`)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() < 7 { // fc00::/7 is the largest network that is private
			return errors.New("trusts a large part of the Internet, so anyone could choose their own address: write the proxies' addresses")
		}
		s.Config.Advanced.TrustedProxies = append(s.Config.Advanced.TrustedProxies, p.Masked())
	}
	return nil
}
