package twofold

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/twofold-auth/twofold/internal/seal"
)

// Key is the source of the site's keys. Use KeyFile or KeyText.
type Key struct {
	load  func() (secrets, error)
	check func() error // finds the same problems as load and creates nothing
}

// secrets are the loaded keys, oldest first.
type secrets []string

// newestFirst returns the keys in the order in which they sign and verify.
func (s secrets) newestFirst() []string {
	out := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		out = append(out, s[i])
	}
	return out
}

// KeyFile reads keys from a file, one on each line. If the file does not exist, it is created with
// a random key and mode 0600. To rotate keys, append a line with a new key from NewKey: the last
// key encrypts and signs; all keys decrypt and verify. Anyone who has the file and the database can
// compute every second factor, so back them up separately.
func KeyFile(path string) Key {
	return Key{load: func() (secrets, error) { return loadKeyFile(path) },
		check: func() error { return checkKeyFile(path) }}
}

// KeyText uses the given keys, oldest first. Each must have at least 32 bytes.
func KeyText(oldestFirst ...string) Key {
	return Key{
		load:  func() (secrets, error) { return oldestFirst, nil },
		check: func() error { return checkKeys(oldestFirst) },
	}
}

// NewKey returns a new random key of 256 bits as text.
func NewKey() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// checkKeyFile checks a key file, which may not exist yet.
func checkKeyFile(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dirOf(path)); err != nil {
			return fmt.Errorf("cannot create %s: its folder does not exist", path)
		}
		return nil
	}
	keys, err := loadKeyFile(path)
	if err != nil {
		return err
	}
	return checkKeys(keys)
}

// checkKeys checks the keys themselves.
func checkKeys(oldestFirst secrets) error {
	if _, err := seal.NewKeys(oldestFirst.newestFirst()...); err != nil {
		return err
	}
	_, err := seal.NewRingOf(oldestFirst...)
	return err
}

func loadKeyFile(path string) (secrets, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeNewKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		// if two processes start at once, both read the key of the one that created the file
		raw, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s cannot be read by this user: change its owner to the user that runs the program; "+
			"a secret of a container belongs to the container's user by its number on the host: chown %d it there",
			path, os.Getuid())
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: run chmod 600 on it; "+
			"a secret of a container has the owner and mode it has on the host: chown %d and chmod 400 it there", path,
			os.Getuid())
	}
	keys := strings.Fields(string(raw))
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s contains no key: if nothing is encrypted yet, remove it and a key is created", path)
	}
	return keys, nil
}

// writeNewKey writes a temporary file in the same folder and links it to the path. A reader never
// sees an incomplete key, and only one of two writers succeeds.
func writeNewKey(path string) error {
	tmp, err := os.CreateTemp(dirOf(path), ".twofold-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString(NewKey() + "\n"); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, os.PathSeparator); i >= 0 {
		return path[:i+1]
	}
	return "."
}
