package legacy

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

var (
	// ErrUnknown means that a text is not a hash of a kind that this package has.
	ErrUnknown = errors.New("legacy: unknown kind of hash")
	// ErrMalformed means that a hash is damaged.
	ErrMalformed = errors.New("legacy: malformed hash")
	// ErrCost means that a hash would cost more than MaxTime or MaxMemory.
	ErrCost = errors.New("legacy: the hash costs too much")
	// ErrKey means that a line names a secret that is not configured.
	ErrKey = errors.New("legacy: the hash needs a secret that is not configured")
)

// The most that one hash may cost. Time is estimated from the parameters, so that
// it does not depend on the machine or its load: see the constants in cost.go.
const (
	MaxTime   = 2 * time.Second
	MaxMemory = 256 << 20

	maxText = 1024 // bytes of a line; far above any that is real
	maxSum  = 128  // bytes of a sum
	minSum  = 8    // a shorter one would match by luck
)

// weak is the cost below which a hash must not lie in a table as it is. Five
// milliseconds are a hundredth of what is usual today.
const weak = 5 * time.Millisecond

// A Cost is what one verification takes.
type Cost struct {
	Time   time.Duration
	Memory int64 // bytes
}

// A Hash is a hash that Parse accepted.
type Hash struct {
	// Scheme is its name, e.g. "bcrypt" or "django-pbkdf2-sha256".
	Scheme string
	// Cost is that of a password of at most usualLen bytes.
	Cost Cost

	pre   pre
	flask bool // a scheme whose input Flask-Security prepares
	// derive returns the sum of a prepared password. It is nil where match is set.
	derive func(prepared []byte, m *argon2id.Pool) ([]byte, error)
	match  func(prepared []byte) bool
	sum    []byte
	// long is the time for a password of n bytes, where that grows with it.
	long func(n int) time.Duration
	// normal is applied to the password first: Better Auth's.
	normal func(string) string
	// blank is the line with a sum of zeros.
	blank string
	wrap  *wrapping
	plain string
}

// Weak reports whether h must be wrapped before it is stored.
func (h Hash) Weak() bool { return h.wrap == nil && h.derive != nil && h.Cost.Time < weak }

// Ask is the line of an account whose password its former system is asked for.
const Ask = "$ask$"

// Plain returns the password itself where that is what the line holds.
func (h Hash) Plain() (string, bool) { return h.plain, h.Scheme == "plain" }

// Matches reports whether password belongs to h. It compares in constant time.
// The error is [ErrKey], or says that the system has no memory.
func (h Hash) Matches(password string, keys Keys, m *argon2id.Pool) (bool, error) {
	if h.Scheme == "plain" || h.Scheme == "ask" {
		return false, ErrUnknown // the first is never stored, the second is not a hash
	}
	prepared, err := h.prepare(password, keys)
	if err != nil {
		return false, err
	}
	if h.long != nil && h.long(len(prepared)) > MaxTime {
		return false, nil
	}
	if h.match != nil {
		return h.match(prepared), nil
	}
	sum, err := h.derive(prepared, m)
	if err != nil {
		return false, err
	}
	want := h.sum
	if h.wrap != nil {
		if sum, err = h.wrap.seal(sum, m); err != nil {
			return false, err
		}
		want = h.wrap.tag
	}
	return subtle.ConstantTimeCompare(sum, want) == 1, nil
}

// Parse reads a line. The error is [ErrUnknown], [ErrMalformed] or [ErrCost].
func Parse(text string) (Hash, error) {
	if len(text) > maxText {
		return Hash{}, ErrMalformed
	}
	if strings.HasPrefix(text, wrapMark) {
		return parseWrapped(text)
	}
	if text == Ask {
		return Hash{Scheme: "ask"}, nil
	}
	p, rest, err := cutPre(text)
	if err != nil {
		return Hash{}, err
	}
	h, err := parse(rest)
	if err != nil {
		return Hash{}, err
	}
	if h.Scheme == "plain" && (p.kind == "flask" || p.kind == "pepper") {
		return Hash{}, ErrMalformed
	}
	h.pre = p
	if h.blank != "" {
		h.blank = p.String() + h.blank
	}
	if h.match == nil && h.Scheme != "plain" && (len(h.sum) < minSum || len(h.sum) > maxSum) {
		return Hash{}, ErrMalformed
	}
	if h.Cost.Time > MaxTime || h.Cost.Memory > MaxMemory {
		return Hash{}, fmt.Errorf("%w: %s would take %v and %d MiB", ErrCost, h.Scheme,
			h.Cost.Time.Round(time.Millisecond), h.Cost.Memory>>20)
	}
	return h, nil
}

// Scheme names the scheme of a stored line, those of package password included:
// "twofold-argon2id" and "twofold-bcrypt". A wrapped one is "wrapped-md5", for
// example. It returns an empty string for a line that nothing here can read.
func Scheme(text string) string {
	switch {
	case strings.HasPrefix(text, "$argon2id$") && strings.Contains(text, ",keyid=dHdvZm9sZA$"):
		return "twofold-argon2id"
	case strings.HasPrefix(text, "$twofold-bcrypt$"):
		return "twofold-bcrypt"
	}
	h, err := Parse(text)
	switch {
	case err != nil:
		return ""
	case h.wrap != nil:
		return "wrapped-" + h.Scheme
	}
	return h.Scheme
}

// parsers are asked in this order by prefix.
var parsers = []struct {
	prefix string
	parse  func(text string) (Hash, error)
}{
	{"$2", parseBcrypt},
	{"$argon2", parseArgon2},
	{"$pbkdf2", parsePBKDF2},
	{"$scrypt$", parseScrypt},
	{"$5$", parseSHACrypt}, {"$6$", parseSHACrypt},
	{"$sha256-crypt$", parseSHACrypt}, {"$sha512-crypt$", parseSHACrypt},
	{"$1$", parseMD5Crypt}, {"$md5-crypt$", parseMD5Crypt},
	{"$bcrypt-sha256$", parseBcryptSHA256},
	{"$P$", parsePHPass}, {"$H$", parsePHPass},
	{"pbkdf2_", parseDjangoPBKDF2},
	{"argon2$", parseDjangoInner}, {"bcrypt$", parseDjangoInner}, {"crypt$", parseDjangoInner},
	{"bcrypt_sha256$", parseDjangoBcryptSHA256},
	{"scrypt$", parseDjangoScrypt},
	{"md5$", parseDjangoDigest}, {"sha1$", parseDjangoDigest},
	{"$firescrypt$", parseFirebase}, {"$fbscrypt$", parseSupabase},
	{"{PLAIN}", parsePlain}, {"{", parseLDAP},
	{"$hmac-", parseHMAC},
	{"$md", parseDigest}, {"$sha", parseDigest},
	{"$aspnet$", parseASPNET},
	{"$better-auth$", parseBetterAuth},
}

func parse(text string) (Hash, error) {
	for _, p := range parsers {
		if strings.HasPrefix(text, p.prefix) {
			return p.parse(text)
		}
	}
	switch {
	case len(text) == 13 && strings.Trim(text, cryptAlpha) == "":
		return parseDES(text)
	case len(text) == 32:
		return parseDjangoDigest("md5$$" + text)
	}
	return Hash{}, ErrUnknown
}

// parsePlain reads a password that was stored as it is.
func parsePlain(text string) (Hash, error) {
	plain := strings.TrimPrefix(text, "{PLAIN}")
	if plain == "" {
		return Hash{}, ErrMalformed
	}
	return Hash{Scheme: "plain", plain: plain}, nil
}
