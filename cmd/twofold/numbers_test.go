package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// safer records on which side of its bounds each number and duration is safer. If neither is,
// values beyond both bounds are refused.
var safer = map[string]string{
	"neither": `
		MAIL_PORT MAIL_TIMEOUT PERMANENT_SESSION_LIFETIME SECURITY_PASSWORD_SLOTS
		SECURITY_PASSWORD_BREACHED_TIMEOUT TWOFOLD_AUDIT_DAYS
	`,
	"more": `
		SECURITY_PASSWORD_LENGTH_MIN SECURITY_USERNAME_MIN_LENGTH SECURITY_ZXCVBN_MINIMUM_SCORE
		SECURITY_WAN_CHALLENGE_BYTES SECURITY_LOGIN_HOLD SECURITY_LOGIN_MAX_HOLD
		SECURITY_TWO_FACTOR_FAILURE_WINDOW SECURITY_TWO_FACTOR_SEND_GAP SECURITY_TWO_FACTOR_RECOVERY_WAIT
		TWOFOLD_DELETION_WAIT SECURITY_CAPTCHA_COST
	`,
	"less": `
		REMEMBER_COOKIE_DURATION SECURITY_ACCESS_TOKEN_MAX_AGE SECURITY_CHANGE_EMAIL_WITHIN
		SECURITY_CONFIRM_EMAIL_WITHIN SECURITY_FRESHNESS SECURITY_LINKS_ADDRESS SECURITY_LINKS_DAY
		SECURITY_LINKS_HOUR SECURITY_LOGIN_ACCOUNT_FAILURES SECURITY_TWO_FACTOR_SENDS_MOST
		SECURITY_LINKS_HOUR SECURITY_LOGIN_ADDRESS_FAILURES SECURITY_LOGIN_FAILURES SECURITY_LOGIN_HOUR_FAILURES
		SECURITY_LOGIN_WITHIN SECURITY_MULTI_FACTOR_RECOVERY_CODES_N SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL
		SECURITY_PASSWORD_BREACHED_COUNT SECURITY_REFRESH_TOKEN_MAX_AGE SECURITY_REFRESH_TOKEN_MAX_IDLE
		SECURITY_REGISTERS_HOUR SECURITY_RESET_PASSWORD_WITHIN SECURITY_SESSION_IDLE SECURITY_SESSION_LIFETIME
		SECURITY_TOKEN_MAX_AGE SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY SECURITY_TWO_FACTOR_FACTOR_FAILURES
		SECURITY_TWO_FACTOR_FAILURES SECURITY_TWO_FACTOR_LOGIN_VALIDITY SECURITY_TWO_FACTOR_MAIL_VALIDITY
		SECURITY_TWO_FACTOR_RESCUES_DAY SECURITY_TWO_FACTOR_RESCUES_HOUR SECURITY_TWO_FACTOR_SENDS_ADDRESS
		SECURITY_TWO_FACTOR_SENDS_DAY SECURITY_TWO_FACTOR_SENDS_HOUR SECURITY_TWO_FACTOR_SENDS_SHORT
		SECURITY_TWO_FACTOR_SETUPS_HOUR SECURITY_TWO_FACTOR_SETUP_WITHIN SECURITY_TWO_FACTOR_SMS_VALIDITY
		SECURITY_CAPTCHA_FAILURES
		SECURITY_USERNAME_MAX_LENGTH SECURITY_US_CODES_DAY SECURITY_US_SETUP_WITHIN SECURITY_US_TOKEN_VALIDITY
		SECURITY_WAN_NAME_MAX_LENGTH SECURITY_WAN_REGISTER_TIMEOUT SECURITY_WAN_REGISTER_WITHIN
		SECURITY_WAN_SIGNIN_TIMEOUT SECURITY_WAN_SIGNIN_WITHIN TWOFOLD_INVITE_WITHIN
	`,
}

// TestValuesOutOfBounds checks that a value beyond its less safe bound is replaced by the bound,
// with a line in the log. Beyond the other bound the replacement would be less safe than the
// requested value, so the server does not start.
func TestValuesOutOfBounds(t *testing.T) {
	unbounded := []string{ // sides without a bound
		"SECURITY_FRESHNESS below", "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL above", "PERMANENT_SESSION_LIFETIME above",
	}
	beside := map[string]string{ // other settings that must agree with the bound
		"SECURITY_SESSION_IDLE":           "SECURITY_SESSION_LIFETIME=30 days",
		"SECURITY_LOGIN_MAX_HOLD":         "SECURITY_LOGIN_HOLD=1 second",
		"SECURITY_REFRESH_TOKEN_MAX_IDLE": "SECURITY_REFRESH_TOKEN_MAX_AGE=366 days",
	}
	side, seen := map[string]string{}, 0
	for name, list := range safer {
		for _, setting := range strings.Fields(list) {
			side[setting] = name
		}
	}
	for _, row := range table() {
		if row.Type != number && row.Type != duration {
			continue
		}
		seen++
		side := side[row.Name]
		if side == "" {
			t.Errorf("safer does not say on which side %s is safer", row.Name)
			continue
		}
		high, low := "2000000000", "-1"
		if row.Type == duration {
			high = "36500 days"
		}
		for where, given := range map[string]string{"above": high, "below": low} {
			if slices.Contains(unbounded, row.Name+" "+where) {
				continue
			}
			s, err := with(t, row.Name+"="+given, beside[row.Name])
			clamps := side == "less" && where == "above" || side == "more" && where == "below"
			switch {
			case !clamps && (err == nil || !strings.Contains(err.Error(), row.Name+": ")):
				t.Errorf("%s=%s, where %s is safer: %v", row.Name, given, side, err)
			case clamps && err != nil:
				t.Errorf("%s=%s is refused, though its bound is the safer value: %v", row.Name, given, err)
			case clamps:
				taken, same := boundIn(s.noteworthy, row.Name), new(settings)
				if taken != "" {
					same = mustLoad(t, row.Name+"="+taken, beside[row.Name])
				}
				if boundIn(same.noteworthy, row.Name) != "" || !reflect.DeepEqual(numbersOf(s), numbersOf(same)) {
					t.Errorf("%s=%s differs from its bound %q: %v", row.Name, given, taken, s.noteworthy)
				}
			}
		}
	}
	if seen != len(side) {
		t.Errorf("the table has %d numbers and durations, and safer %d", seen, len(side))
	}
}

// boundIn returns the value that replaced the given one, or "" if none did.
func boundIn(notes []string, name string) string {
	for _, note := range notes {
		if about, bound, ok := strings.Cut(note, " is taken as "); ok && strings.HasPrefix(about, name+" ") {
			return bound
		}
	}
	return ""
}

// numbersOf returns the settings that contain numbers and durations.
func numbersOf(s *settings) []any {
	c := s.Config
	return []any{
		c.Accounts, c.Sessions, c.Tokens, c.Passwordless, c.Passkeys, c.TwoFactor, c.Advanced.Limits,
		c.Password.MinLength, c.Password.Slots,
		s.rememberFor, s.validity, s.freshness, s.checkers, s.mail,
	}
}

// The settings of the original's test opt_in_nc_expired.
func TestDaysAndMinutesAreDurations(t *testing.T) {
	s := mustLoad(t, "SECURITY_TOKEN_MAX_AGE=4 days", "SECURITY_TWO_FACTOR_SETUP_WITHIN=1 minute")
	if s.Config.Sessions.TokenLife != 4*day {
		t.Errorf("a header token lives %v", s.Config.Sessions.TokenLife)
	}
}

// The original's test no_verify: an empty setting has the default.
func TestNoneIsAListWithoutEntries(t *testing.T) {
	for given, want := range map[string]int{"": 2, "None": 0, "[]": 0, "first": 1} {
		s := mustLoad(t, "SECURITY_WEBAUTHN=true", "SECURITY_WAN_ALLOW_AS_VERIFY="+given)
		if got := s.Config.Passkeys.Verify; len(got) != want {
			t.Errorf("%q: %v", given, got)
		}
	}
}
