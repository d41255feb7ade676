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
	if password != "" && !Plausible(password) {
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

// commonPacked holds about 25,000 passwords of 8 characters or more: the frequent
// ones of published leaks, repetitions and runs of keys. They are in normal form
// and lower case, one a line, sorted by bytes, so the text itself is the index. It
// takes 85 kB of the binary. Its origin and licence: common.LICENSE.txt.
//
//go:embed common.txt.gz
var commonPacked string

// commonList is the text, 269 kB of it, unpacked when the first password is
// chosen: starting costs nothing. What cannot be unpacked lets no password pass.
var commonList = sync.OnceValues(func() (string, error) {
	r, err := gzip.NewReader(strings.NewReader(commonPacked))
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(r)
	return string(raw), err
})

// common looks folded up by bisecting the bytes of the list.
func common(list, folded string) bool {
	// The least offset whose line, the one it lies in, is not below folded.
	at := sort.Search(len(list), func(i int) bool { return lineAt(list, i) >= folded })
	return at < len(list) && lineAt(list, at) == folded
}

func lineAt(list string, i int) string {
	start := strings.LastIndexByte(list[:i], '\n') + 1
	line, _, _ := strings.Cut(list[start:], "\n")
	return line
}
