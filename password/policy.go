package password

import (
	_ "embed"
	"errors"
	"sort"
	"strings"
	"unicode/utf8"
)

var (
	// ErrTooShort means fewer code points than [Policy].MinLength.
	ErrTooShort = errors.New("password: too short")
	// ErrCommon means that the password is one that attackers try first.
	ErrCommon = errors.New("password: too common")
	// ErrContext means that the password is the site's or the user's name or address.
	ErrContext = errors.New("password: same as a name or address")
)

// A Policy says which passwords may be chosen, by length and by list, as NIST SP
// 800-63B-4, 3.1.1.2 has it; there are no rules about kinds of characters. The zero
// Policy is safe.
type Policy struct {
	// MinLength is the least number of code points. Zero means 8, for accounts with
	// a second factor; use 15 where a password alone may open a session.
	MinLength int
	// MaxLength is the greatest number of code points. Zero means 128. [MaxBytes]
	// holds besides.
	MaxLength int
}

// Check returns nil when password may be chosen, else [ErrTooShort], [ErrTooLong],
// [ErrCommon], [ErrContext] or [ErrMalformed] (NUL or not UTF-8). Context is what an
// attacker would try for this user: site name, user name, e-mail address, whose part
// before the @ counts too. Lists are compared with the whole password, ignoring case:
// a password that merely contains a listed word is accepted.
func (p Policy) Check(password string, context ...string) error {
	if len(password) > MaxBytes {
		return ErrTooLong
	}
	if password != "" && !plausible(password) {
		return ErrMalformed
	}
	// Count what will be hashed, so that the answer is the same on every keyboard.
	n := utf8.RuneCountInString(normal(password))
	if n < orDefault(p.MinLength, 8) {
		return ErrTooShort
	}
	if n > orDefault(p.MaxLength, 128) {
		return ErrTooLong
	}
	folded := fold(password)
	for _, word := range context {
		local, _, _ := strings.Cut(word, "@")
		if folded == fold(word) || folded == fold(local) {
			return ErrContext
		}
	}
	if common(folded) {
		return ErrCommon
	}
	return nil
}

func orDefault(n, zero int) int {
	if n <= 0 {
		return zero
	}
	return n
}

func fold(s string) string { return strings.ToLower(normal(s)) }

// commonList holds about 25,000 passwords of 8 characters or more: the frequent ones
// of published leaks, repetitions and runs of keys. They are in normal form and
// lower case, one a line, sorted by bytes, so the text itself is the index: nothing
// is unpacked or kept on the heap. Its origin and licence: common.LICENSE.txt.
//
//go:embed common.txt
var commonList string

// common looks folded up by bisecting the bytes of commonList.
func common(folded string) bool {
	// The least offset whose line, the one it lies in, is not below folded.
	at := sort.Search(len(commonList), func(i int) bool { return lineAt(i) >= folded })
	return at < len(commonList) && lineAt(at) == folded
}

func lineAt(i int) string {
	start := strings.LastIndexByte(commonList[:i], '\n') + 1
	line, _, _ := strings.Cut(commonList[start:], "\n")
	return line
}
