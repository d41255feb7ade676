package send

import (
	"slices"
	"strings"
	"unicode"
)

// maxCause is how much of a sender's error is kept, in characters.
const maxCause = 200

// cause returns what err says with everything taken out that m says: its whole
// parts, its destination, and every word of it that could be a code or a link.
// Our own senders do not quote messages, but a Sender may be anybody's.
func cause(err error, m Message) string {
	text := err.Error()
	for _, s := range secrets(m) {
		text = strings.ReplaceAll(text, s, "•••")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' ' // line ends and escape sequences forge log lines
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxCause {
		text = string(runes[:maxCause]) + "…"
	}
	return text
}

// secrets lists what must not be seen of m, longest first so that no part of a
// longer one is left standing when a shorter one inside it is taken out.
func secrets(m Message) []string {
	// The number without its plus sign and the address without its domain: a
	// provider may quote them URL-encoded.
	local, _, _ := strings.Cut(m.To, "@")
	destination := []string{m.To, strings.TrimPrefix(m.To, "+"), local}
	var list []string
	for _, part := range []string{m.Subject, m.Text, m.HTML} {
		list = append(list, part)
		list = append(list, strings.FieldsFunc(part, notToken)...)
	}
	kept := slices.DeleteFunc(list, func(s string) bool { return !telling(s) })
	kept = append(kept, slices.DeleteFunc(destination, func(s string) bool { return len(s) < 3 })...)
	slices.SortFunc(kept, func(a, b string) int { return len(b) - len(a) })
	return kept
}

func notToken(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
}

// telling reports whether a word could be a code (three characters or more
// with a digit among them) or the token of a link (twelve or more).
func telling(s string) bool {
	return len(s) >= 12 || len(s) >= 3 && strings.ContainsFunc(s, unicode.IsDigit)
}
