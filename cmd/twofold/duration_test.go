package main

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"1 week": 7 * 24 * time.Hour, "30 minutes": 30 * time.Minute, "30 days": 30 * 24 * time.Hour,
		"1 hour and 30 minutes": 90 * time.Minute, "1 hour, 30 minutes": 90 * time.Minute,
		"1 hour, and 1 min": 61 * time.Minute,
		"1 hour 30 minutes": 90 * time.Minute, "1h30m": 90 * time.Minute, "1H30M": 90 * time.Minute,
		"90": 90 * time.Second, "0": 0, " 5  days ": 5 * 24 * time.Hour, "-1": -time.Second,
		"-1 week": -7 * 24 * time.Hour,
		"250ms":   250 * time.Millisecond, "-0": 0,
	}
	for in, want := range good {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", " ", "-", "week", "1 month", "2 years", "1 fortnight", "1 hour 30", "1 hour and", "1 hour,", "1.5 hours",
		"--1", "1 -1",
		"9223372036854775807", "99999999999999999999", "300 years", "20000 weeks 20000 weeks", "1é", "1 hour\x00",
		"datetime.timedelta(days=1)", "١ hour",
	} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v; want an error", in, got)
		}
	}
}

func TestParseDurationReadsWhatSayDurationWrites(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 2 * time.Minute, 24 * time.Hour,
		30 * 24 * time.Hour, -7 * 24 * time.Hour} {
		if got, err := parseDuration(sayDuration(d)); err != nil || got != d {
			t.Errorf("%v is written as %q, which parses as %v, %v", d, sayDuration(d), got, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"1 week", "1h30m", "90", "-1", "1 hour and 30 minutes", "9999999999999999999", "1 é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(s)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		minus, err := parseDuration("-" + s)
		if err == nil && minus != -d {
			t.Errorf("-%q is %v, not minus %v", s, minus, d)
		}
		if d%time.Second == 0 {
			if again, err := parseDuration(sayDuration(d)); err != nil || again != d {
				t.Errorf("%v is written as %q, which parses as %v, %v", d, sayDuration(d), again, err)
			}
		}
	})
}
