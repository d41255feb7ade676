package send

import (
	"slices"
	"strings"
	"unicode"
)

// maxCause is the maximum length of a sender's error, in characters.
const maxCause = 200

// cause returns the text of err without any part of m: its fields, its destination, and every word
// that may be a code or a link. Our own senders do not quote messages, but other implementations of
// Sender may.
func cause(err error, m Message) string {
	text := err.Error()
	for _, s := range secrets(m) {
		text = strings.ReplaceAll(text, s, "•••")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' ' // line breaks and escape sequences could forge log lines
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxCause {
		text = string(runes[:maxCause]) + "…"
	}
	return text
}

// secrets lists the parts of m that must be removed. Longer ones come first, so that removing a
// shorter part does not leave the rest of a longer one.
func secrets(m Message) []string {
	// Add the number without its plus sign and the address without its domain, because a provider
	// may quote them URL-encoded.
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

// telling reports whether a word could be a code (at least three characters, including a digit) or
// the token of a link (at least twelve characters).
func telling(s string) bool {
	return len(s) >= 12 || len(s) >= 3 && strings.ContainsFunc(s, unicode.IsDigit)
}
