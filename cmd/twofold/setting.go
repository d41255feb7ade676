package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	inner "github.com/twofold-auth/twofold/internal/settings"
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

// hidden reports whether values of this kind must not be shown.
func (k kind) hidden() bool { return strings.HasPrefix(string(k), "secret") }

// setting is one row of the table: the complete description of a setting.
type setting struct {
	Name    string
	Type    kind
	Default string // in the form of input; applied if the setting is not given, unless empty
	Empty   string // text in the documentation if there is no default
	Doc     string
	Bounds  string // of a number or a duration, in words; from the library's table
	Source  string // document that the bounds and the default are from
	Cost    string // trade-off of relaxing it, if possible
	// Field is the field of twofold.Config, whose errors get this name. If the library's table of
	// settings contains it, Type, Default, Bounds and Apply are from there unless the row has them.
	Field string
	Group string
	// TakesNone is set if None is a value. For all other rows it means "not given".
	TakesNone bool
	// Apply sets the value. Its error contains the problem and, after a colon, the solution. It
	// never contains a hidden value.
	Apply func(s *settings, raw any) error
}

// section is a part of Config that is nil if it is off.
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

// settings contains the values of the table's rows.
type settings struct {
	Config   twofold.Config
	Database database
	Listen   string
	// MetricsListen is the address of the second listener. If it is empty, there is none.
	MetricsListen string
	LogJSON       bool
	LogLevel      string

	SecretKey    string
	Fallbacks    []string
	KeyFile      string
	keyLost      bool   // the key that wrote the database is lost
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
	validity     time.Duration // lifetime of a trusted browser, unless always is set
	remember     bool          // browsers may stay signed in
	rememberFor  time.Duration // for that time
	freshness    time.Duration
	checkers     checkerSettings
	noteworthy   []string          // lines for the log
	given        map[string]bool   // names of given settings
	from         map[string]string // their sources
	values       map[string]value  // values as given
	texts        map[string]string // replaced texts of the catalogue
	keys         []string          // keys, oldest first
	dev          bool
	metrics      *metrics.Metrics
	tracer       *tracing.Tracer
	box          *send.Box // mail and text messages of --dev
	methodsGiven []string
	twoFactorOff bool
	gateRules    []gate.Rule
}

// mailSettings contains the MAIL_* settings.
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

// The functions below return the Apply of common types.

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
		if len(choices) > 0 && !slices.Contains(choices, v) {
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

// toOpposite is like toBool, for a field with the opposite meaning.
func toOpposite(p func(*settings) *bool) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asBool(raw)
		if err == nil {
			*p(s) = !v
		}
		return err
	}
}

// toInt accepts a number. It is refused if it is out of bounds.
func toInt(p func(*settings) *int, lo, hi int64) func(*settings, any) error {
	return toNumber(p, inner.Row{ServerMin: lo, ServerMax: hi})
}

// toNumber accepts a number with the bounds of a row that is not in the library's table.
func toNumber(p func(*settings) *int, r inner.Row) func(*settings, any) error {
	return bounded(r, func(s *settings, v int64) { *p(s) = int(v) })
}

func toDuration(p func(*settings) *time.Duration, lo, hi time.Duration) func(*settings, any) error {
	r := inner.Row{Kind: inner.Duration, ServerMin: int64(lo), ServerMax: int64(hi)}
	return bounded(r, func(s *settings, v int64) { *p(s) = time.Duration(v) })
}

// clamped is the warning that a value was out of bounds and was replaced. It is not an error,
// because the new value is safer.
type clamped struct{ bound, taken string }

func (c clamped) Error() string {
	return fmt.Sprintf("is %s and is taken as %s", c.bound, c.taken)
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

// toPath accepts one of our paths, such as /login.
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

// toView accepts the path of a view. contractDefault is the default of the original, which means
// ours.
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
			return errors.New("is not a path of this origin: write one that begins with a single slash, e.g. " +
				"/account (names of Flask endpoints are not supported)")
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
				return errors.New(`contains something other than addresses and networks: write e.g. 10.0.0.0/8,192.168.1.7`)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() < 7 { // fc00::/7 is the largest private network
			return errors.New("trusts a large part of the Internet, so anyone could choose their own address: write " +
				"the proxies' addresses")
		}
		s.Config.Advanced.TrustedProxies = append(s.Config.Advanced.TrustedProxies, p.Masked())
	}
	return nil
}
