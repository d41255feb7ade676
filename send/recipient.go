package send

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a mail address in octets, RFC 5321 section 4.5.3.1: a path of 256
// with its angle brackets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// Digits of an E.164 number after the plus sign.
const (
	minDigits = 7
	maxDigits = 15
)

// CheckRecipient returns nil if to is exactly one recipient of the channel: a
// bare addr-spec (RFC 5322 section 3.4.1, no display name, comment, quoting,
// list or address literal) or an E.164 number. Anything else is ErrRefused; an
// unknown channel is ErrNoSender. The error does not repeat to.
//
// Senders call it before they touch the network. It is what stands between
// "victim@example.org,evil@example.net" and a second recipient.
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
	// Control characters, line ends, blanks and invisible format characters
	// such as U+202E have no place in an address that people read and compare.
	if strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }) {
		return false
	}
	// ParseAddress alone also takes display names, comments and quoted local
	// parts. It returns all of them in another spelling than the input's, so
	// equality leaves the bare form only.
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Name != "" || addr.Address != s {
		return false
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(local) > maxLocal || strings.Contains(domain, "@") {
		return false
	}
	// An address literal ([127.0.0.1]) would point mail at a host by number.
	return !strings.ContainsAny(domain, "[]") && !strings.HasPrefix(domain, "-")
}

// isE164 is ^\+[1-9][0-9]{6,14}$ written out: "$" in a regular expression has
// been the hole through which a trailing line end came in elsewhere.
func isE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// Mask returns a destination as it may be shown to a user who has not proven
// both factors, and logged: "j***@example.org", "•••••••52". The length is not
// kept. An invalid recipient becomes "***".
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
