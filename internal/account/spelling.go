package account

import (
	"errors"
	"strings"
	"unicode"
)

var (
	// ErrEmailSpelling: the address is not the only one of its key.
	ErrEmailSpelling = errors.New("account: e-mail address has another, plain spelling")
	// ErrUsernameScripts: a username mixes scripts whose letters look alike.
	ErrUsernameScripts = errors.New("account: username mixes scripts")
)

// ParseNewEmail is ParseEmail for an address that someone gives an account. Key
// takes more spellings for one address than mail does: ﬁonn@ and fionn@ are two
// mailboxes. Anyone who had one of them first would keep the owner of the other
// out, and get their mail. So only the plain spelling is taken: ErrEmailSpelling
// if the part before the at sign differs from its canonical form in more than the
// case of ASCII letters.
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

// ignorable reports whether a character shows nothing (Unicode's
// Default_Ignorable_Code_Point, less those that are neither letters nor marks).
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// together are scripts that one name is written in (Unicode Technical Standard
// 39, section 5.2, "highly restrictive"). Any other script stands alone.
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
}

// mixes reports whether a name has letters of scripts that are not written
// together.
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

// script names the script of a character; empty for those of several.
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
