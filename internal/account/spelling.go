package account

import (
	"errors"
	"strings"
	"unicode"
)

var (
	// ErrEmailSpelling means that the address is not the only one with its key.
	ErrEmailSpelling = errors.New("account: e-mail address has another, plain spelling")
	// ErrUsernameScripts means that a username mixes scripts whose letters look alike.
	ErrUsernameScripts = errors.New("account: username mixes scripts")
)

// ParseNewEmail is like ParseEmail, for the address of a new account or a change. Key treats more
// spellings as one address than mail does: ﬁonn@ and fionn@ are two mailboxes. The first of two
// owners would prevent the other from registering, and get their mail. So only the plain spelling
// is accepted: it returns ErrEmailSpelling if the part before the at sign differs from its
// canonical form in more than the case of ASCII letters.
func ParseNewEmail(s string) (address, key string, err error) {
	if address, key, err = ParseEmail(s); err != nil {
		return "", "", err
	}
	local, _, _ := cutLast(address, '@')
	plain, _, _ := cutLast(key, '@')
	if strings.ContainsFunc(local, ignorable) || lowerASCII(local) != plain {
		return "", "", ErrEmailSpelling
	}
	return address, key, nil
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// ignorable reports whether a character is invisible (Unicode's Default_Ignorable_Code_Point,
// without those that are neither letters nor marks).
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// together lists scripts that one name may combine (Unicode Technical Standard 39, section 5.2,
// "highly restrictive"). Any other script must be used alone.
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
}

// mixes reports whether a name combines scripts that must not be combined.
func mixes(name string) bool {
	found := map[string]bool{}
	for _, r := range name {
		if s := script(r); s != "" {
			found[s] = true
		}
	}
	if len(found) < 2 {
		return false
	}
	for _, set := range together {
		n := 0
		for _, s := range set {
			if found[s] {
				n++
			}
		}
		if n == len(found) {
			return false
		}
	}
	return true
}

// script returns the name of the script of a character, or an empty string for characters of
// several scripts.
func script(r rune) string {
	if unicode.In(r, unicode.Common, unicode.Inherited) {
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}
