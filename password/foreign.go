package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/argon2id"
	"github.com/twofold-auth/twofold/internal/legacy"
)

// foreign is a hash that another system created.
type foreign struct {
	legacy.Hash
	keys legacy.Keys
}

func (foreign) marked() bool { return false }

func (f foreign) matches(password string, memory *argon2id.Pool) (bool, error) {
	return f.Matches(password, f.keys, memory)
}

// decode parses a stored hash.
func (h *Hasher) decode(encoded string) (decoded, error) {
	switch {
	case strings.HasPrefix(encoded, "$argon2") && strings.Contains(encoded, "keyid="):
		return decodeArgon(encoded)
	case strings.HasPrefix(encoded, bcryptMark):
		return decodeBcrypt(encoded)
	}
	f, err := legacy.Parse(encoded)
	if err == nil {
		if _, plain := f.Plain(); plain {
			err = legacy.ErrUnknown // never stored
		}
	}
	if encoded == AskLegacy && !h.asks {
		err = fmt.Errorf("%w: there is no former system to ask", legacy.ErrUnknown)
	}
	if err == nil {
		err = f.Check(h.keys)
	}
	if err != nil {
		return nil, ours(err)
	}
	return foreign{f, h.keys}, nil
}

// ours converts an error of package legacy to one of this package.
func ours(err error) error {
	switch {
	case errors.Is(err, legacy.ErrUnknown), errors.Is(err, legacy.ErrKey):
		return fmt.Errorf("%w: %w", ErrUnknownScheme, err)
	case errors.Is(err, legacy.ErrMalformed), errors.Is(err, legacy.ErrCost):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}

// Adopt returns the string to store for a hash that another system created: the hash itself,
// argon2id around the hash if it is too weak to be stored, or a new hash of [Hasher.Hash] if
// encoded contains the password. For the last two it needs a slot. The error is [ErrMalformed] if
// the hash is damaged or costs more than 2 seconds or 256 MiB, [ErrUnknownScheme], [ErrBusy], the
// error of ctx, or that of the system if there is not enough memory.
func (h *Hasher) Adopt(ctx context.Context, encoded string) (string, error) {
	if f, err := legacy.Parse(encoded); err == nil {
		if plain, ok := f.Plain(); ok {
			return h.Hash(ctx, plain)
		}
	}
	d, err := h.decode(encoded)
	if err != nil {
		return "", err
	}
	switch d := d.(type) {
	case foreign:
		if d.Weak() {
			return h.wrapped(ctx, d.Hash)
		}
	case argon:
		// An import must not ask for more than its own hashes cost here.
		if c := d.cost(); c.Time > legacy.MaxTime || c.Memory > legacy.MaxMemory {
			return "", ours(fmt.Errorf("%w: %d KiB and %d passes", legacy.ErrCost, d.memory, d.time))
		}
	case bcryptHash:
		if d.cost > maxForeignBcrypt {
			return "", ours(legacy.ErrCost)
		}
	}
	return encoded, nil
}

func (h *Hasher) wrapped(ctx context.Context, f legacy.Hash) (string, error) {
	leave, err := h.slots.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	out, err := f.Wrap(h.wrap, h.memory)
	return out, ours(err)
}

// Cost estimates how long a stored hash takes, and reports whether another system made
// it. It is zero for one that cannot be judged.
func (h *Hasher) Cost(encoded string) (time.Duration, bool) {
	d, err := h.decode(encoded)
	if err != nil {
		return 0, false
	}
	f, ok := d.(foreign)
	return f.Hash.Cost.Time, ok
}
