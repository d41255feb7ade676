package account

import (
	"errors"
	"testing"
)

// An account's address has a key that no other mailbox has, and a username is unambiguous.
func TestNewAddressesAndNamesHaveOneSpelling(t *testing.T) {
	for s, want := range map[string]error{
		"victim@x.test": nil, "Victim.B+c@x.test": nil, "jos\u00e9@x.test": nil, "jose\u0301@x.test": nil,
		"\u7528\u6237@x.test": nil,
		"\u0434\u0430@x.test": nil, "a@STRASSE.test": nil, "a@stra\u00dfe.test": nil,
		"\uff56ictim@x.test": ErrEmailSpelling, "strau\u00df@x.test": ErrEmailSpelling,
		"\ufb01onn@x.test": ErrEmailSpelling,
		"ro\u017fs@x.test": ErrEmailSpelling, "\u212aim@x.test": nil, "JOS\u00c9@x.test": ErrEmailSpelling,
		"\u0414\u0430@x.test": ErrEmailSpelling,
		"a\u3164b@x.test":     ErrEmailSpelling, "a\u115fb@x.test": ErrEmailSpelling,
		"a\ufe0fb@x.test": ErrEmailSpelling, "a\u034fb@x.test": ErrEmailSpelling,
		"no address": ErrEmail,
	} {
		address, key, err := ParseNewEmail(s)
		if !errors.Is(err, want) || (err == nil) != (address != "" && key == Key(s)) {
			t.Errorf("%+q: %q %q %v, want %v", s, address, key, err, want)
		}
		if _, key, err := ParseEmail(s); errors.Is(want, ErrEmailSpelling) && (err != nil || key != Key(s)) {
			t.Errorf("%+q can not be looked up: %q %v", s, key, err)
		}
	}
	for s, want := range map[string]error{
		"admin1": nil, "Admin1": nil, "\u7528\u6237\u540d\u79f0": nil, "\u7528\u6237name": nil,
		"\u30c6\u30b9\u30c8\u3066\u7528": nil, "\ud55c\uae00\uc774\ub984": nil,
		"\u0438\u043c\u044f\u0440\u0435\u043a1": nil, "\uff41\uff44\uff4d\uff49\uff4e": nil,
		"\u0430dmin1": ErrUsernameScripts, "adm\u0456n1": ErrUsernameScripts, "alph\u03b1": ErrUsernameScripts,
		"\u0438\u03bc\u044f\u0440": ErrUsernameScripts,
		"admin\u115f":              ErrUsernameCharacters, "admin\u3164": ErrUsernameCharacters,
		"admin\u1160": ErrUsernameCharacters, "ad\uffa0min": ErrUsernameCharacters,
		"adm\u034fin": ErrUsernameCharacters, "admin\ufe0f": ErrUsernameCharacters,
		"admin\u200d": ErrUsernameCharacters,
	} {
		if name, _, err := ParseUsername(s, Lengths{Min: 4, Max: 32}); !errors.Is(err, want) {
			t.Errorf("%+q: %+q %v, want %v", s, name, err, want)
		}
	}
}
