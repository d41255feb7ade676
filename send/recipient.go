package send

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths of a mail address in octets, RFC 5321 section 4.5.3.1. A path has 256 with its
// angle brackets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// Number of digits of an E.164 number after the plus sign.
const (
	minDigits = 7
	maxDigits = 15
)

// CheckRecipient returns nil if to is exactly one recipient of the channel: a bare addr-spec (RFC
// 5322 section 3.4.1, no display name, comment, quoting, list or address literal) or an E.164
// number. For anything else it returns ErrRefused, and for an unknown channel ErrNoSender. The
// error does not contain the recipient.
//
// Senders call it before they make a connection. It prevents an input such as
// "victim@example.org,evil@example.net" from adding a second recipient.
func CheckRecipient(channel, to string) error {
	switch channel {
	case Email:
		if !isAddrSpec(to) {
			return fmt.Errorf("%w: not one bare mail address", ErrRefused)
		}
	case SMS:
		if !isE164(to) {
			return fmt.Errorf("%w: not one E.164 number", ErrRefused)
		}
	default:
		return ErrNoSender
	}
	return nil
}

func isAddrSpec(s string) bool {
	if len(s) > maxAddress || !utf8.ValidString(s) {
		return false
	}
	// Refuse control characters, line breaks, spaces and invisible format characters such as
	// U+202E, because users read and compare addresses.
	if strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }) {
		return false
	}
	// ParseAddress also accepts display names, comments and quoted local parts. It returns those in
	// another form than the input, so only the bare form is equal to the input.
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Name != "" || addr.Address != s {
		return false
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(local) > maxLocal || strings.Contains(domain, "@") {
		return false
	}
	// Refuse address literals such as [127.0.0.1], which would send mail to any IP address.
	return !strings.ContainsAny(domain, "[]") && !strings.HasPrefix(domain, "-")
}

// isE164 reports whether s matches ^\+[1-9][0-9]{6,14}$. It does not use a regular expression,
// because "$" can accept a trailing line break.
func isE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// Mask returns a destination in a form that may be logged and shown to a user who has not proven
// both factors: "j***@example.org", "•••••••52". It hides the length. An invalid recipient becomes
// "***".
func Mask(channel, destination string) string {
	if CheckRecipient(channel, destination) != nil {
		return "***"
	}
	if channel == SMS {
		return "•••••••" + destination[len(destination)-2:]
	}
	_, size := utf8.DecodeRuneInString(destination)
	return destination[:size] + "***" + destination[strings.IndexByte(destination, '@'):]
}
