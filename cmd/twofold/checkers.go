package main

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	inner "github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/password/breach"
	"github.com/twofold-auth/twofold/password/strength"
)

// checkerSettings are the settings of additional checks of new passwords.
type checkerSettings struct {
	zxcvbn   bool
	score    int
	breached bool
	strict   bool
	count    int
	url      string
	timeout  time.Duration
}

func checkerTable() []setting {
	return []setting{
		{Name: "SECURITY_PASSWORD_COMPLEXITY_CHECKER", Type: text, Empty: "none", Field: "Password.Checkers",
			Doc: "`zxcvbn` refuses new passwords that are easy to guess even if they are long and not on the " +
				"list of common ones.",
			Apply: applyComplexity},
		{Name: "SECURITY_ZXCVBN_MINIMUM_SCORE", Type: number, Default: "3",
			Doc:  "Minimum score of zxcvbn, from 1 (ten thousand guesses) to 4 (ten billion).",
			Cost: "Each lower score means a hundred times fewer guesses.",
			Apply: toNumber(func(s *settings) *int { return &s.checkers.score },
				inner.Row{Safer: inner.Higher, ServerMin: 1, ServerMax: 4})},
		{Name: "SECURITY_PASSWORD_CHECK_BREACHED", Type: text, Default: "false",
			Doc: "Asks a service whether a new password was published. If the service cannot be asked, " +
				"`strict` refuses the password and `best-effort` accepts it; `true` is `strict`. Only five digits " +
				"of the SHA-1 of the password leave this server.",
			Apply: applyBreached},
		{Name: "SECURITY_PASSWORD_BREACHED_COUNT", Type: number, Default: "1",
			Doc: "Number of times that a password must have been published to be refused.",
			Apply: toNumber(func(s *settings) *int { return &s.checkers.count },
				inner.Row{Safer: inner.Lower, ServerMin: 1, ServerMax: 1_000_000})},
		{Name: "SECURITY_PASSWORD_BREACHED_URL", Type: text, Default: breach.Service,
			Doc:   "URL of the service, which must answer like `/range/` of Have I Been Pwned.",
			Apply: toText(func(s *settings) *string { return &s.checkers.url })},
		{Name: "SECURITY_PASSWORD_BREACHED_TIMEOUT", Type: duration, Default: "3 seconds",
			Doc: "Timeout of a request to the service.",
			Apply: toDuration(func(s *settings) *time.Duration { return &s.checkers.timeout }, time.Second,
				time.Minute)},
	}
}

func applyComplexity(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	if v != "" && v != "zxcvbn" {
		return errors.New("is not a checker known here: write zxcvbn, or remove it")
	}
	s.checkers.zxcvbn = v == "zxcvbn"
	return nil
}

func applyBreached(s *settings, raw any) error {
	v := strings.ToLower(plain(raw))
	switch v {
	case "false", "0", "":
		s.checkers.breached = false
	case "true", "1", "strict", "best-effort":
		s.checkers.breached, s.checkers.strict = true, v != "best-effort"
	default:
		return errors.New("is not one of false, strict, best-effort: write one of them")
	}
	return nil
}

// make returns the checkers, the fast one first.
func (c checkerSettings) make(log *slog.Logger) (out []password.Checker, bad problems) {
	if c.zxcvbn {
		checker, err := strength.New(c.score)
		if err != nil {
			return nil, problems{{"SECURITY_ZXCVBN_MINIMUM_SCORE", err.Error()}}
		}
		out = append(out, checker)
	}
	if c.breached {
		checker, err := breach.New(breach.Config{
			URL: c.url, Count: c.count, Timeout: c.timeout, Strict: c.strict,
			Log: log,
		})
		if err != nil {
			return nil, problems{{"SECURITY_PASSWORD_BREACHED_URL", strings.TrimPrefix(err.Error(), "breach: ")}}
		}
		out = append(out, checker)
	}
	return out, nil
}
