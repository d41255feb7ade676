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
	// ErrUnknown is returned if a string is not a hash of a known kind.
	ErrUnknown = errors.New("legacy: unknown kind of hash")
	// ErrMalformed is returned if a hash is damaged.
	ErrMalformed = errors.New("legacy: malformed hash")
	// ErrCost is returned if a hash would cost more than MaxTime or MaxMemory.
	ErrCost = errors.New("legacy: the hash costs too much")
	// ErrKey is returned if a line names a secret that is not configured.
	ErrKey = errors.New("legacy: the hash needs a secret that is not configured")
)

// Bounds of one hash. Time is estimated from the parameters, so that it does not
// depend on the machine or its load; see the constants in cost.go.
const (
	MaxTime   = 2 * time.Second
	MaxMemory = 256 << 20

	maxText = 1024 // bytes of a line; real ones are far shorter
	maxSum  = 128  // bytes of a sum
	minSum  = 8    // a shorter sum could match by chance
)

// weak is the cost below which a hash must not be stored as it is. Five
// milliseconds are about a hundredth of the usual cost today.
const weak = 5 * time.Millisecond

// A Cost is the cost of one verification.
type Cost struct {
	Time   time.Duration
	Memory int64 // bytes
}

// A Hash is a hash that Parse accepted.
type Hash struct {
	// Scheme is the name of the scheme, e.g. "bcrypt" or "django-pbkdf2-sha256".
	Scheme string
	// Cost is the cost for a password of at most usualLen bytes.
	Cost Cost

	pre   pre
	flask bool // Flask-Security may prepare the input of this scheme
	// derive returns the sum of a prepared password. It is nil if match is set.
	derive func(prepared []byte, m *argon2id.Pool) ([]byte, error)
	match  func(prepared []byte) bool
	sum    []byte
	// long returns the time for a password of n bytes, if the time grows with the
	// length.
	long func(n int) time.Duration
	// normal normalizes the password first. Only Better Auth has one.
	normal func(string) string
	// blank is the line with a sum of zeros.
	blank string
	wrap  *wrapping
	plain string
}

// Weak reports whether h must be wrapped before it is stored.
func (h Hash) Weak() bool { return h.wrap == nil && h.derive != nil && h.Cost.Time < weak }

// Ask is the line of an account whose password is checked by its former system.
const Ask = "$ask$"

// Plain returns the password if the line contains it in the clear.
func (h Hash) Plain() (string, bool) { return h.plain, h.Scheme == "plain" }

// Matches reports whether password belongs to h. It compares in constant time. The
// error is [ErrKey], or reports that memory is not available.
func (h Hash) Matches(password string, keys Keys, m *argon2id.Pool) (bool, error) {
	if h.Scheme == "plain" || h.Scheme == "ask" {
		return false, ErrUnknown // a plain password is never stored, and $ask$ is not a hash
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

// Parse parses a line. The error is [ErrUnknown], [ErrMalformed] or [ErrCost].
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

// Scheme returns the name of the scheme of a stored line. For lines of package
// password, it is "twofold-argon2id" or "twofold-bcrypt". For a wrapped hash, it
// is, for example, "wrapped-md5". For an unknown line, Scheme returns an empty
// string.
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

// parsers are tried in this order, by prefix.
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

// parsePlain reads a password in the clear.
func parsePlain(text string) (Hash, error) {
	plain := strings.TrimPrefix(text, "{PLAIN}")
	if plain == "" {
		return Hash{}, ErrMalformed
	}
	return Hash{Scheme: "plain", plain: plain}, nil
}
