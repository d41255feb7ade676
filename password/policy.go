package password

import (
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	// ErrTooShort means that the password has fewer code points than [Policy].MinLength.
	ErrTooShort = errors.New("password: too short")
	// ErrCommon means that the password is one that attackers try first.
	ErrCommon = errors.New("password: too common")
	// ErrContext means that the password is the site's or the user's name or address.
	ErrContext = errors.New("password: same as a name or address")
)

// A Policy restricts passwords by length and by a list of common ones, as NIST SP 800-63B-4,
// 3.1.1.2 requires. There are no rules about kinds of characters. The zero Policy is safe.
type Policy struct {
	// MinLength is the minimum number of code points. The default is 8, for accounts with a second
	// factor. Use 15 if a password alone may open a session.
	MinLength int
	// MaxLength is the maximum number of code points. The default is 128. [MaxBytes] also applies.
	MaxLength int
}

// Check returns nil if password may be chosen; otherwise [ErrTooShort], [ErrTooLong], [ErrCommon],
// [ErrContext] or [ErrMalformed] (NUL or not UTF-8). context contains words that an attacker would
// try for this user: the site name, the username, and the e-mail address, whose part before the @
// is also compared. Words are compared with the whole password, ignoring case: a password that
// merely contains a word is accepted.
func (p Policy) Check(password string, context ...string) error {
	if len(password) > MaxBytes {
		return ErrTooLong
	}
	if password != "" && !Plausible(password) {
		return ErrMalformed
	}
	// Count the normal form, which is hashed, so that the result is the same on every keyboard.
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
	list, err := commonList()
	if err == nil && common(list, folded) {
		err = ErrCommon
	}
	return err
}

func orDefault(n, zero int) int {
	if n <= 0 {
		return zero
	}
	return n
}

func fold(s string) string { return strings.ToLower(normal(s)) }

// commonPacked contains about 25,000 passwords of 8 characters or more: the most frequent ones of
// published leaks, repetitions and runs of keys. They are in normal form and lower case, one per
// line, sorted by bytes, so the text itself is the index. It takes 85 kB of the binary. See
// common.LICENSE.txt for its origin and license.
//
//go:embed common.txt.gz
var commonPacked string

// commonList returns the unpacked text of 269 kB. It is unpacked when the first password is chosen,
// so that it does not slow down the start. If it cannot be unpacked, no password is accepted.
var commonList = sync.OnceValues(func() (string, error) {
	r, err := gzip.NewReader(strings.NewReader(commonPacked))
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(r)
	return string(raw), err
})

// common reports whether folded is in the list, with a binary search over the bytes of the list.
func common(list, folded string) bool {
	// The smallest offset within a line that is not less than folded.
	at := sort.Search(len(list), func(i int) bool { return lineAt(list, i) >= folded })
	return at < len(list) && lineAt(list, at) == folded
}

func lineAt(list string, i int) string {
	start := strings.LastIndexByte(list[:i], '\n') + 1
	line, _, _ := strings.Cut(list[start:], "\n")
	return line
}
