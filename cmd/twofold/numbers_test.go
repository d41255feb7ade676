package main

import (
	"reflect"
	"strings"
	"testing"
)

// safer says on which side of its bounds each number and duration is safer. Where
// it is neither, both sides are refused.
var safer = map[string]string{
	"MAIL_PORT": "neither", "MAIL_TIMEOUT": "neither", "PERMANENT_SESSION_LIFETIME": "neither",
	"SECURITY_PASSWORD_SLOTS": "neither", "SECURITY_PASSWORD_BREACHED_TIMEOUT": "neither",

	"SECURITY_PASSWORD_LENGTH_MIN": "more", "SECURITY_USERNAME_MIN_LENGTH": "more", "SECURITY_ZXCVBN_MINIMUM_SCORE": "more",
	"SECURITY_WAN_CHALLENGE_BYTES": "more", "SECURITY_LOGIN_HOLD": "more", "SECURITY_LOGIN_MAX_HOLD": "more",
	"SECURITY_TWO_FACTOR_FAILURE_WINDOW": "more", "SECURITY_TWO_FACTOR_SEND_GAP": "more", "SECURITY_TWO_FACTOR_RECOVERY_WAIT": "more",

	"REMEMBER_COOKIE_DURATION": "less", "SECURITY_ACCESS_TOKEN_MAX_AGE": "less", "SECURITY_CHANGE_EMAIL_WITHIN": "less",
	"SECURITY_CONFIRM_EMAIL_WITHIN": "less", "SECURITY_FRESHNESS": "less", "SECURITY_LINKS_ADDRESS": "less", "SECURITY_LINKS_DAY": "less",
	"SECURITY_LINKS_HOUR": "less", "SECURITY_LOGIN_ADDRESS_FAILURES": "less", "SECURITY_LOGIN_FAILURES": "less",
	"SECURITY_LOGIN_HOUR_FAILURES": "less", "SECURITY_LOGIN_WITHIN": "less", "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": "less",
	"SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL": "less", "SECURITY_PASSWORD_BREACHED_COUNT": "less", "SECURITY_REFRESH_TOKEN_MAX_AGE": "less",
	"SECURITY_REFRESH_TOKEN_MAX_IDLE": "less", "SECURITY_REGISTERS_HOUR": "less", "SECURITY_RESET_PASSWORD_WITHIN": "less",
	"SECURITY_SESSION_IDLE": "less", "SECURITY_SESSION_LIFETIME": "less", "SECURITY_TOKEN_MAX_AGE": "less",
	"SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": "less", "SECURITY_TWO_FACTOR_FACTOR_FAILURES": "less", "SECURITY_TWO_FACTOR_FAILURES": "less",
	"SECURITY_TWO_FACTOR_LOGIN_VALIDITY": "less", "SECURITY_TWO_FACTOR_MAIL_VALIDITY": "less", "SECURITY_TWO_FACTOR_RESCUES_DAY": "less",
	"SECURITY_TWO_FACTOR_RESCUES_HOUR": "less", "SECURITY_TWO_FACTOR_SENDS_ADDRESS": "less", "SECURITY_TWO_FACTOR_SENDS_DAY": "less",
	"SECURITY_TWO_FACTOR_SENDS_HOUR": "less", "SECURITY_TWO_FACTOR_SENDS_SHORT": "less", "SECURITY_TWO_FACTOR_SETUPS_HOUR": "less",
	"SECURITY_TWO_FACTOR_SETUP_WITHIN": "less", "SECURITY_TWO_FACTOR_SMS_VALIDITY": "less", "SECURITY_USERNAME_MAX_LENGTH": "less",
	"SECURITY_US_CODES_DAY": "less", "SECURITY_US_SETUP_WITHIN": "less", "SECURITY_US_TOKEN_VALIDITY": "less",
	"SECURITY_WAN_NAME_MAX_LENGTH": "less", "SECURITY_WAN_REGISTER_TIMEOUT": "less", "SECURITY_WAN_REGISTER_WITHIN": "less",
	"SECURITY_WAN_SIGNIN_TIMEOUT": "less", "SECURITY_WAN_SIGNIN_WITHIN": "less",
}

// TestValuesOutOfBounds: what is out of bounds on the side that is less safe is
// taken as the bound, and a line of the log says so. On the other side the bound
// would be less safe than what was asked for, so the server does not start.
func TestValuesOutOfBounds(t *testing.T) {
	unbounded := map[string]bool{ // a side that has no bound
		"SECURITY_FRESHNESS below": true, "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL above": true, "PERMANENT_SESSION_LIFETIME above": true,
	}
	beside := map[string]string{ // what must agree with the bound
		"SECURITY_SESSION_IDLE": "SECURITY_SESSION_LIFETIME=30 days", "SECURITY_LOGIN_MAX_HOLD": "SECURITY_LOGIN_HOLD=1 second",
	}
	seen := 0
	for _, row := range table() {
		if row.Type != number && row.Type != duration {
			continue
		}
		seen++
		side := safer[row.Name]
		if side == "" {
			t.Errorf("safer does not say on which side %s is safer", row.Name)
			continue
		}
		high, low := "2000000000", "-1"
		if row.Type == duration {
			high = "36500 days"
		}
		for where, given := range map[string]string{"above": high, "below": low} {
			if unbounded[row.Name+" "+where] {
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
					t.Errorf("%s=%s is not what its bound %q is: %v", row.Name, given, taken, s.noteworthy)
				}
			}
		}
	}
	if seen != len(safer) {
		t.Errorf("the table has %d numbers and durations, and safer %d", seen, len(safer))
	}
}

// boundIn is the value that was taken in place of the one given; empty if none was.
func boundIn(notes []string, name string) string {
	for _, note := range notes {
		if about, bound, ok := strings.Cut(note, " is taken as "); ok && strings.HasPrefix(about, name+" ") {
			return bound
		}
	}
	return ""
}

// numbersOf are the settings that numbers and durations are part of.
func numbersOf(s *settings) []any {
	c := s.Config
	return []any{
		c.Accounts, c.Session, c.Tokens, c.Unified, c.Passkeys, c.TwoFactor, c.Password.MinLength, c.Password.Slots, c.Limits,
		s.rememberFor, s.validity, s.freshness, s.checkers, s.mail,
	}
}

// TestContractGap_opt_in_nc_expired: the settings of the original's test.
func TestContractGap_opt_in_nc_expired(t *testing.T) {
	s := mustLoad(t, "SECURITY_TOKEN_MAX_AGE=4 days", "SECURITY_TWO_FACTOR_SETUP_WITHIN=1 minute")
	if s.Config.Session.TokenLife != 4*day {
		t.Errorf("a header token lives %v", s.Config.Session.TokenLife)
	}
}

// TestContractGap_no_verify: None is a list without entries where it is given, and
// the default where nothing is.
func TestContractGap_no_verify(t *testing.T) {
	for env, want := range map[string]int{"": 2, "SECURITY_WAN_ALLOW_AS_VERIFY=None": 0, "SECURITY_WAN_ALLOW_AS_VERIFY=[]": 0, "SECURITY_WAN_ALLOW_AS_VERIFY=first": 1} {
		if got := mustLoad(t, env).Config.Passkeys.Verify; len(got) != want {
			t.Errorf("%s: %v", env, got)
		}
	}
}
