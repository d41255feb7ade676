package factor

import (
	"strings"
	"unicode"
)

// Tidy returns a string that a user typed or pasted without what they cannot see.
// It removes invisible characters and direction marks, and a full stop at the end.
// It converts white space and line ends of every kind to spaces, digits of every
// script to ASCII digits, and full-width letters to ASCII letters.
func Tidy(typed string) string {
	s := typed
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		s = tidied(typed)
	}
	return strings.TrimRight(strings.TrimSpace(s), ".。．｡ ")
}

func tidied(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			return ' '
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
			return -1
		case r >= 'Ａ' && r <= 'Ｚ':
			return r - 'Ａ' + 'A'
		case r >= 'ａ' && r <= 'ｚ':
			return r - 'ａ' + 'a'
		}
		if d, ok := digit(r); ok {
			return d
		}
		return r
	}, typed)
}

// Bare returns Tidy(typed) without spaces and dashes. Codes are compared in this
// form.
func Bare(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		case r == ' ', r == '−', r == '⁃', r == '·', r == '_', unicode.Is(unicode.Pd, r):
			return -1
		}
		return r
	}, Tidy(typed))
}

// digit returns the ASCII digit of a decimal digit of any script. In Unicode, the
// digits of each script are consecutive, from zero to nine.
func digit(r rune) (rune, bool) {
	for _, x := range unicode.Nd.R16 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return '0' + (r-rune(x.Lo))%10, true
		}
	}
	for _, x := range unicode.Nd.R32 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return '0' + (r-rune(x.Lo))%10, true
		}
	}
	return 0, false
}
