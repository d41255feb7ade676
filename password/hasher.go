package password

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/argon2id"
	"github.com/twofold-auth/twofold/internal/legacy"
)

// MaxBytes is the longest password in bytes (128 code points are at most 512).
const MaxBytes = 1024

var (
	// ErrBusy means that no slot comes free within [Config].Wait: answer 503.
	ErrBusy = errors.New("password: too many sign-ins at once")
	// ErrTooLong means more than [MaxBytes], or more than [Policy].MaxLength.
	ErrTooLong = errors.New("password: too long")
	// ErrMalformed means that a password has a NUL byte or is not UTF-8, or that a
	// stored hash is damaged or asks for more than this package is ready to spend.
	ErrMalformed = errors.New("password: malformed")
	// ErrUnknownScheme means that a stored hash is of an unsupported kind, or needs a secret that
	// is not in [Config].Peppers.
	ErrUnknownScheme = errors.New("password: unknown kind of hash")
)

// Config configures a Hasher. The zero Config is safe.
type Config struct {
	// Scheme is "argon2" (argon2id, the default) or "bcrypt" (cost 12).
	Scheme string

	// Memory (KiB), Time (passes) and Threads are the cost of argon2id. The defaults are 19456, 2
	// and 1, which are also the minimum that OWASP recommends. The maximum is 1 GiB, 20 and 16.
	Memory  uint32
	Time    uint32
	Threads uint8

	// Salt is the SECURITY_PASSWORD_SALT of the Flask-Security installation that hashes were
	// imported from. It is secret. It may be empty.
	Salt string

	// Peppers contains the secrets that other systems added to passwords before hashing, by the
	// name in the imported hash. See "Stored forms".
	Peppers map[string]string

	// Asks is set if there is a [Legacy], so that [AskLegacy] may be stored in place of a hash.
	Asks bool

	// Slots is the number of hashes that may run at once. The default is GOMAXPROCS.
	Slots int

	// Wait is the maximum time that a caller waits for a slot. The default is 10 seconds.
	Wait time.Duration

	// If Portable is set, argon2 is computed by golang.org/x/crypto on every machine, not by the
	// assembly of this module where the processor has AVX2. The hashes are the same. Trade-off: a
	// hash takes two to three times as long.
	Portable bool
}

// A Hasher hashes and verifies passwords. It is safe for concurrent use.
type Hasher struct {
	create func(password string, memory *argon2id.Pool) (string, error)
	fresh  func(decoded) bool // at least as strong as a new hash
	keys   legacy.Keys
	dummy  decoded
	wrap   argon2id.Cost // cost of wrapping weak hashes of other systems
	asks   bool          // AskLegacy is accepted
	slots  *slots
	memory *argon2id.Pool // memory for as many hashes as there are slots
}

// decoded is a parsed stored hash within bounds.
type decoded interface {
	marked() bool // created by this package, over NFKC
	// matches computes the whole hash and compares it in constant time.
	matches(password string, memory *argon2id.Pool) (bool, error)
}

// New returns a Hasher, or an error that lists every mistake in c.
func New(c Config) (*Hasher, error) {
	var errs []error
	if c.Slots < 0 {
		errs = append(errs, fmt.Errorf("password: Slots is %d: use 0 for one per processor", c.Slots))
	}
	if c.Wait < 0 {
		errs = append(errs, fmt.Errorf("password: Wait is %v: use 0 for 10 seconds", c.Wait))
	}
	for name, secret := range c.Peppers {
		if secret == "" || !legacy.KeyName(name) {
			errs = append(errs, fmt.Errorf("password: Peppers has %q: use a name of a-z, 0-9, - and _, "+
				"and a secret that is not empty", name))
		}
	}
	h := &Hasher{keys: c.keys(), asks: c.Asks}
	cost, costErr := argonCost(c)
	switch c.Scheme {
	case "", "argon2":
		errs = append(errs, costErr)
		h.create, h.fresh, h.dummy = cost.create, cost.fresh, cost.dummy()
	case "bcrypt":
		if c.Memory != 0 || c.Time != 0 || c.Threads != 0 {
			errs = append(errs, errors.New(
				"password: Memory, Time and Threads are for argon2: leave them out with bcrypt"))
		}
		h.create, h.fresh, h.dummy = defaultBcrypt.create, defaultBcrypt.fresh, defaultBcrypt.dummy()
	default:
		errs = append(errs, fmt.Errorf("password: Scheme is %q: use argon2 or bcrypt", c.Scheme))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	h.slots = newSlots(c.Slots, c.Wait)
	h.memory = argon2id.NewPool(cost.memory, c.Portable)
	h.wrap = cost.wrapping()
	return h, nil
}

// keys returns the secrets by name. The empty name is Flask-Security's salt.
func (c Config) keys() legacy.Keys {
	salt, peppers := c.Salt, maps.Clone(c.Peppers)
	return func(name string) (string, bool) {
		if name == "" {
			return salt, salt != ""
		}
		secret, ok := peppers[name]
		return secret, ok && secret != ""
	}
}

// Hash returns the string to store for password. The error is [ErrTooLong], [ErrMalformed] (empty,
// NUL or not UTF-8), [ErrBusy], that of ctx, or that of the system if there is not enough memory.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxBytes {
		return "", ErrTooLong
	}
	if !Plausible(password) {
		return "", ErrMalformed
	}
	leave, err := h.slots.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.create(password, h.memory)
}

// Verify reports whether password matches the stored hash encoded. upgrade is set if it does and
// the hash should be replaced by one of [Hasher.Hash], because another system created it or it is
// weaker than configured.
//
// An empty hash never matches, and the check takes as long as for a wrong password. A password that
// Hash refuses as malformed never matches, without any work. The error is [ErrTooLong],
// [ErrMalformed] or [ErrUnknownScheme] for the stored hash, [ErrBusy], that of ctx, or that of the
// system if there is not enough memory; ok is false then.
func (h *Hasher) Verify(ctx context.Context, password, encoded string) (ok, upgrade bool, err error) {
	if encoded == "" {
		return false, false, h.Burn(ctx, password)
	}
	d, err := h.decode(encoded)
	if err != nil {
		if late := h.Burn(ctx, password); late != nil {
			err = late
		}
		return false, false, err
	}
	ok, err = h.run(ctx, password, d)
	return ok, ok && !(d.marked() && h.fresh(d)), err
}

// Check returns nil for a stored hash that Verify supports, and [ErrMalformed] or
// [ErrUnknownScheme] for any other. It computes no hash.
func (h *Hasher) Check(encoded string) error {
	_, err := h.decode(encoded)
	return err
}

// Burn does the work of a failing Verify and returns the same errors. Call it if there is no such
// user, so that the response time does not reveal that (OWASP Authentication Cheat Sheet,
// "Authentication Responses"). It has the cost of the configured scheme; imported hashes with
// another cost take another time until they are replaced.
func (h *Hasher) Burn(ctx context.Context, password string) error {
	_, err := h.run(ctx, password, h.dummy)
	return err
}

// run verifies a password in a slot. The caller's goroutine does the work, and hashing does not
// stop when ctx ends, so a slot is never returned while its memory is in use.
func (h *Hasher) run(ctx context.Context, password string, d decoded) (bool, error) {
	if len(password) > MaxBytes {
		return false, ErrTooLong
	}
	if !Plausible(password) {
		return false, nil
	}
	leave, err := h.slots.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return d.matches(password, h.memory)
}

// Plausible reports whether a password can match at all. It cannot if it is empty, contains NUL, at
// which C implementations of bcrypt stop reading, or is invalid UTF-8, which has no normal form.
func Plausible(password string) bool {
	return password != "" && !strings.Contains(password, "\x00") && utf8.ValidString(password)
}

// Acquire waits for a slot, for callers that do other work between the wait and the hash. With the
// returned context, Hash, Verify and Burn use that slot, one call at a time, and do not wait. leave
// returns the slot; further calls do nothing. The error is [ErrBusy] or that of ctx.
func (h *Hasher) Acquire(ctx context.Context) (with context.Context, leave func(), err error) {
	l, err := h.slots.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	return context.WithValue(ctx, slotKey{h.slots}, l), l.leave, nil
}

// Load returns the number of passwords that may be hashed at once, of those being hashed, and of
// callers waiting for a slot.
func (h *Hasher) Load() (slots, busy, waiting int) {
	busy, waiting = h.slots.load()
	return h.slots.size, busy, waiting
}

// newSlots applies the defaults of Config.
func newSlots(n int, wait time.Duration) *slots {
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if wait == 0 {
		wait = 10 * time.Second
	}
	return &slots{size: n, wait: wait, shares: map[string]int{}}
}
