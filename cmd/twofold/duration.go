package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	inner "github.com/twofold-auth/twofold/internal/settings"
)

// units contains the units of durations. A month has no fixed length, so it is not among them.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

const durationHint = `write e.g. "30 minutes", "1 hour and 30 minutes", "1h30m" or a number of seconds`

// parseDuration reads "1 week", "1 hour and 30 minutes", "1h30m" and, as seconds, "90". A leading
// minus makes the whole duration negative.
func parseDuration(s string) (time.Duration, error) {
	rest := strings.ToLower(strings.TrimSpace(s))
	negative := strings.HasPrefix(rest, "-")
	if negative {
		rest = strings.TrimSpace(rest[1:])
	}
	if rest == "" || len(rest) > 100 {
		return 0, errors.New("is not a duration: " + durationHint)
	}
	var sum time.Duration
	for first := true; rest != ""; first = false {
		d, after, err := durationTerm(rest, first)
		if err != nil {
			return 0, err
		}
		if sum > math.MaxInt64-d {
			return 0, errors.New("is longer than 290 years: write a shorter duration")
		}
		sum, rest = sum+d, durationGlue(after)
		if rest == "" && after != "" {
			return 0, errors.New("ends in a comma or \"and\": " + durationHint)
		}
	}
	if negative {
		sum = -sum
	}
	return sum, nil
}

// durationTerm parses one number with its unit. A single number without a unit means seconds.
func durationTerm(s string, alone bool) (d time.Duration, rest string, err error) {
	i := 0
	var n int64
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n > (math.MaxInt64-9)/10 {
			return 0, "", errors.New("is too large a number: write a shorter duration")
		}
		n = n*10 + int64(s[i]-'0')
	}
	if i == 0 {
		return 0, "", errors.New("is not a duration: " + durationHint)
	}
	s = strings.TrimLeft(s[i:], " ")
	j := 0
	for j < len(s) && s[j] >= 'a' && s[j] <= 'z' {
		j++
	}
	word, unit := s[:j], time.Second
	if word != "" || s != "" || !alone {
		var known bool
		if unit, known = units[word]; !known {
			return 0, "", unknownUnit(word, s)
		}
	}
	if n > math.MaxInt64/int64(unit) {
		return 0, "", errors.New("is longer than 290 years: write a shorter duration")
	}
	return time.Duration(n) * unit, s[j:], nil
}

func unknownUnit(word, rest string) error {
	switch {
	case strings.HasPrefix(word, "month") || strings.HasPrefix(word, "year"):
		return errors.New("months and years have no fixed length: write weeks or days")
	case word != "":
		return fmt.Errorf("has an unknown unit %q: %s", word, durationHint)
	case rest != "":
		r, _ := utf8.DecodeRuneInString(rest)
		return fmt.Errorf("has %q in place of a unit: %s", r, durationHint)
	}
	return errors.New("has a number without a unit: " + durationHint)
}

// durationGlue removes the separators between two terms: spaces, a comma, "and".
func durationGlue(s string) string {
	s = strings.TrimLeft(s, " ")
	s = strings.TrimLeft(strings.TrimPrefix(s, ","), " ")
	if after, ok := strings.CutPrefix(s, "and "); ok {
		s = strings.TrimLeft(after, " ")
	}
	return s
}

// sayDuration returns a duration as written in documents and messages.
func sayDuration(d time.Duration) string { return inner.Words(d) }
