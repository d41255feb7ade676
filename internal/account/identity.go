package account

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrEmail means that a text is not one bare e-mail address.
	ErrEmail = errors.New("account: not a valid e-mail address")
	// ErrUsernameCharacters and ErrUsernameLength mean that a username contains other characters
	// than letters and digits, or has a length outside of Lengths.
	ErrUsernameCharacters = errors.New("account: username may contain only letters and digits")
	ErrUsernameLength     = errors.New("account: username is too short or too long")
)

const (
	maxEmail = 254 // RFC 5321 section 4.5.3.1.3, without the angle brackets
	maxLocal = 64  // RFC 5321 section 4.5.3.1.1
)

// Lengths bounds usernames, in characters.
type Lengths struct{ Min, Max int }

// Key returns the canonical form of a typed identity: without invisible characters and surrounding
// spaces, with compatibility characters replaced (NFKC), case folded, and the domain of an address
// in ASCII. It is used for look-up, uniqueness and every budget, so no spelling bypasses any of
// them (R6). For a text that cannot be an identity it returns the folded text: look-up finds no
// account, and the budget still counts.
func Key(identity string) string {
	if len(identity) > 4*maxEmail || !utf8.ValidString(identity) {
		return ""
	}
	s := pasted(strings.TrimSpace(norm.NFKC.String(printed(identity))))
	if local, domain, ok := cutLast(s, '@'); ok {
		// Fold a domain by the rules for domains: in other texts ß is equal to ss, but straße.de
		// and strasse.de are two domains (UTS 46, section 7).
		for _, d := range []string{domain, fold(domain)} {
			if ascii, err := idna.Lookup.ToASCII(d); err == nil {
				return fold(local) + "@" + strings.ToLower(ascii)
			}
		}
	}
	return fold(s)
}

// fold folds case. It also converts to lower case, because folding alone would swap the two cases
// of Cherokee.
func fold(s string) string { return norm.NFKC.String(strings.ToLower(cases.Fold().String(s))) }

// visible removes invisible characters: direction marks and zero-width spaces.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// printed is like visible, and also removes control characters.
func printed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, visible(s))
}

// pasted removes text that is often pasted with an address: angle brackets, "mailto:" and a
// trailing period. Other texts do not change.
func pasted(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		s = s[1 : len(s)-1]
	}
	if scheme := "mailto:"; len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		s = s[len(scheme):]
	}
	return strings.TrimSpace(strings.TrimSuffix(s, "."))
}

// ParseEmail checks an address before it is stored: it must be one bare addr-spec, without display
// name, comment, list or quoted local part, and with a dot in the domain, which may be
// internationalized. It returns the address for mail and its key.
func ParseEmail(s string) (address, key string, err error) {
	if len(s) > 4*maxEmail || !utf8.ValidString(s) {
		return "", "", ErrEmail
	}
	s = strings.ReplaceAll(visible(strings.TrimSpace(s)), "\uff20", "@") // the full-width at sign
	s = norm.NFC.String(pasted(strings.TrimSpace(s)))
	local, domain, ok := cutLast(s, '@')
	if !ok || len(s) > maxEmail || len(local) > maxLocal || strings.ContainsAny(s, "\"(),:;<>[]\\ ") {
		return "", "", ErrEmail
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return "", "", ErrEmail
		}
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || parsed.Name != "" {
		return "", "", ErrEmail
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(strings.Trim(ascii, "."), ".") || strings.HasSuffix(ascii, ".") {
		return "", "", ErrEmail
	}
	address = local + "@" + strings.ToLower(ascii)
	return address, Key(address), nil
}

// ParseUsername checks a username before it is stored. It accepts visible letters and digits of one
// script, so that no name looks like another one. It refuses an at sign, so a username is never an
// address.
func ParseUsername(s string, lengths Lengths) (name, key string, err error) {
	name = norm.NFKC.String(strings.TrimSpace(s))
	n := utf8.RuneCountInString(name)
	if !utf8.ValidString(s) {
		return "", "", ErrUsernameCharacters
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) || ignorable(r) {
			return "", "", ErrUsernameCharacters
		}
	}
	if mixes(name) {
		return "", "", ErrUsernameScripts
	}
	if n < lengths.Min || n > lengths.Max {
		return "", "", ErrUsernameLength
	}
	return name, Key(name), nil
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i <= 0 || i == len(s)-1 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
